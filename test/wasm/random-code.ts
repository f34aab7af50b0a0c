// The code of one random function: nested blocks of every kind, calls, branches out of them, and code behind branches
// that never runs. Each statement leaves the operand stack as it was.

import { typeIndex } from './program-shape.ts';
import { Sink, typeCodes } from './program-writer.ts';
import { RandomValues } from './random-values.ts';

export class CodeGenerator extends RandomValues {
  /** Locals and code. */
  body(): Sink {
    this.labels.push(this.signature.results);
    this.statements(4);
    this.finish(this.signature.results, 4);
    this.out.u8(0x0b);
    const own = this.locals.slice(this.signature.params.length);
    const body = new Sink().u32(own.length);
    for (const letter of own) body.u32(1).u8(typeCodes[letter]!);
    return body.append(this.out);
  }

  /** The end of a body: its results, or a way out and code that never runs. */
  protected finish(results: string, depth: number): void {
    if (this.chance.once(5)) {
      this.leave(depth);
      this.dead(results, depth);
      return;
    }
    for (const letter of results) this.value(letter, depth - 1);
  }

  protected statements(depth: number): void {
    for (let count = this.chance.below(4); count >= 0 && this.budget > 0; count--) this.statement(depth);
  }

  protected statement(depth: number): void {
    this.budget--;
    const kinds = depth <= 0 || this.budget <= 0 ? 6 : 17;
    switch (this.chance.below(kinds)) {
      case 0:
      case 1:
        this.setLocal(depth);
        return;
      case 2: {
        const index = 1 + this.chance.below(this.shape.globals.length - 1);
        this.value(this.shape.globals[index]!, depth - 1);
        this.out.u8(0x24).u32(index);
        return;
      }
      case 3:
        this.store(depth);
        return;
      case 4:
        this.bulk(depth);
        return;
      case 5:
        this.value(this.letter(), depth - 1);
        this.out.u8(0x1a);
        return;
      case 6:
      case 7:
        this.block(this.chance.letters(this.letters(), 2), this.chance.letters(this.letters(), 2), depth);
        return;
      case 8:
      case 9:
        this.loop(depth);
        return;
      case 10:
        this.wildLoop(depth);
        return;
      case 11:
      case 12:
        this.branchIf(depth);
        return;
      case 13:
        this.branchTable(depth);
        return;
      case 14:
        this.callStatement(depth);
        return;
      case 15:
        this.rarely(() => this.leave(depth), depth);
        return;
      default:
        this.out.u8(0x01);
    }
  }

  /** `if` on something that is seldom true. */
  protected rarely(inside: () => void, depth: number): void {
    this.value('i', depth - 1);
    this.out
      .u8(0x41)
      .signed(BigInt(this.chance.below(9)))
      .u8(0x46, 0x04, 0x40);
    this.labels.push('');
    inside();
    this.dead('', depth);
    this.labels.pop();
    this.out.u8(0x0b);
  }

  /** Out of here, for good. */
  protected leave(depth: number): void {
    const kind = this.chance.below(6);
    if (kind === 0) this.out.u8(0x00);
    else if (kind <= 2) {
      const label = this.chance.below(this.labels.length);
      this.values(this.labels[this.labels.length - 1 - label]!, depth);
      this.out.u8(0x0c).u32(label);
    } else if (kind === 3) {
      this.values(this.signature.results, depth);
      this.out.u8(0x0f);
    } else if (!this.tailCall(depth)) this.out.u8(0x00);
  }

  /** Code that is never reached, and the results or nothing. */
  protected dead(results: string, depth: number): void {
    const kind = this.chance.below(6);
    if (kind === 0) this.out.u8(0x6a, 0x1a);
    else if (kind === 1) this.out.u8(0x1b, 0x1a, 0x02, 0x40, 0x00, 0x0b);
    else if (kind === 2 && depth > 0) this.statement(depth - 1);
    else if (kind === 3) this.out.u8(0x03, 0x40, 0x0c, 0x00, 0x0b);
    else if (kind === 4) this.out.u8(0x45, 0x04, 0x40, 0x05, 0x0b);
    if (results !== '' && this.chance.once(2)) this.values(results, 1);
  }

  /** A block or an if, whose parameters come first and whose results are put away, or stay. */
  protected override block(params: string, results: string, depth: number, keep = false): void {
    this.values(params, depth);
    const conditional = this.chance.once(2);
    if (conditional) this.value('i', depth - 1);
    this.out.u8(conditional ? 0x04 : 0x02);
    this.blockType(params, results);
    this.labels.push(results);
    this.arm(params, results, depth);
    if (conditional && (params !== results || this.chance.once(2))) {
      this.out.u8(0x05);
      this.arm(params, results, depth);
    }
    this.labels.pop();
    this.out.u8(0x0b);
    if (!keep) this.consume(results);
  }

  protected arm(params: string, results: string, depth: number): void {
    if (params !== '' && params === results && this.chance.once(2)) {
      this.statements(depth - 1);
      return;
    }
    this.consume(params);
    this.statements(depth - 1);
    this.finish(results, depth - 1);
  }

  /** A loop that counts down at its head, so that however it goes back it ends. */
  protected loop(depth: number): void {
    const counter = this.locals.length;
    this.locals += 'i';
    const params = this.chance.once(3) ? this.chance.letters(this.letters(), 2) : '';
    this.out
      .u8(0x41)
      .u32(1 + this.chance.below(5))
      .u8(0x21)
      .u32(counter);
    this.out.u8(0x02, 0x40);
    this.labels.push('');
    this.values(params, depth);
    this.out.u8(0x03);
    this.blockType(params, '');
    this.labels.push(params);
    this.consume(params);
    this.out.u8(0x20).u32(counter).u8(0x45, 0x0d, 0x01);
    this.out.u8(0x20).u32(counter).u8(0x41, 0x01, 0x6b, 0x21).u32(counter);
    this.statements(depth - 1);
    this.values(params, depth);
    this.out.u8(0x0c, 0x00);
    this.labels.length -= 2;
    this.out.u8(0x0b, 0x0b);
  }

  /** A loop that nothing bounds; its head may go back to one around it. */
  protected wildLoop(depth: number): void {
    this.out.u8(0x03, 0x40);
    this.labels.push('');
    if (this.chance.once(4)) this.branchIf(depth - 1);
    this.statements(depth - 1);
    if (this.chance.once(3)) {
      this.value('i', depth - 1);
      this.out.u8(0x41, 0x07, 0x71, 0x45, 0x0d, 0x00);
    }
    this.labels.pop();
    this.out.u8(0x0b);
  }

  protected branchIf(depth: number): void {
    const label = this.chance.below(this.labels.length);
    const carried = this.labels[this.labels.length - 1 - label]!;
    this.values(carried, depth);
    this.value('i', depth - 1);
    this.out.u8(0x0d).u32(label);
    this.consume(carried);
  }

  protected branchTable(depth: number): void {
    const first = this.chance.below(this.labels.length);
    const carried = this.labels[this.labels.length - 1 - first]!;
    const same = [...this.labels.keys()].filter(
      (label) => this.labels[this.labels.length - 1 - label] === carried,
    );
    this.rarely(() => {
      this.values(carried, depth);
      this.value('i', depth - 1);
      const labels = Array.from({ length: this.chance.below(5) }, () => this.chance.pick(same) + 1);
      this.out.u8(0x0e).u32(labels.length);
      for (const label of [...labels, first + 1]) this.out.u32(label);
    }, depth);
  }

  protected callStatement(depth: number): void {
    const results = this.call(this.chance.below(this.shape.signatures.length), depth);
    this.consume(results);
  }

  /** A call whose results stay on the stack; under a count where it could go round in circles. */
  protected override call(index: number, depth: number): string {
    const { params, results } = this.shape.signatures[index]!;
    const indirect = this.chance.once(3);
    const guarded = indirect || index >= this.self;
    this.values(params, depth);
    if (guarded) {
      this.out.u8(0x23, 0x00, 0x41, 0x00, 0x4a, 0x04);
      this.blockType(params, results);
      this.out.u8(0x23, 0x00, 0x41, 0x01, 0x6b, 0x24, 0x00);
      this.labels.push(results);
    }
    if (indirect && index < 7 && this.chance.below(6) > 0) {
      this.out
        .u8(0x41)
        .u32(index + 1)
        .u8(0x11)
        .u32(typeIndex(this.shape.types, { params, results }))
        .u8(0);
    } else if (indirect) {
      this.tableIndex(1);
      this.out.u8(0x11).u32(typeIndex(this.shape.types, { params, results })).u8(0);
    } else this.out.u8(0x10).u32(index);
    if (guarded) {
      this.out.u8(0x05);
      this.consume(params);
      this.values(results, 0);
      this.out.u8(0x0b);
      this.labels.pop();
    }
    return results;
  }

  /** A tail call of a function of the same results; false where there is none. */
  protected tailCall(depth: number): boolean {
    const same = [...this.shape.signatures.entries()].filter(
      ([, { results }]) => results === this.signature.results,
    );
    if (same.length === 0) return false;
    const [index, signature] = this.chance.pick(same);
    this.values(signature.params, depth);
    if (this.chance.once(2)) {
      this.tableIndex(1);
      this.out.u8(0x13).u32(typeIndex(this.shape.types, signature)).u8(0);
    } else this.out.u8(0x12).u32(index);
    return true;
  }
}
