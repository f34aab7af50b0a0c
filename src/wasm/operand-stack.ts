// Follows how many operands are on the stack and which constructs are open, through dead code too (section 3.3).
// Counts only: the types are judged elsewhere.
import type { FunctionType } from './types.ts';

export interface Construct {
  readonly kind: 'function' | 'block' | 'loop' | 'if';
  readonly type: FunctionType;
  /** Operands below the construct's parameters. */
  readonly base: number;
  /** Whether the construct itself can be reached. */
  readonly live: boolean;
}

export class OperandStack {
  readonly constructs: Construct[] = [];
  height = 0;
  /** The greatest height so far. */
  heightMax = 0;
  /** Whether the next instruction can be reached. */
  live = true;

  constructor(type: FunctionType) {
    this.constructs.push({ kind: 'function', type, base: 0, live: true });
  }

  /** Takes operands; false where there are too few. In dead code there are always enough. */
  take(count: number): boolean {
    const base = this.constructs[this.constructs.length - 1]!.base;
    this.height -= count;
    if (this.height >= base) return true;
    this.height = base;
    return !this.live;
  }

  give(count: number): void {
    this.height += count;
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
    this.constructs[this.constructs.length - 1] = { ...construct, kind: 'block' };
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
}
