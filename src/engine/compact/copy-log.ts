// The part of a log behind a tick, written as a log of its own that begins from the snapshot of that tick.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import {
  AnswerWindow,
  type ChannelMessages,
  type ChannelName,
  type Cursor,
  decodeEvent,
  type EventLogWriter,
  finishedTicks,
  type Input,
  InputKind,
  type RunDirectory,
  type RunStarted,
  readAnswerDetail,
  readEvents,
  type SealedTick,
} from '../../log/index.ts';
import { isBehind, type OutputPlace } from '../output-place.ts';

/** The snapshot that the new log begins from. */
interface Base {
  readonly tick: number;
  readonly digest: Uint8Array;
}

/** What is left out. */
export interface LeftOut {
  ticks: number;
  inputs: number;
  outputs: number;
  /** How many of the outputs are behind the last one that is known to be delivered; 0 where nobody kept count. */
  undelivered: number;
  events: number;
}

export interface CopyOptions {
  /** The last output that is known to be delivered, where somebody kept count. */
  readonly outputsAfter?: OutputPlace | undefined;
  /** Gets what stays; without it, what goes is only counted. */
  readonly to?: EventLogWriter;
}

/**
 * Counts what goes, and writes what stays where a writer is given.
 * @throws EngineError `record-damaged` where the log has not the tick and digest of the snapshot
 */
export function copyLogBehind(directory: RunDirectory, base: Base, options: CopyOptions = {}): LeftOut {
  const copy = new LogCopy(base, options);
  for (const { channel, tick, payload } of finishedTicks(readEvents(directory)))
    copy.add(channel, tick, payload);
  if (copy.passed) return copy.leftOut;
  const text = `Cannot compact "${directory.path}": its log does not have tick ${base.tick}, of which there is a snapshot`;
  throw new EngineError('record-damaged', text, { path: directory.path, tick: base.tick });
}

class LogCopy {
  readonly #base: Base;
  readonly #options: CopyOptions;
  readonly leftOut: LeftOut = { ticks: 0, inputs: 0, outputs: 0, undelivered: 0, events: 0 };
  passed = false;
  #started: RunStarted | undefined;
  #cursor: Cursor | undefined;
  /** The last input that named its tick: whoever goes on with the run must know it. */
  #named: Input | undefined;
  /** Answers that the old log has told, and those that the new one has. */
  readonly #told = new AnswerWindow();
  readonly #own = new AnswerWindow();

  constructor(base: Base, options: CopyOptions) {
    this.#base = base;
    this.#options = options;
  }

  add(channel: ChannelName, tick: number, payload: Uint8Array): void {
    if (channel === 'answers') {
      const { sha256, bytes } = decodeEvent('answers', payload);
      this.#told.add(sha256.slice(), bytes.slice());
      return;
    }
    if (this.passed) this.#keep(channel, tick, payload);
    else this.#leaveOut(channel, tick, payload);
  }

  #keep(channel: ChannelName, tick: number, payload: Uint8Array): void {
    if (channel === 'inputs') this.#keepInputs(tick, decodeEvent('inputs', payload));
    else if (channel === 'run-started')
      this.#append(channel, tick, this.#rebased(decodeEvent(channel, payload)));
    else this.#append(channel, tick, decodeEvent(channel, payload));
  }

  /** Each answer is told before the first input that names it. */
  #keepInputs(tick: number, sealed: SealedTick): void {
    for (const input of sealed.inputs) {
      if (input.kind !== InputKind.answer) continue;
      const { sha256 } = readAnswerDetail(input);
      const bytes = this.#told.find(sha256);
      if (bytes === undefined || this.#own.find(sha256) !== undefined) continue;
      this.#own.add(sha256.slice(), bytes);
      this.#append('answers', tick, { sha256, bytes });
    }
    this.#told.trim();
    this.#own.trim();
    this.#append('inputs', tick, sealed);
  }

  #leaveOut(channel: ChannelName, tick: number, payload: Uint8Array): void {
    this.leftOut.events++;
    if (channel === 'outputs') this.#leaveOutOutput(decodeEvent(channel, payload));
    else if (channel === 'run-started') this.#started = decodeEvent(channel, payload);
    else if (channel === 'inputs') {
      const { inputs, cursor } = decodeEvent(channel, payload);
      this.leftOut.inputs += inputs.length;
      this.#cursor = cursor ?? this.#cursor;
      this.#named = inputs.findLast((input) => input.tick > 0) ?? this.#named;
      this.#told.trim();
    } else if (channel === 'digests') {
      this.leftOut.ticks++;
      if (tick === this.#base.tick) this.#pass(decodeEvent(channel, payload).digest);
    }
  }

  #leaveOutOutput(output: OutputPlace): void {
    const { outputsAfter } = this.#options;
    this.leftOut.outputs++;
    if (outputsAfter !== undefined && isBehind(output, outputsAfter)) this.leftOut.undelivered++;
  }

  #pass(digest: Uint8Array): void {
    const { tick } = this.#base;
    if (!bytesEqual(digest, this.#base.digest)) {
      const text = `Cannot compact up to tick ${tick}: its snapshot has not the digest that the log says`;
      throw new EngineError('record-damaged', text, { tick });
    }
    this.passed = true;
    this.#append('run-started', tick, this.#rebased(this.#started!));
    const inputs = this.#named === undefined ? [] : [this.#named];
    if (this.#cursor !== undefined) this.#append('inputs', tick, { tick, inputs, cursor: this.#cursor });
  }

  #rebased(started: RunStarted): RunStarted {
    return { ...started, baseTick: this.#base.tick, baseDigest: this.#base.digest };
  }

  #append<C extends ChannelName>(channel: C, tick: number, value: ChannelMessages[C]): void {
    this.#options.to?.append(channel, tick, value);
  }
}
