// One running agent: its WebAssembly instance, the views of its memory, and what the host keeps for it.

import { engineExport, memoryImport } from '../abi/guest-exports.ts';
import { hostModule } from '../abi/host-functions.ts';
import type { AgentLimits } from '../base/limits.ts';
import type { PrngState } from '../base/prng.ts';

/** normal; forbidden: in the start function and in `agent_alloc`; shutdown: only send, publish, output and log. */
export type Mode = 'normal' | 'forbidden' | 'shutdown';

interface GuestExports {
  readonly agent_init: () => number;
  readonly agent_shutdown: () => number;
  readonly agent_alloc: (size: number) => number;
}

/** Runs a task on so much fuel; answers the fuel left where the guest answered 0, else -1 less its answer, unsigned. */
export type EntryPoint = (envelope: number, fuel: number) => number;

export interface Instance {
  readonly name: string;
  /** Creation number of the agent. */
  readonly number: number;
  readonly moduleIndex: number;
  readonly origin: number;
  readonly counter: number;
  readonly limits: AgentLimits;
  /** Whether the declaration names the capability `channel`. */
  readonly mayUseChannels: boolean;
  readonly memory: WebAssembly.Memory;
  /** Views of the memory as it was when they were made; growth leaves them valid, but short. */
  bytes: Uint8Array;
  words: Int32Array;
  readonly guest: GuestExports;
  readonly init: () => void;
  readonly receive: EntryPoint;
  readonly step: EntryPoint;
  readonly fuelSet: (fuel: number) => void;
  readonly fuelGet: () => number;
  readonly status: () => number;
  readonly prng: PrngState;
  mode: Mode;
  /** Fuel that the current task begins with. */
  taskFuel: number;
  inboxPointer: number;
  inboxBytes: number;
  nextTimer: number;
  readonly pendingTimers: Set<number>;
  nextChild: number;
  nextRequest: number;
  /** What the current turn has asked for so far. */
  turnEffects: number;
  turnBytes: number;
}

export interface InstanceOptions {
  readonly name: string;
  readonly number: number;
  readonly moduleIndex: number;
  readonly origin: number;
  readonly counter: number;
  readonly limits: AgentLimits;
  readonly mayUseChannels: boolean;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** What earlier incarnations of the agent have counted. */
  readonly nextTimer: number;
  readonly nextChild: number;
  readonly nextRequest: number;
  readonly prng: PrngState;
  readonly hostFunctions: WebAssembly.ModuleImports;
}

/** How an instance is entered and metered. */
export type Entries = Pick<
  Instance,
  'guest' | 'init' | 'receive' | 'step' | 'fuelSet' | 'fuelGet' | 'status'
>;

/** Instantiates a module; nothing of the guest runs yet. */
export function createInstance(options: InstanceOptions): Instance {
  const { exports } = new WebAssembly.Instance(options.module, {
    [hostModule]: options.hostFunctions,
    [memoryImport.module]: { [memoryImport.name]: options.memory },
  });
  const functions = exports as unknown as Record<string, (...values: number[]) => number>;
  functions[engineExport.memoryPagesMaxSet]!(options.limits.memoryPagesMax);
  return beginInstance(options, {
    guest: exports as unknown as GuestExports,
    init: functions[engineExport.init] as unknown as () => void,
    receive: functions[engineExport.receive] as EntryPoint,
    step: functions[engineExport.step] as EntryPoint,
    fuelSet: functions[engineExport.fuelSet] as unknown as (fuel: number) => void,
    fuelGet: functions[engineExport.fuelGet] as unknown as () => number,
    status: functions[engineExport.status] as unknown as () => number,
  });
}

/** An instance that has run nothing yet. */
export function beginInstance(options: InstanceOptions, entries: Entries): Instance {
  const { memory } = options;
  return {
    name: options.name,
    number: options.number,
    moduleIndex: options.moduleIndex,
    origin: options.origin,
    counter: options.counter,
    limits: options.limits,
    mayUseChannels: options.mayUseChannels,
    memory,
    bytes: new Uint8Array(memory.buffer),
    words: new Int32Array(memory.buffer),
    guest: entries.guest,
    init: entries.init,
    receive: entries.receive,
    step: entries.step,
    fuelSet: entries.fuelSet,
    fuelGet: entries.fuelGet,
    status: entries.status,
    prng: options.prng,
    mode: 'normal',
    taskFuel: 0,
    inboxPointer: 0,
    inboxBytes: 0,
    nextTimer: options.nextTimer,
    pendingTimers: new Set(),
    nextChild: options.nextChild,
    nextRequest: options.nextRequest,
    turnEffects: 0,
    turnBytes: 0,
  };
}

/**
 * Whether a range lies inside memory. Both numbers are unsigned, so their sum cannot wrap. Views are made anew only
 * where the range ends beyond them, since the guest may have grown its memory.
 */
export function isInside(instance: Instance, pointer: number, length: number): boolean {
  if (pointer + length <= instance.bytes.length) return true;
  const { buffer } = instance.memory;
  if (buffer.byteLength === instance.bytes.length) return false;
  instance.bytes = new Uint8Array(buffer);
  instance.words = new Int32Array(buffer);
  return pointer + length <= instance.bytes.length;
}
