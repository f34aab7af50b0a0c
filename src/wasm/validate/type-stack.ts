// The operand types and open constructs of one function (appendix A.3 of the specification). Refuses by throwing
// what its owner makes of the message; never reads the module.
import type { FunctionType } from '../binary/types.ts';
import { valueTypeName } from '../binary/types.ts';
import {
  alignments,
  gives,
  SimpleForm,
  simpleBytesMax,
  simpleForms,
  takes,
  unknownType,
} from './instruction-types.ts';

export const Construct = { function: 0, block: 1, loop: 2, if: 3, else: 4 } as const;

export class TypeStack {
  /** Makes the error for what does not fit. */
  readonly #refuse: (what: string) => Error;
  #types = new Uint8Array(1024);
  /** Operands on the stack, and how many of them are below the innermost construct. */
  height = 0;
  #floor = 0;
  /** Whether the rest of the innermost arm is never reached. */
  #unreachable = false;
  /** Open constructs, the innermost last. */
  depth = 0;
  /** How many of them are loops. */
  loops = 0;
  readonly #kinds: number[] = [];
  readonly #floors: number[] = [];
  readonly #unreachables: boolean[] = [];
  readonly #signatures: FunctionType[] = [];

  constructor(refuse: (what: string) => Error) {
    this.#refuse = refuse;
  }

  begin(signature: FunctionType): void {
    this.height = 0;
    this.depth = 0;
    this.loops = 0;
    this.#floor = 0;
    this.#unreachable = false;
    // A function's parameters are locals, not operands.
    this.#enter(Construct.function, signature);
  }

  push(type: number): void {
    if (this.height === this.#types.length) this.#growTypes();
    this.#types[this.height++] = type;
  }

  #growTypes(): void {
    const grown = new Uint8Array(this.#types.length * 2);
    grown.set(this.#types);
    this.#types = grown;
  }

  pushAll(types: readonly number[]): void {
    for (let index = 0; index < types.length; index++) this.push(types[index]!);
  }

  /** Takes an operand of any type; `unknownType` where code is never reached. */
  popAny(): number {
    if (this.height > this.#floor) return this.#types[--this.height]!;
    if (this.#unreachable) return unknownType;
    throw this.#refuse('it has too few operands');
  }

  pop(wanted: number): void {
    if (this.height > this.#floor) {
      const found = this.#types[--this.height]!;
      if (found === wanted || found === unknownType) return;
      throw this.#refuse(`found an operand of ${valueTypeName(found)}, wanted ${valueTypeName(wanted)}`);
    }
    if (!this.#unreachable) throw this.#refuse(`it has too few operands, wanted ${valueTypeName(wanted)}`);
  }

  /** Takes operands packed as in `takes` of the instruction types, and gives one unless it is 0. */
  apply(taken: number, given: number): void {
    let { height } = this;
    for (; taken !== 0; taken >>>= 8) {
      const wanted = taken & 0xff;
      if (height > this.#floor && this.#types[height - 1] === wanted) {
        height--;
        continue;
      }
      this.height = height;
      this.pop(wanted);
      height = this.height;
    }
    this.height = height;
    if (given !== 0) this.push(given);
  }

  /**
   * Passes over simple instructions that are right, from `at` on, and answers where the first one stands that has to be
   * looked at by itself: since it is not simple, or may be wrong.
   */
  passSimple(bytes: Uint8Array, at: number, end: number, locals: Uint8Array, localCount: number): number {
    const types = this.#types;
    const floor = this.#floor;
    const last = end - simpleBytesMax;
    let { height } = this;
    passing: while (at < last && height < types.length) {
      const code = bytes[at]!;
      const form = simpleForms[code]!;
      if (form === 0) break;
      let next = at + 1;
      if (form <= SimpleForm.localTee) {
        const index = bytes[next]!;
        if (index >= 0x80 || index >= localCount) break;
        const type = locals[index]!;
        if (form === SimpleForm.localGet) types[height++] = type;
        else if (height === floor || types[height - 1] !== type) break;
        else if (form === SimpleForm.localSet) height--;
        at = next + 1;
        continue;
      }
      if (form === SimpleForm.memory && bytes[next++]! > alignments[code]!) break;
      if (form === SimpleForm.memory || form === SimpleForm.number) {
        const start = next;
        while (bytes[next]! >= 0x80) next++;
        // Up to four bytes cannot be out of range.
        if (next++ - start >= 4) break;
      } else if (form === SimpleForm.bytes4) next += 4;
      else if (form === SimpleForm.bytes8) next += 8;
      let left = height;
      for (let taken = takes[code]!; taken !== 0; taken >>>= 8) {
        if (left === floor || types[--left] !== (taken & 0xff)) break passing;
      }
      height = left;
      const given = gives[code]!;
      if (given !== 0) types[height++] = given;
      at = next;
    }
    this.height = height;
    return at;
  }

  popAll(types: readonly number[]): void {
    for (let index = types.length - 1; index >= 0; index--) this.pop(types[index]!);
  }

  /** Checks the operands on top and leaves them there. */
  check(types: readonly number[]): void {
    const height = this.height;
    const present = Math.min(types.length, height - this.#floor);
    if (present < types.length && !this.#unreachable) this.popAll(types);
    for (let index = 1; index <= present; index++) {
      const [found, wanted] = [this.#types[height - index]!, types[types.length - index]!];
      if (found === wanted || found === unknownType) continue;
      throw this.#refuse(`found an operand of ${valueTypeName(found)}, wanted ${valueTypeName(wanted)}`);
    }
  }

  #enter(kind: number, signature: FunctionType): void {
    const { depth } = this;
    this.#kinds[depth] = kind;
    this.#floors[depth] = this.height;
    this.#unreachables[depth] = false;
    this.#signatures[depth] = signature;
    if (depth > 0) this.#unreachables[depth - 1] = this.#unreachable;
    this.depth = depth + 1;
    this.#floor = this.height;
    this.#unreachable = false;
  }

  open(kind: number, signature: FunctionType): void {
    this.popAll(signature.params);
    if (kind === Construct.loop) this.loops++;
    this.#enter(kind, signature);
    this.pushAll(signature.params);
  }

  /** The kind of the innermost construct. */
  get kind(): number {
    return this.#kinds[this.depth - 1]!;
  }

  #finishArm(): FunctionType {
    const signature = this.#signatures[this.depth - 1]!;
    this.popAll(signature.results);
    if (this.height > this.#floor) {
      throw this.#refuse(`${this.height - this.#floor} operands too many are left at the end of a block`);
    }
    return signature;
  }

  /** From the first to the second arm of an `if`. */
  turn(): void {
    const signature = this.#finishArm();
    this.#kinds[this.depth - 1] = Construct.else;
    this.#unreachable = false;
    this.pushAll(signature.params);
  }

  close(): void {
    const { results } = this.#finishArm();
    if (this.kind === Construct.loop) this.loops--;
    const depth = --this.depth;
    if (depth === 0) return;
    this.#floor = this.#floors[depth - 1]!;
    this.#unreachable = this.#unreachables[depth - 1]!;
    this.pushAll(results);
  }

  /** The types that a branch to a label carries. */
  carried(label: number): readonly number[] {
    if (label >= this.depth) {
      throw this.#refuse(`it branches to the label ${label}, ${this.depth} are open`);
    }
    const index = this.depth - 1 - label;
    const signature = this.#signatures[index]!;
    return this.#kinds[index] === Construct.loop ? signature.params : signature.results;
  }

  get innermost(): FunctionType {
    return this.#signatures[this.depth - 1]!;
  }

  /** Nothing from here to the end of the arm is reached. */
  stop(): void {
    this.height = this.#floor;
    this.#unreachable = true;
  }
}
