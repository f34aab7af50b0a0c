// A host for one agent without the engine: the ABI in JavaScript, every call recorded. It checks pointers, charges
// nothing, and applies nothing: what an agent asked for can only be looked at.

export interface Call {
  readonly name: string;
  /** Numbers as given; ranges of memory as bytes copied during the call. */
  readonly args: readonly (number | Uint8Array)[];
}

export interface Envelope {
  readonly kind: number;
  readonly tick?: bigint;
  readonly timeMs?: bigint;
  readonly self?: readonly [number, number];
  readonly sender?: readonly [number, number];
  readonly priority?: number;
  readonly topic?: string;
  readonly payload?: Uint8Array | string;
  readonly detail?: number;
  readonly tag?: number;
}

/** Per host function: which parameters are (pointer, length) ranges that are read, as indices of the pointers. */
const reads: Readonly<Record<string, readonly number[]>> = {
  send: [2],
  find: [0],
  publish: [0, 2],
  subscribe: [0],
  unsubscribe: [0],
  join: [0],
  leave: [0],
  set_timer: [],
  cancel_timer: [],
  random: [],
  log: [1],
  output: [0],
  spawn: [0, 2],
  terminate: [],
  infer: [0, 2],
  generate: [0, 2],
};

type Answer = (args: readonly number[], memory: () => DataView) => number;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text of recorded bytes; throws where they are not UTF-8. */
export function textOf(value: number | Uint8Array | undefined): string {
  if (!(value instanceof Uint8Array)) throw new Error(`Not bytes: ${value}`);
  return decoder.decode(value);
}

export class StubHost {
  readonly calls: Call[] = [];
  readonly answers: Map<string, Answer> = new Map();
  readonly exports: Record<string, (...args: number[]) => number>;
  readonly memory: WebAssembly.Memory;
  readonly imports: readonly string[];
  /** How often `agent_alloc` was called. */
  allocations: number = 0;
  private inbox = 0;
  private inboxSize = 0;
  private hostCallsAllowed = false;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const module = new WebAssembly.Module(bytes);
    this.imports = WebAssembly.Module.imports(module).map(({ module, name }) => `${module}.${name}`);
    const functions: Record<string, WebAssembly.ImportValue> = {};
    for (const name of Object.keys(reads)) functions[name] = (...args: number[]) => this.serve(name, args);
    this.hostCallsAllowed = false;
    const instance = new WebAssembly.Instance(module, { wasm_engine: functions });
    this.exports = instance.exports as unknown as Record<string, (...args: number[]) => number>;
    this.memory = instance.exports['memory'] as WebAssembly.Memory;
  }

  init(): number {
    return this.guarded(() => this.exports['agent_init']!());
  }

  shutdown(): number {
    return this.guarded(() => this.exports['agent_shutdown']!());
  }

  /** Delivers an envelope to `agent_receive` or `agent_step`, as its kind says. */
  deliver(envelope: Envelope): number {
    const entry = envelope.kind < 16 ? 'agent_receive' : 'agent_step';
    return this.guarded(() => this.exports[entry]!(this.write(envelope)));
  }

  /** Takes the calls recorded so far, of one function or of all. */
  take(name?: string): Call[] {
    const taken = this.calls.splice(0);
    return name === undefined ? taken : taken.filter((call) => call.name === name);
  }

  private guarded(task: () => number): number {
    this.hostCallsAllowed = true;
    try {
      return task();
    } finally {
      this.hostCallsAllowed = false;
    }
  }

  private serve(name: string, args: number[]): number {
    if (!this.hostCallsAllowed) throw new Error(`host-call-not-allowed: ${name}`);
    const recorded: (number | Uint8Array)[] = [];
    const ranges = reads[name]!;
    for (let i = 0; i < args.length; i++) {
      if (ranges.includes(i)) recorded.push(this.copy(args[i]!, args[++i]!));
      else recorded.push(args[i]!);
    }
    this.calls.push({ name, args: recorded });
    return this.answers.get(name)?.(args, () => new DataView(this.memory.buffer)) ?? 0;
  }

  private copy(pointer: number, length: number): Uint8Array {
    const start = pointer >>> 0;
    if (length < 0 || start + length > this.memory.buffer.byteLength) throw new Error('bad pointer');
    return new Uint8Array(this.memory.buffer, start, length).slice();
  }

  private write(envelope: Envelope): number {
    const topic = encoder.encode(envelope.topic ?? '');
    const payload =
      typeof envelope.payload === 'string'
        ? encoder.encode(envelope.payload)
        : (envelope.payload ?? new Uint8Array());
    const size = 72 + topic.length + payload.length;
    if (size > this.inboxSize) {
      this.hostCallsAllowed = false;
      this.inbox = this.exports['agent_alloc']!(size) >>> 0;
      this.hostCallsAllowed = true;
      this.inboxSize = size;
      this.allocations++;
    }
    const at = this.inbox;
    const bytes = new Uint8Array(this.memory.buffer, at, size);
    bytes.set(encodeEnvelope(envelope, at, topic, payload));
    return at;
  }
}

/** The bytes of an envelope that stands at `address`, with topic and payload behind it. */
export function encodeEnvelope(
  envelope: Envelope,
  address: number,
  topic: Uint8Array,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(72 + topic.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 72, true);
  view.setUint32(4, envelope.kind, true);
  view.setBigUint64(8, envelope.tick ?? 0n, true);
  view.setBigUint64(16, envelope.timeMs ?? 0n, true);
  view.setUint32(24, envelope.self?.[0] ?? 0, true);
  view.setUint32(28, envelope.self?.[1] ?? 1, true);
  view.setUint32(32, envelope.sender?.[0] ?? 0, true);
  view.setUint32(36, envelope.sender?.[1] ?? 0, true);
  view.setInt32(40, envelope.priority ?? 0, true);
  view.setUint32(44, topic.length === 0 ? 0 : address + 72, true);
  view.setUint32(48, topic.length, true);
  view.setUint32(52, payload.length === 0 ? 0 : address + 72 + topic.length, true);
  view.setUint32(56, payload.length, true);
  view.setUint32(60, envelope.detail ?? 0, true);
  view.setInt32(64, envelope.tag ?? 0, true);
  bytes.set(topic, 72);
  bytes.set(payload, 72 + topic.length);
  return bytes;
}
