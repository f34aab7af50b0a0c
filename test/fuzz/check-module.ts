// One module through all of it: validator, pass, V8, a metered run, and a plain run to compare with. A finding is
// thrown; a refusal is an answer.
import { engineExport, memoryImport, Status } from '../../src/abi/guest-exports.ts';
import { bytesEqual } from '../../src/base/encoding.ts';
import { EngineError } from '../../src/base/errors.ts';
import { classifyTrap } from '../../src/sandbox/trap.ts';
import { type FunctionType, valueType } from '../../src/wasm/binary/types.ts';
import { explainTrap, type InstrumentedModule, instrument } from '../../src/wasm/index.ts';
import { parseModule } from '../../src/wasm/parse/parse-module.ts';
import { typeOfFunction } from '../../src/wasm/parse/parsed-module.ts';
import { hasOwnReason } from '../wasm/judge.ts';

export const verdicts = ['refused', 'refused for our own reasons', 'not run', 'ran', 'compared'] as const;
export type Verdict = (typeof verdicts)[number];

type Exports = Record<string, (...values: (number | bigint)[]) => unknown>;

interface Call {
  readonly name: string;
  readonly type: FunctionType;
}

/** What one side of the comparison shows after a call. */
interface Shown {
  readonly results: string;
  readonly trapped: boolean;
  /** Where it trapped: functions and offsets of the module as it is, the innermost first. */
  readonly places: string;
  /** Pages and a sum over all bytes. */
  readonly memory: string;
}

const fuelOfInit = 1_000_000;
const fuelPerCall = 20_000;
const callsMax = 6;
/** Modules that want more memory than this are not run. */
const pagesToRunMax = 64;

export function checkModule(bytes: Uint8Array<ArrayBuffer>): Verdict {
  let instrumented: InstrumentedModule;
  const accepted = WebAssembly.validate(bytes);
  try {
    instrumented = instrument(bytes, { name: 'fuzzed' });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'module-refused') throw error;
    if (!accepted) return 'refused';
    if (hasOwnReason(error.message)) return 'refused for our own reasons';
    throw new Error(`V8 accepts what is refused without a listed reason: ${error.message}`);
  }
  if (instrumented.memory.pagesMin > pagesToRunMax) return 'not run';
  const calls = callsOf(bytes);
  const metered = meteredRun(instrumented, calls);
  // Growth answers alike only where the module's own limit is the host's.
  if (metered === undefined || instrumented.memory.pagesMax > pagesToRunMax) return 'ran';
  const comparable = withPlainNaN(bytes, instrumented, calls, metered);
  const plain = comparable === undefined ? undefined : plainRun(bytes, instrumented, calls, comparable);
  if (comparable === undefined || plain === undefined) return 'ran';
  const difference = differenceOf(comparable, plain);
  if (difference === undefined) return 'compared';
  throw new Error(`plain and instrumented differ: ${difference}`);
}

/**
 * The run to compare the plain module with: one in which NaN is as V8 makes it. Without the pass's, a module may do
 * something else, and for ever: so that this one ended says that the plain one does.
 */
function withPlainNaN(
  bytes: Uint8Array<ArrayBuffer>,
  instrumented: InstrumentedModule,
  calls: readonly Call[],
  metered: readonly Shown[],
): readonly Shown[] | undefined {
  const unprotected = instrument(bytes, { protections: { nan: false } });
  return bytesEqual(unprotected.bytes, instrumented.bytes) ? metered : meteredRun(unprotected, calls);
}

function differenceOf(metered: readonly Shown[], plain: readonly Shown[]): string | undefined {
  for (const [index, expected] of plain.entries()) {
    const found = JSON.stringify(metered[index]);
    if (found !== JSON.stringify(expected))
      return `call ${index}: ${found}, plain ${JSON.stringify(expected)}`;
  }
  return undefined;
}

function hostOf(module: InstrumentedModule): Record<string, () => number> {
  return Object.fromEntries(module.imports.map((name) => [name, () => 3]));
}

/** Exported functions that JavaScript can call. */
function callsOf(bytes: Uint8Array): Call[] {
  const module = parseModule(bytes, 'fuzzed');
  const calls = module.exports.flatMap(({ name, kind, index }) => {
    if (kind !== 'function') return [];
    const type = typeOfFunction(module, index)!;
    const codes = [...type.params, ...type.results];
    return codes.some((code) => code === valueType.v128 || code === valueType.funcref)
      ? []
      : [{ name, type }];
  });
  return calls.slice(0, callsMax);
}

function valuesOf({ type }: Call, round: number): (number | bigint)[] {
  return type.params.map((param) => {
    if (param === valueType.i64) return BigInt(round * 7 - 3);
    return param === valueType.i32 ? round * 5 + 1 : round * 0.75;
  });
}

/** The calls that were not killed; undefined where segments or the start function trap or are killed. */
function meteredRun(module: InstrumentedModule, calls: readonly Call[]): readonly Shown[] | undefined {
  const { pagesMin, pagesMax } = module.memory;
  const limit = Math.min(pagesMax, pagesToRunMax);
  const memory = new WebAssembly.Memory({ initial: pagesMin, maximum: Math.max(limit, 1), shared: true });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.bytes), {
    wasm_engine: hostOf(module),
    [memoryImport.module]: { [memoryImport.name]: memory },
  });
  const exports = instance.exports as unknown as Exports;
  exports[engineExport.memoryPagesMaxSet]!(limit);
  exports[engineExport.fuelSet]!(fuelOfInit);
  if (meteredCall(exports, () => exports[engineExport.init]!()).end !== 'returned') return undefined;
  const shown: Shown[] = [];
  for (const [round, call] of calls.entries()) {
    exports[engineExport.fuelSet]!(fuelPerCall);
    const { end, results, stack } = meteredCall(exports, () => exports[call.name]!(...valuesOf(call, round)));
    if (end === 'killed') break;
    const frames = explainTrap(module, stack).map(
      ({ functionIndex, offset }) => [functionIndex, offset] as const,
    );
    shown.push({ results, trapped: end === 'trapped', places: placesText(frames), memory: sumOf(memory) });
    if (end === 'trapped') break;
  }
  return shown;
}

function meteredCall(
  exports: Exports,
  call: () => unknown,
): { end: 'returned' | 'trapped' | 'killed'; results: string; stack: string } {
  let results = '';
  try {
    results = textOf(call());
  } catch (error) {
    if (exports[engineExport.status]!() !== Status.none) return { end: 'killed', results, stack: '' };
    // What V8 says must be in the one table of traps; this throws where it is not.
    classifyTrap(error, Status.none, 'fuzzed');
    return { end: 'trapped', results, stack: (error as Error).stack ?? '' };
  }
  return {
    end: (exports[engineExport.fuelGet]!() as number) < 0 ? 'killed' : 'returned',
    results,
    stack: '',
  };
}

/** The calls that the metered run finished, on the module as it is; undefined where it cannot be started. */
function plainRun(
  bytes: Uint8Array<ArrayBuffer>,
  instrumented: InstrumentedModule,
  calls: readonly Call[],
  metered: readonly Shown[],
): Shown[] | undefined {
  let exports: Exports;
  const module = new WebAssembly.Module(bytes);
  try {
    exports = new WebAssembly.Instance(module, { wasm_engine: hostOf(instrumented) })
      .exports as unknown as Exports;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) return undefined;
    throw error;
  }
  const memory = Object.values(exports).find((item) => (item as unknown) instanceof WebAssembly.Memory);
  if (memory === undefined) return undefined;
  return metered.map((_, round) => {
    let [results, trapped, places] = ['', false, ''];
    try {
      results = textOf(exports[calls[round]!.name]!(...valuesOf(calls[round]!, round)));
    } catch (error) {
      if (!(error instanceof WebAssembly.RuntimeError)) throw error;
      trapped = true;
      const frames = (error.stack ?? '').matchAll(/wasm-function\[(\d+)\]:0x([0-9a-f]+)/g);
      places = placesText(Array.from(frames, ([, index, at]) => [Number(index), Number.parseInt(at!, 16)]));
    }
    return { results, trapped, places, memory: sumOf(memory as unknown as WebAssembly.Memory) };
  });
}

/** A few: stack traces end after ten frames, some of which are the pass's own. */
function placesText(frames: readonly (readonly [number, number])[]): string {
  return frames.slice(0, 3).join(' ');
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.map(String).join() : String(value);
}

function sumOf({ buffer }: WebAssembly.Memory): string {
  const words = new Int32Array(buffer);
  let sum = 0;
  for (let index = 0; index < words.length; index++) {
    if (words[index] !== 0) sum = (Math.imul(sum, 31) + Math.imul(words[index]!, index + 1)) | 0;
  }
  return `${words.length / 16_384} pages, ${sum}`;
}
