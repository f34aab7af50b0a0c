// What a guest exports, and what instrumentation adds to it.

/** The functions of ABI 1 with their number of i32 parameters; each answers an i32. */
export const guestFunctions = {
  agent_init: 0,
  agent_step: 1,
  agent_receive: 1,
  agent_shutdown: 0,
  agent_alloc: 1,
} as const;

/** What an entry point answers; negative values are failures of the agent. */
export const ReturnCode = { done: 0, again: 1, finished: 2 } as const;

/** Exports whose names begin with this belong to the engine; a guest that has one is refused. */
export const enginePrefix = 'wasm-engine:';

/**
 * The exports that instrumentation appends.
 *
 * - `init() -> ()`: applies the active segments and runs the start function, metered; once in an agent's life.
 * - `restore() -> ()`: what `init` does to tables and segments, and nothing else: for an instance whose memory and
 *   globals are given to it.
 * - `fuelSet(f64) -> ()`, `fuelGet() -> f64`: whole numbers up to 2^53 - 1; negative after exhaustion.
 * - `receive(envelope i32, fuel f64) -> f64`, `step(envelope i32, fuel f64) -> f64`, in agents: `agent_receive` and
 *   `agent_step` on so much fuel; the fuel left where they answer 0, else -1 less their answer as an unsigned number.
 * - `status() -> i32`: why the instance was killed, a `Status`.
 * - `memoryPagesMaxSet(i32) -> ()`: where growth answers -1.
 * - `globalGet(index i32, word i32) -> i32`, `globalSet(index i32, word i32, value i32) -> ()`: 32-bit words of the
 *   mutable globals, by position in the instrumented module's `globals` list.
 */
export const engineExport = {
  init: 'wasm-engine:init',
  restore: 'wasm-engine:restore',
  fuelSet: 'wasm-engine:fuel_set',
  fuelGet: 'wasm-engine:fuel_get',
  receive: 'wasm-engine:receive',
  step: 'wasm-engine:step',
  status: 'wasm-engine:status',
  memoryPagesMaxSet: 'wasm-engine:memory_pages_max_set',
  globalGet: 'wasm-engine:global_get',
  globalSet: 'wasm-engine:global_set',
} as const;

/**
 * Exports of a module whose code changes tables or drops segments, and of no other. `restore` has put tables and
 * segments into the state after `init`; these put them into any later one.
 *
 * - `references`: a table of every function that a reference may point at, in an order of its own; nobody writes it.
 * - `table` and a number: each table that the code may change, from 0 on.
 * - `segmentCount() -> i32`: how many segments the code may drop.
 * - `segmentDropped(position i32) -> i32`, `segmentDrop(position i32) -> ()`.
 */
export const stateExport = {
  references: 'wasm-engine:references',
  table: 'wasm-engine:table_',
  segmentCount: 'wasm-engine:segment_count',
  segmentDropped: 'wasm-engine:segment_dropped',
  segmentDrop: 'wasm-engine:segment_drop',
} as const;

/** Where the instrumented module imports its memory from. */
export const memoryImport = { module: 'wasm-engine', name: 'memory' } as const;

/** Why instrumentation killed an instance. */
export const Status = {
  none: 0,
  outOfFuel: 1,
  stackExhausted: 2,
  hostRefused: 3,
  /** Growth below the limit that the host could not serve; a fault of the host, never seen by the guest. */
  growthFailed: 4,
} as const;
