// Follows how many operands are on the stack and which constructs are open, through dead code too (section 3.3),
// and one note for each operand. The types are judged elsewhere.
import type { FunctionType } from '../binary/types.ts';

export interface Construct {
  kind: 'function' | 'block' | 'loop' | 'if';
  readonly type: FunctionType;
  /** Operands below the construct's parameters. */
  readonly base: number;
  /** Whether the construct itself can be reached. */
  readonly live: boolean;
}

/** The note of an operand of which nothing is known. */
export const unknownOperand = -1;

export class OperandStack {
  readonly constructs: Construct[] = [];
  height = 0;
  /** The greatest height so far. */
  heightMax = 0;
  /** Whether the next instruction can be reached. */
  live = true;
  /** One note for each operand; those that `take` took stay readable above the height. Means nothing in dead code. */
  readonly notes: number[] = [];

  /** Begins a function anew. */
  reset(type: FunctionType): void {
    this.constructs.length = 0;
    this.constructs.push({ kind: 'function', type, base: 0, live: true });
    this.height = 0;
    this.heightMax = 0;
    this.live = true;
  }

  /** Takes operands; false where there are too few. In dead code there are always enough. */
  take(count: number): boolean {
    const base = this.constructs[this.constructs.length - 1]!.base;
    this.height -= count;
    if (this.height >= base) return true;
    this.height = base;
    return !this.live;
  }

  give(count: number, note: number = unknownOperand): void {
    for (let i = 0; i < count; i++) this.notes[this.height++] = note;
    if (this.height > this.heightMax) this.heightMax = this.height;
  }

  open(kind: Construct['kind'], type: FunctionType): boolean {
    const enough = this.take(type.params.length);
    this.constructs.push({ kind, type, base: this.height, live: this.live });
    this.give(type.params.length);
    return enough;
  }

  /** Goes from the first to the second arm of the innermost `if`; false where there is none. */
  turn(): boolean {
    const construct = this.constructs[this.constructs.length - 1]!;
    if (construct.kind !== 'if') return false;
    construct.kind = 'block';
    this.height = construct.base;
    this.live = construct.live;
    this.give(construct.type.params.length);
    return true;
  }

  /** Closes the innermost construct. */
  close(): Construct {
    const construct = this.constructs.pop()!;
    this.height = construct.base;
    this.live = construct.live;
    this.give(construct.type.results.length);
    return construct;
  }

  /** Nothing after this point, up to the end of the arm, can be reached. */
  stop(): void {
    this.live = false;
    this.height = this.constructs[this.constructs.length - 1]!.base;
  }

  /** How many operands a branch to a label takes with it; 0 where there is no such label. */
  arityOf(label: number): number {
    const construct = this.constructs[this.constructs.length - 1 - label];
    if (construct === undefined) return 0;
    return construct.kind === 'loop' ? construct.type.params.length : construct.type.results.length;
  }
}
