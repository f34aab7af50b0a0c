// A small interpreter that counts fuel by the documented table, flush points included. Slow and plain on purpose; must
// share no code with the pass that it judges.
import './vector-operations.ts';
import { bytesFuel, elementsFuel, memoryGrowFuel, tableGrowFuel } from './fuel-costs.ts';
import { access, isLoad, isStore } from './memory-accesses.ts';
import type { FunctionType, Instruction, ReadFunction, ReadModule } from './reference-reader.ts';
import { operations, Trap, type Value } from './scalar-operations.ts';
import { extractLane, replaceLane } from './vector-operations.ts';

export class OutOfFuel extends Error {}
/** Recursion beyond what this interpreter follows; whoever compares leaves the program out. */
export class TooDeep extends Error {}

export interface Host {
  call(name: string, values: readonly number[]): { readonly answer: number; readonly fuel: number };
}

interface Label {
  readonly height: number;
  readonly arity: number;
  /** Where a branch goes on; of a loop, its head. */
  readonly next: number;
  readonly loop: boolean;
}

interface TailCall {
  readonly index: number;
  readonly values: Value[];
}

const depthMax = 250;
const pageBytes = 65_536;

export class Interpreter {
  readonly module: ReadModule;
  memory: Uint8Array;
  readonly globals: Value[];
  /** Function indices; -1 for null. */
  readonly tables: number[][];
  fuel = 0;
  /** What the host would read of the fuel after a trap. */
  flushed = 0;
  /** Fuel left at each test that was passed, in order. */
  tests: number[] = [];
  readonly #host: Host;
  readonly #pagesMax: number;
  readonly #dropped = { data: new Set<number>(), elements: new Set<number>() };
  #depth = 0;

  constructor(module: ReadModule, host: Host, pagesMax: number) {
    this.module = module;
    this.#host = host;
    this.#pagesMax = Math.min(pagesMax, module.memoryPagesMax);
    this.memory = new Uint8Array(module.memoryPagesMin * pageBytes);
    this.globals = module.globals.map((global) => global.value);
    this.tables = module.tables.map((table) => new Array<number>(table.min).fill(-1));
  }

  /** Applies the active segments and runs the start function. */
  init(fuel: number): void {
    this.#begin(fuel);
    for (const [index, { active, offset, items }] of this.module.elements.entries()) {
      if (!active) continue;
      if (offset + items.length <= this.tables[0]!.length) this.#charge(elementsFuel(items.length));
      this.#tableInit(0, index, offset, 0, items.length);
      this.#dropped.elements.add(index);
    }
    for (const [index, { active, offset, bytes }] of this.module.data.entries()) {
      if (!active) continue;
      if (offset + bytes.length <= this.memory.length) this.#charge(bytesFuel(bytes.length));
      this.#memoryInit(index, offset, 0, bytes.length);
      this.#dropped.data.add(index);
    }
    if (this.module.start >= 0) this.#invoke(this.module.start, []);
  }

  /** Calls an exported function; `flushed` then says what fuel is left. */
  call(name: string, values: readonly Value[], fuel: number): Value[] {
    this.#begin(fuel);
    return this.#invoke(this.module.exports.get(name)!.index, [...values]);
  }

  #begin(fuel: number): void {
    this.fuel = fuel;
    this.flushed = fuel;
    this.tests = [];
    this.#depth = 0;
  }

  #test(): void {
    this.tests.push(this.fuel);
    if (this.fuel >= 0) return;
    this.flushed = this.fuel;
    throw new OutOfFuel();
  }

  /** Of what is charged by length: to the flushed fuel, and tested. */
  #charge(fuel: number): void {
    this.fuel -= fuel;
    this.flushed = this.fuel;
    this.#test();
  }

  #typeOf(index: number): FunctionType {
    const { imports, functions } = this.module;
    return imports[index]?.type ?? functions[index - imports.length]!.type;
  }

  #invoke(index: number, values: Value[]): Value[] {
    if (++this.#depth > depthMax) throw new TooDeep();
    for (;;) {
      const imported = this.module.imports[index];
      if (imported !== undefined) {
        const { answer, fuel } = this.#host.call(imported.name, values as number[]);
        this.#charge(fuel);
        this.#depth--;
        return [answer];
      }
      const called = this.module.functions[index - this.module.imports.length]!;
      this.fuel -= called.entryFuel;
      this.#test();
      const result = this.#run(called, values);
      if (Array.isArray(result)) {
        this.flushed = this.fuel;
        this.#depth--;
        return result;
      }
      ({ index, values } = result);
    }
  }

  #run(called: ReadFunction, values: Value[]): Value[] | TailCall {
    const stack: Value[] = [];
    const locals = [...values, ...called.locals.map(zero)];
    const { code } = called;
    const labels: Label[] = [
      { height: 0, arity: called.type.results.length, next: code.length, loop: false },
    ];
    let at = 0;
    while (at < code.length) {
      const instruction = code[at]!;
      if (instruction.charge > 0) {
        this.fuel -= instruction.charge;
        if (instruction.test) this.#test();
      }
      at++;
      if (instruction.code === 0x12 || instruction.code === 0x13) {
        const index = instruction.code === 0x12 ? instruction.a : this.#target(instruction, stack);
        this.flushed = this.fuel;
        const count = this.#typeOf(index).params.length;
        return { index, values: stack.splice(stack.length - count) };
      }
      const branch = this.#control(instruction, stack, labels, at);
      if (branch !== undefined) at = branch;
      else this.#plain(instruction, stack, locals);
    }
    return stack.slice(stack.length - called.type.results.length);
  }

  /** Where to go on after a control instruction; undefined for any other. */
  #control(instruction: Instruction, stack: Value[], labels: Label[], at: number): number | undefined {
    const { code, type, a } = instruction;
    switch (code) {
      case 0x00:
        throw new Trap('unreachable');
      case 0x02:
      case 0x03:
      case 0x04: {
        const loop = code === 0x03;
        const taken = code !== 0x04 || stack.pop() !== 0;
        if (!taken && instruction.else < 0) return instruction.end + 1;
        labels.push({
          height: stack.length - type!.params.length,
          arity: loop ? type!.params.length : type!.results.length,
          next: loop ? at : instruction.end + 1,
          loop,
        });
        return taken ? at : instruction.else + 1;
      }
      case 0x05:
        labels.pop();
        return instruction.end + 1;
      case 0x0b:
        labels.pop();
        return at;
      case 0x0c:
        return branch(stack, labels, a);
      case 0x0d:
        return stack.pop() === 0 ? at : branch(stack, labels, a);
      case 0x0e:
        return branch(stack, labels, instruction.labels[(stack.pop() as number) >>> 0] ?? a);
      case 0x0f:
        return branch(stack, labels, labels.length - 1);
      default:
        return undefined;
    }
  }

  #plain(instruction: Instruction, stack: Value[], locals: Value[]): void {
    const { code, a, b } = instruction;
    const operation = operations.get(code);
    if (operation !== undefined) {
      stack.push(operation.run(...stack.splice(stack.length - operation.takes.length)));
      return;
    }
    if (isLoad(code) || isStore(code)) {
      access(this.memory, instruction, stack);
      return;
    }
    if (code >= 0x41 && code <= 0x44) stack.push(instruction.value!);
    else if (code === 0x10 || code === 0x11) this.#call(instruction, stack);
    else if (code === 0x1a) stack.pop();
    else if (code === 0x1b || code === 0x1c) {
      const [first, second, condition] = stack.splice(-3);
      stack.push(condition === 0 ? second! : first!);
    } else if (code === 0x20) stack.push(locals[a]!);
    else if (code === 0x21) locals[a] = stack.pop()!;
    else if (code === 0x22) locals[a] = stack.at(-1)!;
    else if (code === 0x23) stack.push(this.globals[a]!);
    else if (code === 0x24) this.globals[a] = stack.pop()!;
    else if (code === 0xd0) stack.push(-1);
    else if (code === 0xd1) stack.push(Number(stack.pop() === -1));
    else if (code === 0xd2) stack.push(a);
    else if (code >= 0xfd00) this.#vector(instruction, stack);
    else if (code !== 0x01) this.#bulk(code, a, b, stack);
  }

  #vector({ code, b, value }: Instruction, stack: Value[]): void {
    const number = code - 0xfd00;
    if (number === 12) {
      stack.push(value!);
      return;
    }
    if (number === 13) {
      const [low, high] = stack.splice(-2) as Uint8Array[];
      stack.push((value as Uint8Array).map((index) => (index < 16 ? low![index]! : high![index - 16]!)));
      return;
    }
    const [name, replaces, mask] = lanes[number - 21]!;
    if (!replaces) {
      const lane = extractLane(name, stack.pop() as Uint8Array, b);
      stack.push(mask === 0 ? lane : Number(lane) & mask);
      return;
    }
    const lane = stack.pop()!;
    stack.push(replaceLane(name, stack.pop() as Uint8Array, b, lane));
  }

  #target({ a }: Instruction, stack: Value[]): number {
    this.flushed = this.fuel;
    const index = this.tables[0]![(stack.pop() as number) >>> 0];
    if (index === undefined) throw new Trap('table index');
    if (index < 0) throw new Trap('signature mismatch');
    const [wanted, found] = [this.module.types[a]!, this.#typeOf(index)];
    if (JSON.stringify(wanted) !== JSON.stringify(found)) throw new Trap('signature mismatch');
    return index;
  }

  #call(instruction: Instruction, stack: Value[]): void {
    const index = instruction.code === 0x10 ? instruction.a : this.#target(instruction, stack);
    this.flushed = this.fuel;
    const count = this.#typeOf(index).params.length;
    stack.push(...this.#invoke(index, stack.splice(stack.length - count)));
  }

  #bulk(code: number, a: number, b: number, stack: Value[]): void {
    const pop = () => (stack.pop() as number) >>> 0;
    if (code === 0x3f) stack.push(this.memory.length / pageBytes);
    else if (code === 0x40) stack.push(this.#memoryGrow(pop()));
    else if (code === 0x25) stack.push(this.#item(a, pop()));
    else if (code === 0x26) {
      const item = stack.pop() as number;
      const index = pop();
      this.#item(a, index);
      this.tables[a]![index] = item;
    } else if (code === 0xfc09) this.#dropped.data.add(a);
    else if (code === 0xfc0d) this.#dropped.elements.add(a);
    else if (code === 0xfc10) stack.push(this.tables[a]!.length);
    else if (code === 0xfc0f) {
      const delta = pop();
      stack.push(this.#tableGrow(a, stack.pop() as number, delta));
    } else this.#range(code, a, b, stack);
  }

  #item(table: number, index: number): number {
    const item = this.tables[table]![index];
    if (item === undefined) throw new Trap('table access');
    return item;
  }

  /** The operations on ranges: charged by length where they fit, else they trap uncharged. */
  #range(code: number, a: number, b: number, stack: Value[]): void {
    const [to, from, length] = stack.splice(-3).map((value) => Number(value) >>> 0) as [
      number,
      number,
      number,
    ];
    this.flushed = this.fuel;
    const table = code === 0xfc0c ? this.tables[b]! : this.tables[a];
    const sizes: Record<number, readonly [number, number]> = {
      64520: [this.memory.length, this.#dropped.data.has(a) ? 0 : (this.module.data[a]?.bytes.length ?? 0)],
      64522: [this.memory.length, this.memory.length],
      64523: [this.memory.length, Number.POSITIVE_INFINITY],
      64524: [
        table?.length ?? 0,
        this.#dropped.elements.has(a) ? 0 : (this.module.elements[a]?.items.length ?? 0),
      ],
      64526: [table?.length ?? 0, this.tables[b]?.length ?? 0],
      64529: [table?.length ?? 0, Number.POSITIVE_INFINITY],
    };
    const [toSize, fromSize] = sizes[code]!;
    const fits =
      to + length <= toSize && (fromSize === Number.POSITIVE_INFINITY || from + length <= fromSize);
    if (fits) this.#charge(code <= 0xfc0b ? bytesFuel(length) : elementsFuel(length));
    if (code === 0xfc08) this.#memoryInit(a, to, from, length);
    else if (code === 0xfc0c) this.#tableInit(b, a, to, from, length);
    else if (!fits) throw new Trap(code <= 0xfc0b ? 'memory' : 'table access');
    else if (code === 0xfc0a) this.memory.copyWithin(to, from, from + length);
    else if (code === 0xfc0b) this.memory.fill(from & 255, to, to + length);
    else if (code === 0xfc0e) table!.splice(to, length, ...this.tables[b]!.slice(from, from + length));
    else table!.fill(from | 0, to, to + length);
  }

  #memoryInit(segment: number, to: number, from: number, length: number): void {
    const bytes = this.#dropped.data.has(segment) ? new Uint8Array(0) : this.module.data[segment]!.bytes;
    if (from + length > bytes.length || to + length > this.memory.length) throw new Trap('memory');
    this.memory.set(bytes.subarray(from, from + length), to);
  }

  #tableInit(table: number, segment: number, to: number, from: number, length: number): void {
    const items = this.#dropped.elements.has(segment) ? [] : this.module.elements[segment]!.items;
    const into = this.tables[table]!;
    if (from + length > items.length || to + length > into.length) throw new Trap('table access');
    into.splice(to, length, ...items.slice(from, from + length));
  }

  #memoryGrow(delta: number): number {
    this.flushed = this.fuel;
    const pages = this.memory.length / pageBytes;
    if (delta === 0) return pages;
    if (pages + delta > this.#pagesMax) return -1;
    this.#charge(memoryGrowFuel(delta));
    const grown = new Uint8Array((pages + delta) * pageBytes);
    grown.set(this.memory);
    this.memory = grown;
    return pages;
  }

  #tableGrow(table: number, item: number, delta: number): number {
    this.flushed = this.fuel;
    const items = this.tables[table]!;
    const size = items.length;
    if (delta === 0) return size;
    const all = this.tables.reduce((sum, { length }) => sum + length, 0);
    if (size + delta > this.module.tables[table]!.max || all + delta > 100_000) return -1;
    this.#charge(tableGrowFuel(delta));
    for (let added = 0; added < delta; added++) items.push(item);
    return size;
  }
}

/** extract_lane and replace_lane from 21 on: the lane's shape, whether it replaces, what an unsigned one keeps. */
const lanes: readonly (readonly ['i8' | 'i16' | 'i32' | 'i64', boolean, number])[] = [
  ['i8', false, 0],
  ['i8', false, 0xff],
  ['i8', true, 0],
  ['i16', false, 0],
  ['i16', false, 0xffff],
  ['i16', true, 0],
  ['i32', false, 0],
  ['i32', true, 0],
  ['i64', false, 0],
  ['i64', true, 0],
  ['i32', false, 0],
  ['i32', true, 0],
  ['i64', false, 0],
  ['i64', true, 0],
];

function zero(type: number): Value {
  if (type === 0x7e || type === 0x7c) return 0n;
  if (type === 0x7b) return new Uint8Array(16);
  return type === 0x70 ? -1 : 0;
}

function branch(stack: Value[], labels: Label[], depth: number): number {
  labels.length -= depth;
  const { height, arity, next, loop } = labels.at(-1)!;
  const kept = stack.splice(stack.length - arity);
  stack.length = height;
  stack.push(...kept);
  if (!loop) labels.pop();
  return next;
}
