// The ticks of a record with their sealed inputs, one after the other: for whoever goes through a run again.

import { AnswerWindow, decodeEvent, type Input, type RunDirectory, readEvents } from '../../log/index.ts';
import type { StopReason } from '../run-types.ts';
import { stopReason, withAnswers } from './re-execute.ts';

export interface RecordedTick {
  readonly tick: number;
  /** Answers with their bytes. */
  readonly inputs: readonly Input[];
  /** Why the run stops in this tick. */
  readonly stop?: StopReason | undefined;
  /** Undefined where the record ends with inputs that were sealed and not executed. */
  readonly digest: Uint8Array | undefined;
}

/**
 * Executed ticks behind `after`, ascending.
 * @throws EngineError `record-damaged`
 */
export function* recordedTicks(
  directory: RunDirectory,
  after: number,
): Generator<RecordedTick, void, undefined> {
  const answers = new AnswerWindow();
  let sealed: Omit<RecordedTick, 'digest'> | undefined;
  for (const { channel, tick, payload } of readEvents(directory, {
    channels: ['inputs', 'answers', 'digests'],
  })) {
    if (channel === 'answers') {
      const { sha256, bytes } = decodeEvent('answers', payload);
      answers.add(sha256.slice(), bytes.slice());
    } else if (channel === 'inputs') {
      const list = decodeEvent('inputs', payload);
      const { inputs } = list;
      // A record that is gone on with begins with the place of its source alone, in a tick that it has already.
      const before = sealed?.tick === tick ? sealed.inputs : [];
      if (tick > after && inputs.length > 0)
        sealed = {
          tick,
          inputs: [...before, ...withAnswers(inputs, tick, answers)],
          stop: stopReason(list) ?? (before.length > 0 ? sealed?.stop : undefined),
        };
      answers.trim();
    } else if (tick > after) {
      const { digest } = decodeEvent('digests', payload);
      yield sealed?.tick === tick ? { ...sealed, digest } : { tick, inputs: [], digest };
      sealed = undefined;
    }
  }
  if (sealed !== undefined) yield { ...sealed, digest: undefined };
}
