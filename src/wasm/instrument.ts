// Instrumentation: one pass over a module's bytes that makes every run of it the same everywhere. Only appends.
import { guestFunctions } from '../abi/guest-exports.ts';
import type { HostFunctionName } from '../abi/host-functions.ts';
import { assert } from '../base/errors.ts';
import {
  addGlobalAccessors,
  addScalarAccessors,
  type MutableGlobal,
  mutableGlobals,
} from './append/accessors.ts';
import { Additions, type Protections } from './append/additions.ts';
import { stackGuard } from './append/call-wrappers.ts';
import { emitModule } from './append/emit-module.ts';
import { addEntries } from './append/entries.ts';
import { addInit, addRestore } from './append/init-function.ts';
import { addSegmentAccess, addTableAccess } from './append/state-access.ts';
import type { ByteSource } from './binary/byte-writer.ts';
import { checkInstrumentArguments } from './check-options.ts';
import { instanceHeapBytes } from './instance-heap.ts';
import { buildOffsetMap, type MappedFunction, type OffsetMap } from './offset-map.ts';
import { checkAgentAbi } from './parse/agent-abi.ts';
import { moduleLimits } from './parse/limits.ts';
import { parseModule } from './parse/parse-module.ts';
import type { ParsedModule } from './parse/parsed-module.ts';
import { stackBytesDefault } from './rewrite/frame-size.ts';
import { BodyRewriter } from './rewrite/rewrite-body.ts';
import type { WrittenBody } from './rewrite/written-body.ts';
import { v8Accepts, v8Complaint } from './v8.ts';
import { validateModule } from './validate/validate-module.ts';

export interface InstrumentOptions {
  /** Name of the module in errors. */
  readonly name?: string;
  /** Stack that one call from the host may use, in bytes of the engine's own measure of frames. */
  readonly stackBytesMax?: number;
  /** Refuse what is not an agent: exports of ABI 1 and its memory. */
  readonly agent?: boolean;
  /**
   * Take functions from other modules than `wasm_engine` too, of numbers alone. What they answer, and that they answer
   * it everywhere, is up to whoever gives them; each call costs the same.
   */
  readonly ownImports?: boolean;
  /** What to leave out, for tests and measurements alone: without any of these, runs differ between machines. */
  readonly protections?: Partial<Protections>;
}

export interface InstrumentedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Pages of 64 KiB: the least, and the module's own maximum (65,536 where it has none; 0 and 0 without a memory). */
  readonly memory: { readonly pagesMin: number; readonly pagesMax: number };
  /** What each instance takes of V8's heap at most, reckoned: its functions, tables and imports. */
  readonly heapBytes: number;
  /** The mutable globals that the module defines, in order. */
  readonly globals: readonly MutableGlobal[];
  /** The host functions that it imports, in order. */
  readonly imports: readonly HostFunctionName[];
  /** The functions that it imports from other modules, in order. */
  readonly ownImports: readonly { readonly module: string; readonly name: string }[];
  /** The functions that it exports itself, in order. */
  readonly exports: readonly string[];
  /** From offsets in `bytes` to offsets in the module as it was, for `explainTrap`. */
  readonly offsets: OffsetMap;
}

/**
 * Makes a module ready to run: metered by fuel, bounded in stack and growth, its memory imported, its state readable.
 * The bytes are the same on every machine for the same input, options and `costTableVersion`.
 * @throws EngineError `module-refused` with name, section and byte offset; `config-invalid` for unknown options
 */
export function instrument(bytes: Uint8Array, options: InstrumentOptions = {}): InstrumentedModule {
  checkInstrumentArguments(bytes, options);
  const name = options.name ?? 'module';
  const module = parseModule(bytes, name, options.ownImports);
  validateModule(module);
  if (!v8Accepts(bytes))
    assert(false, `V8 accepts a module that the validator accepts: ${v8Complaint(bytes)}`);
  const memory =
    module.memory === undefined
      ? { min: 0, max: 0 }
      : { min: module.memory.min, max: module.memory.max ?? moduleLimits.memoryPagesMax };
  const stackBytesMax = options.stackBytesMax ?? stackBytesDefault;
  const protections = { fuel: true, stack: true, nan: true, growth: true, ...options.protections };
  const additions = new Additions(module, protections, stackBytesMax, memory.max);
  const rewriter = new BodyRewriter(additions);
  const bodies = module.bodies.map((body, index) =>
    rewriter.rewrite(module.types[module.functions[index]!]!, body),
  );
  if (options.agent === true) {
    checkAgentAbi(module);
    // Each exported function is an object in V8's heap, in every instance.
    additions.keptExports = agentExports;
  }
  const { inFront, places } = finishBodies(additions, bodies, rewriter.frames.sizes());
  const globals = mutableGlobals(additions);
  addInit(additions);
  addRestore(additions);
  addScalarAccessors(additions, memory);
  if (options.agent === true) addEntries(additions);
  addGlobalAccessors(additions, globals);
  addTableAccess(additions);
  addSegmentAccess(additions);
  const emitted = emitModule(
    additions,
    bodies.map((body, index) => inFront.get(index) ?? body),
  );
  return {
    bytes: emitted.bytes,
    offsets: buildOffsetMap(
      rewriter.buffers.pieces,
      bodies.map((body, index) => mapFunction(module, body, index, emitted.starts[places[index]!]!)),
    ),
    memory: { pagesMin: memory.min, pagesMax: memory.max },
    heapBytes: instanceHeapBytes(module),
    globals,
    imports: module.imports.flatMap(({ host }) => host ?? []),
    ownImports: module.imports.flatMap(({ module: from, name, host }) =>
      host === undefined ? { module: from, name } : [],
    ),
    exports: module.exports.filter((item) => item.kind === 'function').map((item) => item.name),
  };
}

/** What the engine asks of an agent. */
const agentExports: ReadonlySet<string> = new Set(['memory', ...Object.keys(guestFunctions)]);

interface FinishedBodies {
  /** By its number, what takes the index of a function that is an appended one itself. */
  readonly inFront: ReadonlyMap<number, ByteSource>;
  /** The place of each function among all that the instrumented module defines. */
  readonly places: Uint32Array;
}

function finishBodies(
  additions: Additions,
  bodies: readonly WrittenBody[],
  frameBytes: Float64Array,
): FinishedBodies {
  const inFront = new Map<number, ByteSource>();
  const places = new Uint32Array(bodies.length);
  for (let index = 0; index < bodies.length; index++) {
    const body = bodies[index]!;
    const bytes = frameBytes[index]!;
    const guarded = body.finish(bytes);
    places[index] = guarded ? bodies.length + additions.functions.length : index;
    if (guarded) inFront.set(index, stackGuard(additions, body.type, body, bytes));
  }
  return { inFront, places };
}

function mapFunction(module: ParsedModule, body: WrittenBody, index: number, start: number): MappedFunction {
  return {
    index: module.imports.length + index,
    start,
    end: start + body.size,
    codeStart: start + body.codeStart,
    originalStart: body.original.start,
    originalEnd: body.original.end,
    piecesStart: body.piecesStart,
    piecesEnd: body.piecesEnd,
  };
}
