// The functions a guest may import from `wasm_engine`: their shapes, capabilities, charges and answers.

/** The one module that guests import from. */
export const hostModule = 'wasm_engine';

export const capabilities = [
  'send',
  'publish',
  'subscribe',
  'channel',
  'timer',
  'random',
  'log',
  'output',
  'spawn',
  'terminate',
  'infer',
  'generate',
] as const;
/** What an agent may ask for; declared per agent in the system file. */
export type Capability = (typeof capabilities)[number];

export interface HostFunction {
  readonly capability: Capability;
  /** Number of parameters, each an i32; every function answers an i32. */
  readonly parameters: number;
  /** Fuel for the call itself, charged before anything is copied. */
  readonly fuel: number;
  /** Indices of the parameters that are lengths in bytes: each byte costs `fuelPerByte`. */
  readonly lengths: readonly number[];
}

/**
 * Fuel for each byte that crosses; lengths above `chargedLengthMax` are refused uncopied, so only the base is
 * charged.
 */
export const fuelPerByte = 1;
export const chargedLengthMax: number = 2 ** 24;

/** The names, in the order of their indices in refusal records; new ones are only appended. */
export const hostFunctionNames = [
  'send',
  'find',
  'publish',
  'subscribe',
  'unsubscribe',
  'join',
  'leave',
  'set_timer',
  'cancel_timer',
  'random',
  'log',
  'output',
  'spawn',
  'terminate',
  'infer',
  'generate',
] as const;
export type HostFunctionName = (typeof hostFunctionNames)[number];

/** Every host function that exists. Parameters in order are named in `docs/formats/abi.md`. */
export const hostFunctions: Readonly<Record<HostFunctionName, HostFunction>> = {
  /** (origin, counter, payload, payload length) */
  send: { capability: 'send', parameters: 4, fuel: 200, lengths: [3] },
  /** (name, name length, identity out: 8 bytes) */
  find: { capability: 'send', parameters: 3, fuel: 100, lengths: [1] },
  /** (topic, topic length, payload, payload length) */
  publish: { capability: 'publish', parameters: 4, fuel: 200, lengths: [1, 3] },
  /** (topic, topic length) */
  subscribe: { capability: 'subscribe', parameters: 2, fuel: 200, lengths: [1] },
  unsubscribe: { capability: 'subscribe', parameters: 2, fuel: 200, lengths: [1] },
  /** (channel, channel length) */
  join: { capability: 'channel', parameters: 2, fuel: 200, lengths: [1] },
  leave: { capability: 'channel', parameters: 2, fuel: 200, lengths: [1] },
  /** (delay in ticks, tag) -> number of the timer */
  set_timer: { capability: 'timer', parameters: 2, fuel: 200, lengths: [] },
  /** (number of the timer) */
  cancel_timer: { capability: 'timer', parameters: 1, fuel: 200, lengths: [] },
  /** (destination, length): fills the range with random bytes of the agent's own stream */
  random: { capability: 'random', parameters: 2, fuel: 50, lengths: [1] },
  /** (level, text, text length) */
  log: { capability: 'log', parameters: 3, fuel: 200, lengths: [2] },
  /** (payload, payload length) */
  output: { capability: 'output', parameters: 2, fuel: 200, lengths: [1] },
  /** (declaration, declaration length, payload, payload length, identity out: 8 bytes) */
  spawn: { capability: 'spawn', parameters: 5, fuel: 1000, lengths: [1, 3] },
  /** (origin, counter): itself or an agent that it spawned */
  terminate: { capability: 'terminate', parameters: 2, fuel: 200, lengths: [] },
  /** (model, model length, tensors, tensors length, tag) -> number of the request */
  infer: { capability: 'infer', parameters: 5, fuel: 1000, lengths: [1, 3] },
  /** (model, model length, generation request, its length, tag) -> number of the request */
  generate: { capability: 'generate', parameters: 5, fuel: 1000, lengths: [1, 3] },
};

/** Part of ABI 1 by name, not in this version of the engine; refused by name when a module imports them. */
export const hostFunctionsNotYet: readonly string[] = ['request'];

/** What a host function answers; zero or more is success. */
export const HostCode = {
  ok: 0,
  badPointer: -1,
  tooLarge: -2,
  quota: -3,
  unknownName: -4,
  notAllowed: -5,
  badArgument: -6,
} as const;
export type HostCode = (typeof HostCode)[keyof typeof HostCode];

/** The names of refusals, as they appear in events. */
export const hostCodeName: Readonly<Record<number, string>> = {
  [HostCode.badPointer]: 'bad-pointer',
  [HostCode.tooLarge]: 'too-large',
  [HostCode.quota]: 'quota',
  [HostCode.unknownName]: 'unknown-name',
  [HostCode.notAllowed]: 'not-allowed',
  [HostCode.badArgument]: 'bad-argument',
};

/** The one answer no host function gives by itself: the instrumented caller traps on it, with status `hostRefused`. */
export const hostKill: number = -(2 ** 31);
