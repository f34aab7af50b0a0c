// Executing a record again: its sealed inputs at their ticks, every digest compared.

import { bytesEqual, encodeHex } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import {
  AnswerWindow,
  type Cursor,
  decodeEvent,
  type EventLogReader,
  type Input,
  InputKind,
  type Output,
  readAnswerDetail,
  type SealedTick,
  type TickDigest,
} from '../../log/index.ts';
import { type Clock, nodeClock } from '../ports.ts';
import type { StopReason } from '../run-types.ts';
import type { ExecutedTick, Machine } from '../turns/machine.ts';

/** What a record came to. */
export interface Recorded {
  /** Ticks that were executed again. */
  readonly executed: number;
  readonly epoch: number;
  /** The reason of the run's end, where it has ended. */
  readonly ended: string | undefined;
  /** The last cursor of the source, where there was one. */
  readonly cursor: Cursor | undefined;
  /** The last tick that a line named; 0 where none did. */
  readonly namedTick: number;
  /** Inputs that were sealed for a tick whose digest is not there: the tick must be executed with just these. */
  readonly sealed: { readonly tick: number; readonly inputs: readonly Input[] } | undefined;
  /** Why the run stops, where that is sealed. */
  readonly stop: StopReason | undefined;
  /** Whether the record goes on behind the last tick that was asked for. */
  readonly more: boolean;
  /** What the record has told of answers. */
  readonly answers: AnswerWindow;
}

export interface ReExecuteOptions {
  readonly reader: EventLogReader;
  readonly machine: Machine;
  /** After each tick that agrees; waited for. */
  readonly onTick?: (executed: ExecutedTick) => void | Promise<void>;
  /** Before a tick is executed, with the inputs it was sealed with; waited for. */
  readonly onInputs?: (tick: number, inputs: readonly Input[]) => void | Promise<void>;
  /** Told of each recorded tick that the machine has behind it already. */
  readonly onPassed?: (digest: TickDigest) => void;
  /** Told of each recorded output, once its tick has agreed; only where the reader gives outputs. */
  readonly onOutput?: (output: Output) => void;
  /** Ticks after this one are left alone. */
  readonly lastTick?: number;
  readonly clock?: Clock;
}

/** Events after which the clock is looked at. */
const eventsPerLook = 16;

/** Events that `reExecute` needs. */
export const reExecuteChannels = ['run-started', 'inputs', 'digests', 'run-ended', 'answers'] as const;

/**
 * Steps the machine through a record, from the tick behind the machine's own.
 * @throws EngineError `replay-diverged` at the first digest that differs
 */
export async function reExecute(options: ReExecuteOptions): Promise<Recorded> {
  const { reader, machine, onTick, onInputs, onPassed, onOutput, lastTick, clock = nodeClock } = options;
  let [executed, epoch, namedTick, events] = [0, 0, 0, 0];
  let ended: string | undefined;
  let stop: StopReason | undefined;
  let cursor: Cursor | undefined;
  let sealed: Recorded['sealed'];
  let more = false;
  const answers = new AnswerWindow();
  let outputs: Output[] = [];
  const agreed = (): void => {
    for (const output of outputs) onOutput?.(output);
    outputs = [];
  };
  let yieldedAtMs = clock.nowMs();
  for (const { channel, tick, payload } of reader) {
    if (lastTick !== undefined && tick > lastTick) {
      more = true;
      break;
    }
    if (channel === 'run-started') {
      ({ epoch } = decodeEvent('run-started', payload));
      ended = undefined;
      // Those of a tick that was cut off come again.
      outputs = [];
    } else if (channel === 'run-ended') {
      ended = decodeEvent('run-ended', payload).reason;
    } else if (channel === 'answers') {
      const { sha256, bytes } = decodeEvent('answers', payload);
      answers.add(sha256.slice(), bytes.slice());
    } else if (channel === 'inputs') {
      const list = decodeEvent('inputs', payload);
      // What a recovery adds to a sealed tick comes as a list of its own.
      const before = sealed?.tick === tick ? sealed.inputs : [];
      if (tick > machine.state.tick)
        sealed = { tick, inputs: [...before, ...withAnswers(list.inputs, tick, answers)] };
      answers.trim();
      cursor = list.cursor ?? cursor;
      stop = stopReason(list) ?? stop;
      for (const input of list.inputs) if (input.tick > 0) namedTick = input.tick;
    } else if (channel === 'outputs') {
      outputs.push(decodeEvent('outputs', payload));
    } else if (channel === 'digests' && tick <= machine.state.tick) {
      // Most of them are looked at by nobody.
      if (onPassed !== undefined || tick === machine.state.tick) {
        const passed = decodeEvent('digests', payload);
        if (tick === machine.state.tick) compare({ tick, digest: machine.digest }, passed.digest);
        onPassed?.(passed);
      }
      agreed();
    } else if (channel === 'digests') {
      const inputs = sealed?.tick === tick ? sealed.inputs : [];
      sealed = undefined;
      const told = onInputs?.(tick, inputs);
      if (told !== undefined) await told;
      const step = machine.step(tick, inputs);
      const done = step instanceof Promise ? await step : step;
      compare(done, decodeEvent('digests', payload).digest);
      executed++;
      // A tick may have taken long.
      events = eventsPerLook - 1;
      agreed();
      const observed = onTick?.(done);
      if (observed !== undefined) await observed;
    }
    if (++events % eventsPerLook === 0 && clock.nowMs() - yieldedAtMs > 20) {
      await clock.yield();
      yieldedAtMs = clock.nowMs();
    }
  }
  return { executed, epoch, ended, cursor, namedTick, sealed, stop, more, answers };
}

/** Why a run stops with the inputs of a tick; undefined where it does not. */
export function stopReason({ inputs, stop }: SealedTick): StopReason | undefined {
  if (stop === 'quiescence' || stop === 'ticks') return stop;
  // Older records do not tell.
  return inputs.some(({ kind }) => kind === InputKind.stop) ? 'quiescence' : undefined;
}

/** The bytes of answers lie beside the inputs that name them. */
export function withAnswers(inputs: readonly Input[], tick: number, answers: AnswerWindow): readonly Input[] {
  return inputs.map((input) => {
    if (input.kind !== InputKind.answer) return input;
    const answer = answers.find(readAnswerDetail(input).sha256);
    if (answer !== undefined) return { ...input, answer };
    const what = `an input of tick ${tick} names an answer that the record does not tell`;
    throw new EngineError('record-damaged', `Cannot follow the record: ${what}`, { tick });
  });
}

function compare({ tick, digest }: Pick<ExecutedTick, 'tick' | 'digest'>, recorded: Uint8Array): void {
  if (bytesEqual(digest, recorded)) return;
  throw new EngineError(
    'replay-diverged',
    `Cannot follow the record: tick ${tick} gave digest ${encodeHex(digest)}, and the record says ${encodeHex(recorded)}`,
    { tick, digest: encodeHex(digest), recorded: encodeHex(recorded) },
  );
}
