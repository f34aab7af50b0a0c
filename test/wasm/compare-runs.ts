// Runs one random program three ways: by the reference interpreter, instrumented on V8, and plain on V8; and says where
// they differ. Nothing here decides by time.
import assert from 'node:assert/strict';
import { engineExport, memoryImport, Status } from '../../src/abi/guest-exports.ts';
import { type HostFunctionName, hostFunctions } from '../../src/abi/host-functions.ts';
import { type InstrumentedModule, instrument } from '../../src/wasm/index.ts';
import { Chance } from './program-shape.ts';
import { type RandomProgram, randomProgram } from './random-program.ts';
import { type Host, Interpreter, OutOfFuel, TooDeep } from './reference-interpreter.ts';
import { readModule } from './reference-reader.ts';
import { observed, Trap, type Value } from './scalar-operations.ts';

const pagesMax = 3;
const initFuel = 100_000;
/** Far more than `depthMax` frames of the interpreter take, and less than the thread has. */
const stackBytesMax = 64 * 2 ** 20;

/** Answers of the host: a number made from what it is told. */
function hostAnswer(values: readonly number[]): number {
  return (Math.imul(values[0]!, 31) + values[1]! * 7) & 0xffff;
}

const host: Host = {
  call(name, values) {
    const { fuel, lengths } = hostFunctions[name as HostFunctionName];
    const bytes = lengths.reduce(
      (sum, index) => sum + (values[index]! >>> 0 <= 2 ** 24 ? values[index]! >>> 0 : 0),
      0,
    );
    return { answer: hostAnswer(values), fuel: fuel + bytes };
  },
};

export interface State {
  readonly memory: Uint8Array;
  /** Each global's bits as 32-bit words, the lowest first. */
  readonly globals: readonly (readonly number[])[];
}

export interface RunOutcome {
  readonly results: readonly (number | bigint)[] | undefined;
  /** What it ended by: a kind of trap, `out-of-fuel` or `too-deep`; undefined for a return. */
  readonly end: string | undefined;
  readonly used: number;
  readonly state: State;
}

function words(value: Value, letter: string): number[] {
  if (typeof value === 'number') return [value | 0];
  if (typeof value === 'bigint')
    return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
  assert.equal(letter, 'v');
  return [...new Int32Array(value.slice().buffer)];
}

function endOf(error: unknown): string {
  if (error instanceof OutOfFuel) return 'out-of-fuel';
  if (error instanceof TooDeep) return 'too-deep';
  if (error instanceof Trap) return error.kind;
  throw error;
}

export class ReferenceRun {
  readonly #interpreter: Interpreter;
  readonly #program: RandomProgram;

  constructor(program: RandomProgram) {
    this.#program = program;
    this.#interpreter = new Interpreter(readModule(program.bytes), host, pagesMax);
  }

  /** Fuel left at each test, the failed one included. */
  get tests(): readonly number[] {
    return this.#interpreter.tests;
  }

  #outcome(fuel: number, run: () => Value[]): RunOutcome {
    let results: Value[] | undefined;
    let end: string | undefined;
    try {
      results = run();
    } catch (error) {
      end = endOf(error);
    }
    const { memory, globals, flushed } = this.#interpreter;
    const letters = this.#program.globals;
    return {
      results: results as (number | bigint)[] | undefined,
      end,
      used: fuel - flushed,
      state: { memory, globals: globals.map((value, index) => words(value, letters[index]!)) },
    };
  }

  init(fuel: number = initFuel): RunOutcome {
    return this.#outcome(fuel, () => {
      this.#interpreter.init(fuel);
      return [];
    });
  }

  call(name: string, values: readonly (number | bigint)[], fuel: number): RunOutcome {
    return this.#outcome(fuel, () => this.#interpreter.call(name, values, fuel));
  }
}

type Exports = Record<string, (...values: (number | bigint)[]) => unknown>;

/** V8's words for a trap, as the interpreter's. Newer versions say less. */
const trapKinds: readonly (readonly [RegExp, string])[] = [
  [/^unreachable/, 'unreachable'],
  [/memory access out of bounds/, 'memory'],
  [/divide by zero|remainder by zero/, 'divide by zero'],
  [/divide result unrepresentable/, 'divide result unrepresentable'],
  [/float unrepresentable in integer range/, 'float unrepresentable in integer range'],
  [/table index is out of bounds/, 'table index'],
  [/table access out of bounds|table index is out of bounds|element segment out of bounds/, 'table access'],
  [/function signature mismatch/, 'signature mismatch'],
  [/Maximum call stack/, 'host stack'],
];

function kindOf(error: unknown): string {
  const message = (error as Error).message;
  const found = trapKinds.find(([pattern]) => pattern.test(message));
  assert.ok(found !== undefined, `V8 gave an unknown trap: ${message}`);
  return found[1];
}

/** Tables have one word for both on V8: `table access` stands for each. */
export function sameEnd(a: string | undefined, b: string | undefined): boolean {
  const plain = (end: string | undefined) => (end === 'table index' ? 'table access' : end);
  return plain(a) === plain(b);
}

function resultsOf(value: unknown, letters: string): (number | bigint)[] {
  if (letters === '') return [];
  return letters.length === 1 ? [value as number | bigint] : [...(value as (number | bigint)[])];
}

const v8Host: Record<string, (...values: number[]) => number> = {
  set_timer: (...values) => hostAnswer(values),
  random: (...values) => hostAnswer(values),
};

/** A module compiled once, of which fresh instances are made. */
export class InstrumentedProgram {
  readonly module: InstrumentedModule;
  readonly program: RandomProgram;
  readonly #compiled: WebAssembly.Module;

  constructor(program: RandomProgram) {
    this.program = program;
    this.module = instrument(program.bytes, { name: 'program', stackBytesMax });
    this.#compiled = new WebAssembly.Module(this.module.bytes);
  }

  start(): InstrumentedRun {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: pagesMax, shared: true });
    const { exports } = new WebAssembly.Instance(this.#compiled, {
      wasm_engine: v8Host,
      [memoryImport.module]: { [memoryImport.name]: memory },
    });
    return new InstrumentedRun(this, exports as unknown as Exports, memory);
  }
}

export class InstrumentedRun {
  readonly #exports: Exports;
  readonly #memory: WebAssembly.Memory;
  readonly #owner: InstrumentedProgram;

  constructor(owner: InstrumentedProgram, exports: Exports, memory: WebAssembly.Memory) {
    this.#owner = owner;
    this.#exports = exports;
    this.#memory = memory;
    exports[engineExport.memoryPagesMaxSet]!(pagesMax);
  }

  #run(fuel: number, run: () => (number | bigint)[]): RunOutcome {
    this.#exports[engineExport.fuelSet]!(fuel);
    let results: (number | bigint)[] | undefined;
    let end: string | undefined;
    try {
      results = run();
    } catch (error) {
      const status = this.#exports[engineExport.status]!();
      if (status === Status.outOfFuel) end = 'out-of-fuel';
      else if (status === Status.none) end = kindOf(error);
      else end = `status ${String(status)}`;
    }
    const used = fuel - (this.#exports[engineExport.fuelGet]!() as number);
    return {
      results,
      end,
      used,
      state: { memory: new Uint8Array(this.#memory.buffer), globals: this.#globals() },
    };
  }

  #globals(): number[][] {
    const get = this.#exports[engineExport.globalGet]!;
    return this.#owner.module.globals.map(({ words: count }, position) =>
      Array.from({ length: count }, (_, word) => get(position, word) as number),
    );
  }

  init(fuel: number = initFuel): RunOutcome {
    return this.#run(fuel, () => {
      this.#exports[engineExport.init]!();
      return [];
    });
  }

  call(name: string, values: readonly (number | bigint)[], fuel: number): RunOutcome {
    const { results } = this.#owner.program.exports.find((item) => item.name === name)!.signature;
    return this.#run(fuel, () => resultsOf(this.#exports[name]!(...values), results));
  }
}

/** The program as it is, on V8; its start function has run, or what it trapped by is thrown. */
export class PlainRun {
  readonly #exports: WebAssembly.Exports;
  readonly #program: RandomProgram;

  constructor(program: RandomProgram) {
    this.#program = program;
    const module = new WebAssembly.Module(program.bytes);
    this.#exports = new WebAssembly.Instance(module, { wasm_engine: v8Host }).exports;
  }

  call(name: string, values: readonly (number | bigint)[]): Omit<RunOutcome, 'used'> {
    const { results: letters } = this.#program.exports.find((item) => item.name === name)!.signature;
    let results: (number | bigint)[] | undefined;
    let end: string | undefined;
    try {
      results = resultsOf((this.#exports as unknown as Exports)[name]!(...values), letters);
    } catch (error) {
      end = kindOf(error);
    }
    const memory = new Uint8Array((this.#exports['memory'] as WebAssembly.Memory).buffer);
    return { results, end, state: { memory, globals: this.#globals() } };
  }

  #globals(): number[][] {
    return [...this.#program.globals].map((letter, index) => {
      // JavaScript can read neither a v128 nor the bits of a NaN.
      if (letter === 'v') return [];
      const { value } = this.#exports[`g${index}`] as WebAssembly.Global;
      if (Number.isNaN(value)) return [];
      return numberWords(value as number | bigint, letter);
    });
  }
}

function numberWords(value: number | bigint, letter: string): number[] {
  if (letter === 'f') return [new Int32Array(Float32Array.of(Number(value)).buffer)[0]!];
  if (letter === 'd') return [...new Int32Array(Float64Array.of(Number(value)).buffer)];
  return words(value, letter);
}

export interface Counts {
  programs: number;
  calls: number;
  returned: number;
  trapped: number;
  outOfFuel: number;
  plain: number;
  skipped: number;
}

export function noCounts(): Counts {
  return { programs: 0, calls: 0, returned: 0, trapped: 0, outOfFuel: 0, plain: 0, skipped: 0 };
}

/** Values for a call's parameters, and the fuel that it gets. */
export function argumentsFor(chance: Chance, params: string): (number | bigint)[] {
  return [...params].map((letter) => {
    const number = chance.once(2) ? chance.below(20) : chance.below(2 ** 31) - 2 ** 30;
    return letter === 'l' ? BigInt(number) : number;
  });
}

export function assertSame(
  actual: Omit<RunOutcome, 'used'>,
  expected: Omit<RunOutcome, 'used'>,
  what: string,
): void {
  assert.ok(sameEnd(actual.end, expected.end), `${what} ended by ${actual.end}, expected ${expected.end}`);
  assert.deepEqual(actual.results, expected.results, `${what}: results`);
  assert.equal(Buffer.compare(actual.state.memory, expected.state.memory), 0, `${what}: memory`);
  for (const [index, found] of actual.state.globals.entries()) {
    if (found.length > 0) assert.deepEqual(found, expected.state.globals[index], `${what}: global ${index}`);
  }
}

/** Compares a program's first calls in all three ways; throws where one differs. */
export function compareProgram(seed: number, counts: Counts): void {
  const program = randomProgram(seed);
  const chance = new Chance(seed ^ 0x5eed);
  observed.nan = false;
  const reference = new ReferenceRun(program);
  const started = reference.init();
  counts.programs++;
  if (started.end === 'too-deep') {
    counts.skipped++;
    return;
  }
  const instrumented = new InstrumentedProgram(program).start();
  const begun = instrumented.init();
  assertSame(begun, started, 'init');
  assert.equal(begun.used, started.used, 'fuel of init');
  if (started.end !== undefined) return;
  const plain = new PlainRun(program);
  for (let round = 0; round < 4; round++) {
    const { name, signature } = chance.pick(program.exports);
    const values = argumentsFor(chance, signature.params);
    const fuel = chance.once(10) ? 300_000 : chance.once(4) ? chance.below(300) : 20_000;
    const expected = reference.call(name, values, fuel);
    if (expected.end === 'too-deep') {
      counts.skipped++;
      return;
    }
    const found = instrumented.call(name, values, fuel);
    assertSame(found, expected, `call ${round} of ${name}`);
    assert.equal(found.used, expected.used, `fuel of call ${round} of ${name}`);
    counts.calls++;
    if (expected.end === 'out-of-fuel') counts.outOfFuel++;
    else {
      if (expected.end === undefined) counts.returned++;
      else counts.trapped++;
      // Without the pass a NaN has other bits, and so may all that follows.
      if (!observed.nan) {
        assertSame(plain.call(name, values), expected, `plain call ${round} of ${name}`);
        counts.plain++;
      }
    }
    if (expected.end !== undefined) return;
  }
}

/**
 * Runs one call of a program with every limit from 0 to the fuel that it needs. Answers how many limits were tried;
 * 0 where the program is no use for this.
 */
export function sweepFuel(seed: number, fuelMax: number): number {
  const program = randomProgram(seed);
  const chance = new Chance(seed ^ 0x5eed);
  const { name, signature } = program.exports[0]!;
  const values = argumentsFor(chance, signature.params);
  const whole = new ReferenceRun(program);
  if (whole.init().end !== undefined) return 0;
  const { end, used } = whole.call(name, values, fuelMax);
  const unfit = end !== undefined || used > fuelMax || whole.tests.length < 3;
  if (unfit) return 0;
  const instrumented = new InstrumentedProgram(program);
  const stops = new Set<number>();
  for (let limit = 0; limit <= used; limit++) {
    const reference = new ReferenceRun(program);
    reference.init();
    const expected = reference.call(name, values, limit);
    const run = instrumented.start();
    run.init();
    const found = run.call(name, values, limit);
    assertSame(found, expected, `limit ${limit} of ${used}`);
    assert.equal(found.used, expected.used, `fuel used of limit ${limit} of ${used}`);
    if (found.end === 'out-of-fuel') stops.add(found.used);
  }
  // Each test point is where some limit stops, and nothing else is: the charges up to it are what was used.
  const points = new Set(whole.tests.map((left) => fuelMax - left));
  for (const point of stops) assert.ok(points.has(point), `stopped at ${point}, which is no test point`);
  for (const point of points) assert.ok(stops.has(point), `nothing stopped at the test point ${point}`);
  return used + 1;
}
