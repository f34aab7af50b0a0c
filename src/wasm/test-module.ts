// For tests only: assembles text, and runs instrumented modules with a host that answers 0. Not part of the product.
import wabtInit from 'wabt';
import { engineExport, memoryImport } from '../abi/guest-exports.ts';
import { hostFunctionNames, hostModule } from '../abi/host-functions.ts';
import { type InstrumentedModule, type InstrumentOptions, instrument } from './index.ts';

type WasmFunction = (...values: (number | bigint)[]) => number | bigint | undefined | (number | bigint)[];

interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports?: object,
  ) => { readonly exports: Record<string, WasmFunction> };
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
};

const wabt = await wabtInit();

/** The bytes of a module in the text format. */
export function assemble(text: string): Uint8Array<ArrayBuffer> {
  const parsed = wabt.parseWat('fixture.wat', text, {
    tail_call: true,
    extended_const: true,
    memory64: true,
  });
  try {
    return parsed.toBinary({ write_debug_names: true }).buffer as Uint8Array<ArrayBuffer>;
  } finally {
    parsed.destroy();
  }
}

export interface Running {
  readonly module: InstrumentedModule;
  readonly exports: Record<string, WasmFunction>;
  readonly memory: WasmMemory;
  setFuel(fuel: number): void;
  fuel(): number;
  status(): number;
  /** Runs an export on `fuel` (10^9 unless given): what it gave or how it trapped, and the fuel it used. */
  call(name: string, values?: readonly (number | bigint)[], fuel?: number): Outcome;
}

export interface Outcome {
  readonly value: unknown;
  readonly trap: string | undefined;
  readonly used: number;
  readonly status: number;
}

export interface RunOptions extends InstrumentOptions {
  /** The most pages that the host lets the memory have. */
  readonly pagesMax?: number;
  readonly host?: (name: string, values: readonly number[]) => number;
  /** What the module imports from elsewhere, by module and name. */
  readonly own?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** Do not run `init`. */
  readonly bare?: boolean;
}

/** Instruments a module, in text or bytes, instantiates it with a memory of its own, and runs its `init`. */
export function start(source: string | Uint8Array, options: RunOptions = {}): Running {
  const { pagesMax: _, host: __, own, bare, ...ofThePass } = options;
  const module = instrument(typeof source === 'string' ? assemble(source) : source, ofThePass);
  const pagesMax = Math.min(options.pagesMax ?? 256, module.memory.pagesMax);
  const memory = new WebAssembly.Memory({ initial: module.memory.pagesMin, maximum: pagesMax, shared: true });
  const host: Record<string, (...values: number[]) => number> = {};
  for (const name of module.imports) host[name] = (...values) => options.host?.(name, values) ?? 0;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), {
    ...own,
    [hostModule]: host,
    [memoryImport.module]: { [memoryImport.name]: memory },
  });
  exports[engineExport.memoryPagesMaxSet]!(pagesMax);
  const running = bind(module, exports, memory);
  if (bare !== true) {
    running.setFuel(1e9);
    exports[engineExport.init]!();
  }
  return running;
}

function bind(
  module: InstrumentedModule,
  exports: Record<string, WasmFunction>,
  memory: WasmMemory,
): Running {
  const setFuel = (fuel: number): void => {
    exports[engineExport.fuelSet]!(fuel);
  };
  const fuel = () => exports[engineExport.fuelGet]!() as number;
  const status = () => exports[engineExport.status]!() as number;
  const call = (name: string, values: readonly (number | bigint)[] = [], limit = 1e9): Outcome => {
    setFuel(limit);
    const { value, trap } = outcomeOf(() => exports[name]!(...values));
    return { value, trap, used: limit - fuel(), status: status() };
  };
  return { module, exports, memory, setFuel, fuel, status, call };
}

/** The value of a call, or the message of its trap. */
export function outcomeOf(call: () => unknown): { value: unknown; trap: string | undefined } {
  try {
    return { value: call(), trap: undefined };
  } catch (error) {
    return {
      value: undefined,
      trap: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    };
  }
}

/** Instantiates a module as it is. */
export function startPlain(
  source: string | Uint8Array,
  host: (name: string, values: readonly number[]) => number = () => 0,
): {
  exports: Record<string, WasmFunction>;
  call(name: string, values?: readonly (number | bigint)[]): PlainOutcome;
} {
  const bytes = typeof source === 'string' ? assemble(source) : source;
  const functions: Record<string, (...values: number[]) => number> = {};
  for (const name of hostFunctionNames) functions[name] = (...values) => host(name, values);
  const module = new WebAssembly.Module(bytes);
  const { exports } = new WebAssembly.Instance(module, { [hostModule]: functions });
  return { exports, call: (name, values = []) => outcomeOf(() => exports[name]!(...values)) };
}

export interface PlainOutcome {
  readonly value: unknown;
  readonly trap: string | undefined;
}

/** Both outcomes of one call, without fuel. */
export function bothOutcomes(
  source: string | Uint8Array,
  calls: readonly (readonly [string, ...(number | bigint)[]])[],
): { plain: PlainOutcome[]; instrumented: PlainOutcome[] } {
  const bytes = typeof source === 'string' ? assemble(source) : source;
  const plain = startPlain(bytes);
  const running = start(bytes);
  return {
    plain: calls.map(([name, ...values]) => plain.call(name, values)),
    instrumented: calls.map(([name, ...values]) => {
      const { value, trap } = running.call(name, values);
      return { value, trap };
    }),
  };
}
