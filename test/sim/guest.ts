// Agents in plain JavaScript, behind the face of a WebAssembly instance. What they are told is a program (its bytes are
// instructions), and everything they ever saw goes into a hash that they give out: whatever is lost, doubled or out of
// order shows in their outputs. They keep state in memory, in a global and in their random stream.

import { envelopeOffset } from '../../src/abi/envelope.ts';
import { engineExport } from '../../src/abi/guest-exports.ts';
import { beginInstance, type Instance, type InstanceOptions } from '../../src/sandbox/instance.ts';
import type { Chance } from './chance.ts';

/** Instructions. Operands follow; `…` is a length byte and so many bytes of a further program. */
export const Act = {
  nothing: 0,
  /** receiver … */
  send: 1,
  /** topic … */
  publish: 2,
  /** delay */
  timer: 3,
  /** … */
  spawn: 4,
  log: 5,
  output: 6,
  random: 7,
  again: 8,
  finish: 9,
  trap: 10,
  spin: 11,
  /** pages */
  grow: 12,
  /** … */
  channel: 13,
  join: 14,
  leave: 15,
  subscribe: 16,
  unsubscribe: 17,
  /** timer */
  cancel: 18,
  terminate: 19,
  negative: 20,
  /** block */
  touch: 21,
  /** tag … */
  infer: 22,
  /** tag … */
  generate: 23,
} as const;
const actCount = 24;

const at = {
  hash: 0,
  count: 4,
  child: 8,
  random: 16,
  output: 32,
  names: 64,
  part: 512,
  inbox: 4096,
} as const;
const names = new TextEncoder().encode('ABdenchildoraclewriter');
const [nameA, nameDen, nameChild, nameOracle, nameWriter] = [0, 2, 5, 10, 16].map(
  (place) => at.names + place,
) as [number, number, number, number, number];
const fuelPerAct = 500;

type HostFunctions = Readonly<Record<string, (...values: number[]) => number>>;

/** One memory. Whoever has views of it makes them anew when it has grown. */
export class SimMemory {
  buffer: ArrayBuffer;
  readonly #pagesMax: number;

  constructor(pages: number, pagesMax: number) {
    this.buffer = new ArrayBuffer(pages * 65_536);
    this.#pagesMax = pagesMax;
  }

  grow(pages: number): number {
    const before = this.buffer.byteLength / 65_536;
    if (before + pages > this.#pagesMax) return -1;
    if (pages === 0) return before;
    const grown = new ArrayBuffer((before + pages) * 65_536);
    new Uint8Array(grown).set(new Uint8Array(this.buffer));
    this.buffer = grown;
    return before;
  }
}

class Guest {
  readonly #host: HostFunctions;
  readonly #memory: SimMemory;
  readonly #pagesMax: number;
  #view: DataView;
  onGrown: () => void = () => {};
  /** The mutable global. */
  rolling = 0;
  fuel = 0;
  status = 0;

  constructor(host: HostFunctions, memory: SimMemory, pagesMax: number) {
    this.#host = host;
    this.#memory = memory;
    this.#pagesMax = pagesMax;
    this.#view = new DataView(memory.buffer);
  }

  init(): number {
    new Uint8Array(this.#memory.buffer).set(names, at.names);
    this.#note(1);
    return 0;
  }

  /** Runs the program of an envelope; a step without one makes up its own. */
  enter(envelope: number, fuel: number): number {
    this.fuel = fuel;
    const view = this.#view;
    for (let offset = 0; offset < 72; offset += 4) {
      // Addresses are the guest's own affair.
      if (offset !== envelopeOffset.topicPointer && offset !== envelopeOffset.payloadPointer)
        this.#note(view.getInt32(envelope + offset, true));
    }
    const pointer = view.getUint32(envelope + envelopeOffset.payloadPointer, true);
    const length = view.getUint32(envelope + envelopeOffset.payloadLength, true);
    const bytes = new Uint8Array(this.#memory.buffer.slice(pointer, pointer + length));
    for (const byte of bytes) this.#note(byte);
    const kind = view.getUint32(envelope + envelopeOffset.kind, true);
    const program = kind === 6 || kind === 7 ? answered(bytes) : length === 0 ? this.#ownProgram() : bytes;
    const answer = kind === 3 ? 0 : this.#run(program);
    return answer === 0 ? this.fuel : -1 - (answer >>> 0);
  }

  shutdown(): number {
    this.#output();
    return 0;
  }

  /** Noted and charged: whoever forgets that there is a buffer is seen. */
  alloc(size: number): number {
    this.#note(size);
    this.fuel -= 100;
    return size > 8192 ? 0 : at.inbox;
  }

  #note(value: number): void {
    const view = this.#view;
    this.rolling = (Math.imul(this.rolling ^ value, 0x01000193) + 0x9e37) | 0;
    view.setUint32(at.count, view.getUint32(at.count, true) + 1, true);
    view.setInt32(at.hash, Math.imul(view.getInt32(at.hash, true) ^ this.rolling, 0x85ebca6b), true);
  }

  /** What a step without a program does is drawn from the agent's own random stream. */
  #ownProgram(): Uint8Array {
    this.#host.random!(at.random, 8);
    const bytes = new Uint8Array(this.#memory.buffer.slice(at.random, at.random + 8));
    const [what, to] = [bytes[0]! % 8, bytes[1]!];
    if (what < 3) return Uint8Array.of(Act.send, to, 2, Act.touch, bytes[2]!, Act.output);
    if (what === 3) return Uint8Array.of(Act.publish, to, 1, Act.output);
    if (what === 4) return Uint8Array.of(Act.timer, bytes[3]!, Act.touch, to);
    if (what === 5) return Uint8Array.of(Act.channel, 1, Act.touch, Act.output);
    return Uint8Array.of(what === 6 ? Act.output : Act.touch, to, Act.output);
  }

  #output(): void {
    const view = this.#view;
    view.setInt32(at.output, this.rolling, true);
    view.setInt32(at.output + 4, view.getInt32(at.hash, true), true);
    view.setInt32(at.output + 8, view.getInt32(at.count, true), true);
    this.#note(this.#host.output!(at.output, 12));
  }

  /** Answers what the entry point returns. */
  #run(program: Uint8Array): number {
    const reader = new ProgramReader(program, this.#memory);
    while (!reader.isAtEnd) {
      this.fuel -= fuelPerAct;
      if (this.fuel < 0) return 0;
      const act = reader.byte() % actCount;
      if (act === Act.again) return 1;
      if (act === Act.finish) return 2;
      if (act === Act.negative) return -5;
      if (act === Act.trap) throw new WebAssembly.RuntimeError('unreachable');
      if (act === Act.spin) {
        this.fuel = -1;
        this.status = 1;
        throw new WebAssembly.RuntimeError('unreachable');
      }
      this.#tell(act, reader);
      this.#change(act, reader);
    }
    return 0;
  }

  /** Instructions that ask something of the others. */
  #tell(act: number, reader: ProgramReader): void {
    const host = this.#host;
    if (act === Act.send) {
      const to = 1 + (reader.byte() % 6);
      this.#note(host.send!(0, to, at.part, reader.part()));
    } else if (act === Act.publish) {
      const topic = nameA + (reader.byte() & 1);
      this.#note(host.publish!(topic, 1, at.part, reader.part()));
    } else if (act === Act.channel) this.#note(host.publish!(nameDen, 3, at.part, reader.part()));
    else if (act === Act.spawn) this.#note(host.spawn!(nameChild, 5, at.part, reader.part(), at.child));
    else if (act === Act.infer) {
      const tag = reader.byte();
      this.#note(host.infer!(nameOracle, 6, at.part, reader.part(), tag));
    } else if (act === Act.generate) {
      const tag = reader.byte();
      this.#note(host.generate!(nameWriter, 6, at.part, reader.part(), tag));
    } else if (act === Act.log) this.#note(host.log!(1, at.names, 10));
    else if (act === Act.output) this.#output();
    else if (act === Act.terminate) {
      const view = this.#view;
      this.#note(host.terminate!(view.getUint32(at.child, true), view.getUint32(at.child + 4, true)));
    }
  }

  /** Instructions about the agent itself. */
  #change(act: number, reader: ProgramReader): void {
    const host = this.#host;
    if (act === Act.timer) {
      const delay = reader.byte();
      this.#note(host.set_timer!(delay & 7, delay));
    } else if (act === Act.cancel) this.#note(host.cancel_timer!(reader.byte()));
    else if (act === Act.join) this.#note(host.join!(nameDen, 3));
    else if (act === Act.leave) this.#note(host.leave!(nameDen, 3));
    else if (act === Act.subscribe) this.#note(host.subscribe!(nameA, 1));
    else if (act === Act.unsubscribe) this.#note(host.unsubscribe!(nameA + 1, 1));
    else if (act === Act.random) {
      this.#note(host.random!(at.random, 7));
      this.#note(this.#view.getInt32(at.random, true));
    } else if (act === Act.grow) {
      const pages = reader.byte() & 1;
      const room = this.#memory.buffer.byteLength / 65_536 + pages <= this.#pagesMax;
      const before = room ? this.#memory.grow(pages) : -1;
      this.#view = new DataView(this.#memory.buffer);
      this.onGrown();
      this.#note(before);
    } else if (act === Act.touch) {
      const place = (8192 + reader.byte() * 4096) % this.#memory.buffer.byteLength;
      if (place < 8192) return;
      const view = this.#view;
      view.setInt32(place, view.getInt32(place, true) + this.rolling, true);
      this.#note(view.getInt32(place, true));
    }
  }
}

/** What an agent does with an answer: some of them ask again. */
function answered(bytes: Uint8Array): Uint8Array {
  const last = bytes.at(-1) ?? 0;
  if (last % 8 === 0) return Uint8Array.of(Act.infer, last, 1, last, Act.output);
  return Uint8Array.of(Act.touch, last, Act.output);
}

class ProgramReader {
  readonly #program: Uint8Array;
  readonly #memory: SimMemory;
  #position = 0;

  constructor(program: Uint8Array, memory: SimMemory) {
    this.#program = program;
    this.#memory = memory;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#program.length;
  }

  /** Beyond the end there are zeros. */
  byte(): number {
    return this.#program[this.#position++] ?? 0;
  }

  /** Puts the further program into memory; answers its size. */
  part(): number {
    const size = this.byte();
    const bytes = this.#program.subarray(this.#position, this.#position + size);
    this.#position += bytes.length;
    new Uint8Array(this.#memory.buffer).set(bytes, at.part);
    return bytes.length;
  }
}

/** For an executor: an agent of this file in place of a module's instance. */
export function createGuest(options: InstanceOptions): Instance {
  const memory = options.memory as unknown as SimMemory;
  const guest = new Guest(options.hostFunctions as HostFunctions, memory, options.limits.memoryPagesMax);
  const accessors = {
    [engineExport.globalGet]: () => guest.rolling,
    [engineExport.globalSet]: (_index: number, _word: number, value: number) => {
      guest.rolling = value | 0;
    },
    [engineExport.restore]: () => {},
  };
  const instance = beginInstance(options, {
    guest: {
      agent_init: () => guest.init(),
      agent_shutdown: () => guest.shutdown(),
      agent_alloc: (size) => guest.alloc(size),
      ...accessors,
    },
    init: () => {},
    receive: (envelope, fuel) => guest.enter(envelope, fuel),
    step: (envelope, fuel) => guest.enter(envelope, fuel),
    fuelSet: (fuel) => {
      guest.fuel = fuel;
    },
    fuelGet: () => guest.fuel,
    status: () => guest.status,
  });
  guest.onGrown = () => {
    instance.bytes = new Uint8Array(memory.buffer);
    instance.words = new Int32Array(memory.buffer);
  };
  return instance;
}

const plain = [
  Act.log,
  Act.output,
  Act.output,
  Act.random,
  Act.again,
  Act.join,
  Act.leave,
  Act.subscribe,
] as const;
const rare = [Act.unsubscribe, Act.terminate, Act.finish, Act.trap, Act.spin, Act.negative] as const;
const withByte = [Act.timer, Act.timer, Act.grow, Act.cancel, Act.touch, Act.touch] as const;

/** A program of a few instructions, nested at most `depth` deep. */
export function drawProgram(chance: Chance, depth = 3): number[] {
  const steps = chance.between(depth === 3 ? 1 : 0, 4);
  return Array.from({ length: steps }, () => drawAct(chance, depth)).flat();
}

function drawAct(chance: Chance, depth: number): number[] {
  const kind = chance.below(18);
  if (kind === 0) return [chance.pick(rare)];
  if (kind < 6) return [chance.pick(plain)];
  if (kind < 9) return [chance.pick(withByte), chance.below(256)];
  const rest = depth === 0 ? [] : drawProgram(chance, depth - 1).slice(0, 200);
  const part = [rest.length, ...rest];
  if (kind < 13) return [Act.send, chance.below(256), ...part];
  if (kind === 13) return [Act.publish, chance.below(256), ...part];
  if (kind > 15) return [chance.pick([Act.infer, Act.generate]), chance.below(256), ...part];
  return [kind === 14 ? Act.spawn : Act.channel, ...part];
}
