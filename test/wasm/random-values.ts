// The values and memory operations of one random function: expressions that leave one value, and statements without
// control flow. Blocks and calls are its heir's.

import { type Chance, type ProgramShape, typeIndex } from './program-shape.ts';
import { type Signature, Sink, typeCodes } from './program-writer.ts';
import './vector-operations.ts';
import { operations } from './scalar-operations.ts';

/** Operations by the letter that they give; vector ones apart. */
const scalarByResult = new Map<string, number[]>();
const vectorByResult = new Map<string, number[]>();
for (const [code, { takes, gives }] of operations) {
  const wide = takes.includes('v') || gives === 'v';
  const into = wide ? vectorByResult : scalarByResult;
  into.set(gives, [...(into.get(gives) ?? []), code]);
}

const scalarLoads: Readonly<Record<string, readonly number[]>> = {
  i: [0x28, 0x2c, 0x2d, 0x2e, 0x2f],
  l: [0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35],
  f: [0x2a],
  d: [0x2b],
  v: [0xfd00, 0xfd07, 0xfd08, 0xfd09, 0xfd0a, 0xfd5c, 0xfd5d],
};
const stores: readonly (readonly [number, string])[] = [
  [0x36, 'i'],
  [0x37, 'l'],
  [0x38, 'f'],
  [0x39, 'd'],
  [0x3a, 'i'],
  [0x3b, 'i'],
  [0x3c, 'l'],
  [0x3d, 'l'],
  [0x3e, 'l'],
];
/** The natural alignment's exponent by opcode, where it is not 0. */
const widths: Readonly<Record<number, number>> = { 40: 2, 41: 3, 42: 2, 43: 3, 54: 2, 55: 3, 56: 2, 57: 3 };

export abstract class RandomValues {
  protected readonly chance: Chance;
  protected readonly shape: ProgramShape;
  protected readonly self: number;
  protected readonly signature: Signature;
  protected readonly out: Sink = new Sink();
  protected readonly labels: string[] = [];
  protected locals: string;
  /** Locals from here on count loops; code never sets them. */
  protected readonly freeLocals: number;
  /** Statements and expressions that may still be made. */
  protected budget: number;

  constructor(chance: Chance, shape: ProgramShape, self: number) {
    this.chance = chance;
    this.shape = shape;
    this.self = self;
    this.signature = shape.signatures[self]!;
    const letters = shape.vectors ? 'ilfdv' : 'ilfd';
    const many = chance.once(12) ? 60 : 5;
    this.locals = this.signature.params + chance.letters(letters, many);
    this.freeLocals = this.locals.length;
    this.budget = 10 + chance.below(chance.once(4) ? 300 : 80);
  }

  protected letters(): string {
    return this.shape.vectors ? 'iilfdv' : 'iilfd';
  }

  protected letter(): string {
    return this.chance.pick(this.letters());
  }

  protected setLocal(depth: number): void {
    if (this.freeLocals === 0) return;
    const index = this.chance.below(this.freeLocals);
    this.value(this.locals[index]!, depth - 1);
    this.out.u8(0x21).u32(index);
  }

  protected values(letters: string, depth: number): void {
    for (const letter of letters) this.value(letter, depth - 1);
  }

  protected blockType(params: string, results: string): void {
    if (params === '' && results === '' && !this.chance.once(8)) this.out.u8(0x40);
    else if (params === '' && results.length === 1) this.out.u8(typeCodes[results]!);
    else this.out.signed(BigInt(typeIndex(this.shape.types, { params, results })));
  }

  /** Puts the operands on top away, the last one first. */
  protected consume(letters: string): void {
    for (const letter of [...letters].reverse()) {
      const index = this.locals.slice(0, this.freeLocals).lastIndexOf(letter);
      if (index >= 0 && this.chance.once(2)) this.out.u8(0x21).u32(index);
      else this.out.u8(0x1a);
    }
  }

  /** Leaves an index within the table's first elements, or anything. */
  protected tableIndex(depth: number): void {
    this.value('i', depth - 1);
    if (!this.chance.once(8)) this.out.u8(0x41, 0x07, 0x71);
  }

  protected address(depth: number): void {
    this.value('i', depth - 1);
    if (!this.chance.once(40)) this.out.u8(0x41).signed(0xffffn).u8(0x71);
  }

  protected access(code: number): void {
    const align = this.chance.once(2) ? (widths[code] ?? 0) : 0;
    this.out
      .op(code)
      .u32(align)
      .u32(this.chance.once(30) ? 70_000 : this.chance.below(200));
  }

  protected store(depth: number): void {
    const wide = this.shape.vectors && this.chance.once(4);
    const [code, letter] = wide ? ([0xfd0b, 'v'] as const) : this.chance.pick(stores);
    this.address(depth);
    this.value(letter, depth - 1);
    if (wide && this.chance.once(3)) this.laneAccess(0xfd58);
    else this.access(code);
  }

  /** One of the four widths of a lane's load or store. */
  protected laneAccess(first: number): void {
    const width = this.chance.below(4);
    this.access(first + width);
    this.out.u8(this.chance.below(16 >> width));
  }

  protected small(limit: number): void {
    this.out.u8(0x41).signed(BigInt(this.chance.below(limit)));
  }

  protected length(depth: number): void {
    this.value('i', depth - 1);
    this.out.u8(0x41).signed(127n).u8(0x71);
  }

  protected bulk(depth: number): void {
    switch (this.chance.below(9)) {
      case 0:
        this.address(depth);
        this.value('i', 0);
        this.length(depth);
        this.out.u8(0xfc, 11, 0);
        return;
      case 1:
        this.address(depth);
        this.address(depth);
        this.length(depth);
        this.out.u8(0xfc, 10, 0, 0);
        return;
      case 2: {
        this.address(depth);
        const segment = this.chance.once(6) ? 0 : 1;
        this.small(this.shape.dataBytes[segment]! >> 1 || 1);
        this.small(this.shape.dataBytes[segment]! >> 1 || 1);
        this.out.u8(0xfc, 8, segment, 0);
        return;
      }
      case 3:
        for (const limit of [8, 3, 3]) this.small(limit);
        this.out.u8(0xfc, 12, 1, 0);
        return;
      case 4:
        for (const limit of [9, 9, 4]) this.small(limit);
        this.out.u8(0xfc, 14, 0, 0);
        return;
      case 5:
        this.small(9);
        this.reference();
        this.small(3);
        this.out.u8(0xfc, 17, 0);
        return;
      case 6:
        this.small(8);
        if (this.chance.once(2)) this.reference();
        else this.out.u8(0x41, this.chance.below(8), 0x25, 0);
        this.out.u8(0x26, 0);
        return;
      case 7:
        if (this.chance.once(4)) this.out.u8(0xfc, this.chance.once(2) ? 9 : 13, this.chance.below(2));
        return;
      default:
        this.reference();
        this.small(3);
        this.out.u8(0xfc, 15, 0, 0x1a);
    }
  }

  protected reference(): void {
    if (this.chance.once(3)) this.out.u8(0xd0, 0x70);
    else this.out.u8(0xd2).u32(this.chance.below(this.shape.signatures.length));
  }

  /** Leaves one value of the type. */
  protected value(letter: string, depth: number): void {
    this.budget--;
    if (depth <= 0 || this.budget <= 0) {
      this.leaf(letter);
      return;
    }
    switch (this.chance.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.operation(letter, depth);
        return;
      case 4:
        this.address(depth);
        if (letter === 'v' && this.chance.once(3)) {
          this.value('v', depth - 1);
          this.laneAccess(0xfd54);
        } else this.access(this.chance.pick(scalarLoads[letter]!));
        return;
      case 5:
        this.values(letter + letter, depth);
        this.value('i', depth - 1);
        if (this.chance.once(2)) this.out.u8(0x1b);
        else this.out.u8(0x1c, 1, typeCodes[letter]!);
        return;
      case 6:
        this.block(this.chance.letters(this.letters(), 1), letter, depth, true);
        return;
      case 7: {
        const index = this.shape.signatures.findIndex(({ results }) => results === letter);
        if (index < 0) this.leaf(letter);
        else this.call(index, depth);
        return;
      }
      case 8: {
        const index = this.locals.slice(0, this.freeLocals).lastIndexOf(letter);
        this.value(letter, depth - 1);
        if (index >= 0) this.out.u8(0x22).u32(index);
        return;
      }
      case 9:
        if (letter === 'i') this.query(depth);
        else if (this.shape.vectors) this.lane(letter, depth);
        else this.leaf(letter);
        return;
      default:
        this.leaf(letter);
    }
  }

  protected operation(letter: string, depth: number): void {
    const wide = letter === 'v' || (this.shape.vectors && vectorByResult.has(letter) && this.chance.once(4));
    const code = this.chance.pick((wide ? vectorByResult : scalarByResult).get(letter)!);
    // Divisions that trap on most operands would end most programs: their divisor is made odd.
    this.values(operations.get(code)!.takes, depth);
    if (code >= 0x6d && code <= 0x70 && !this.chance.once(10)) this.out.u8(0x41, 0x01, 0x72);
    if (code >= 0x7f && code <= 0x82 && !this.chance.once(10)) this.out.u8(0x42, 0x01, 0x84);
    this.out.op(code);
  }

  protected lane(letter: string, depth: number): void {
    const extracts: Readonly<Record<string, readonly [number, number]>> = {
      i: [27, 4],
      l: [29, 2],
      f: [31, 4],
      d: [33, 2],
      v: [0, 0],
    };
    this.value('v', depth - 1);
    if (letter === 'v') {
      if (this.chance.once(2)) {
        this.value('v', depth - 1);
        this.out.u8(0xfd, 13, ...Array.from({ length: 16 }, () => this.chance.below(32)));
        return;
      }
      const [replace, type, lanes] = this.chance.pick([
        [23, 'i', 16],
        [26, 'i', 8],
        [28, 'i', 4],
        [30, 'l', 2],
        [32, 'f', 4],
        [34, 'd', 2],
      ] as const);
      this.value(type, depth - 1);
      this.out.u8(0xfd, replace, this.chance.below(lanes));
      return;
    }
    const [code, lanes] = extracts[letter]!;
    this.out.u8(0xfd, code, this.chance.below(lanes));
  }

  protected query(depth: number): void {
    const kind = this.chance.below(7);
    if (kind === 0) this.out.u8(0x3f, 0);
    else if (kind === 1) this.out.u8(0x41, this.chance.below(3), 0x40, 0);
    else if (kind === 2) this.out.u8(0xfc, 16, 0);
    else if (kind === 3) {
      this.reference();
      this.out.u8(0xd1);
    } else if (this.shape.vectors) {
      this.value('v', depth - 1);
      const [code, lanes] = this.chance.pick([
        [21, 16],
        [22, 16],
        [24, 8],
        [25, 8],
        [27, 4],
      ] as const);
      this.out.u8(0xfd, code, this.chance.below(lanes));
    } else this.leaf('i');
  }

  protected leaf(letter: string): void {
    const local = this.locals.indexOf(letter);
    const global = this.shape.globals.indexOf(letter, 1);
    const kind = this.chance.below(3);
    if (kind === 0 && local >= 0) this.out.u8(0x20).u32(local);
    else if (kind === 1 && global >= 0) this.out.u8(0x23).u32(global);
    else this.constant(letter);
  }

  protected constant(letter: string): void {
    const integers = [0, 1, -1, 2, 8, 31, 63, 64, 255, 65_535, -128, 0x7fff_ffff, -0x8000_0000];
    const bytes = new DataView(new ArrayBuffer(8));
    const floats = [
      0,
      -0,
      1,
      -1,
      0.5,
      1.5,
      -2.5,
      3.75,
      1e10,
      -1e-40,
      2 ** 31,
      2 ** 63,
      -(2 ** 64),
      1e300,
      0.1,
    ];
    switch (letter) {
      case 'i':
        this.out
          .u8(0x41)
          .signed(BigInt(this.chance.once(2) ? this.chance.pick(integers) : this.chance.below(300)));
        return;
      case 'l':
        this.out
          .u8(0x42)
          .signed(BigInt(this.chance.pick(integers)) << BigInt(this.chance.pick([0, 0, 0, 31, 7])));
        return;
      case 'f':
        bytes.setFloat32(0, this.chance.pick(floats), true);
        this.out.u8(0x43, ...new Uint8Array(bytes.buffer, 0, 4));
        return;
      case 'd':
        bytes.setFloat64(0, this.chance.pick(floats), true);
        this.out.u8(0x44, ...new Uint8Array(bytes.buffer));
        return;
      default:
        this.out.u8(
          0xfd,
          12,
          ...Array.from({ length: 16 }, () => this.chance.pick([0, 1, 255, 127, 63, 64, 5])),
        );
    }
  }

  /** A block or an if, whose parameters come first and whose results are put away, or stay. */
  protected abstract block(params: string, results: string, depth: number, keep?: boolean): void;

  /** A call whose results stay on the stack. */
  protected abstract call(index: number, depth: number): string;
}
