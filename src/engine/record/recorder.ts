// Writes a run's ticks into the event log, and hands their outputs on. It reads what is committed and decides nothing.

import type { HostEvent } from '../../inference/index.ts';
import {
  AnswerWindow,
  type Cursor,
  type EventLogWriter,
  type Input,
  OutcomesEncoder,
  type RunStarted,
  readAnswerDetail,
  recordFormat,
} from '../../log/index.ts';
import { eventKindNames, type SchedulerEvent, type TaskFault } from '../../scheduler/index.ts';
import type { Trace } from '../config/system-config.ts';
import type { FaultPlaces } from '../fault-place.ts';
import { droppedCount } from '../run-totals.ts';
import type { StopReason } from '../run-types.ts';
import type { ExecutedTick } from '../turns/machine.ts';
import { eventReason, faultName, faultText, refusalText } from './fault-text.ts';

/** An output of an agent, as it leaves the engine. */
export interface OutputRecord {
  /** Counts recoveries of runs with durability `none`; 0 otherwise. */
  readonly epoch: number;
  readonly tick: number;
  /** Position among the outputs of the tick. */
  readonly index: number;
  /** Name of the agent. */
  readonly agent: string;
  readonly payload: Uint8Array;
}

export type RunFacts = Omit<RunStarted, 'format' | 'epoch'>;

export interface SealOptions {
  /** Write it, even if there is nothing in it. */
  readonly always?: boolean;
  /** Where a stop is among the inputs: why. */
  readonly stop?: StopReason | undefined;
}

const decoder = new TextDecoder();

export class Recorder {
  readonly #log: EventLogWriter;
  readonly #trace: Trace;
  readonly #places: FaultPlaces;
  readonly epoch: number;
  readonly #outcomes: OutcomesEncoder = new OutcomesEncoder();
  readonly #answers: AnswerWindow;

  /** @param answers what the record has told of answers so far */
  constructor(
    log: EventLogWriter,
    trace: Trace,
    epoch: number,
    places: FaultPlaces,
    answers: AnswerWindow = new AnswerWindow(),
  ) {
    this.#log = log;
    this.#places = places;
    this.#trace = trace;
    this.epoch = epoch;
    this.#answers = answers;
  }

  started(tick: number, facts: RunFacts): void {
    this.#log.append('run-started', tick, { format: recordFormat, epoch: this.epoch, ...facts });
  }

  /** Before the tick is executed. Nothing needs to be written for a tick without inputs, unless `always`. */
  sealed(
    tick: number,
    inputs: readonly Input[],
    cursor: Cursor | undefined,
    { always = false, stop }: SealOptions = {},
  ): void {
    if (inputs.length === 0 && cursor === undefined && !always) return;
    for (const input of inputs) if (input.answer !== undefined) this.#tellAnswer(tick, input, input.answer);
    this.#answers.trim();
    this.#log.append('inputs', tick, {
      tick,
      inputs,
      ...(cursor !== undefined && { cursor }),
      ...(stop !== undefined && { stop }),
    });
  }

  #tellAnswer(tick: number, input: Input, bytes: Uint8Array): void {
    const { sha256 } = readAnswerDetail(input);
    if (this.#answers.find(sha256) !== undefined) return;
    this.#answers.add(sha256, bytes);
    this.#log.append('answers', tick, { sha256, bytes });
  }

  /** After the tick was committed; answers its outputs. */
  committed(executed: ExecutedTick, events: readonly SchedulerEvent[]): OutputRecord[] {
    const { tick, digest, committed } = executed;
    this.#appendEvents(tick, events, executed);
    for (const fault of committed.faults) this.#appendFault(fault, executed);
    this.#appendTexts(executed);
    const outputs = this.#appendOutputs(executed);
    if (this.#trace !== 'none') this.#appendOutcomes(executed);
    if (this.#trace === 'full') this.#log.append('traces', tick, { tick, transcript: committed.transcript });
    this.#log.append('digests', tick, {
      tick,
      digest,
      tasks: committed.taskCount,
      messages: committed.messageCount,
      fuel: committed.fuel,
      faults: committed.faults.length,
      outputs: outputs.length,
      dropped: droppedCount(events),
    });
    return outputs;
  }

  /** What the host tells of its models, beside what the tick decided. */
  told(tick: number, events: readonly HostEvent[]): void {
    for (const { kind, model, reason } of events) {
      this.#log.append('events', tick, { tick, kind, agent: '', other: '', reason, count: 1, text: model });
    }
  }

  ended(tick: number, reason: string, digest: Uint8Array): void {
    this.#log.append('run-ended', tick, { tick, reason, digest });
  }

  #appendEvents(tick: number, events: readonly SchedulerEvent[], { committed }: ExecutedTick): void {
    for (const event of events) {
      this.#log.append('events', tick, {
        tick,
        kind: eventKindNames[event.kind]!,
        agent: event.agent?.name ?? '',
        other: event.other?.name ?? '',
        reason: eventReason(event),
        count: 1,
        text: '',
      });
    }
    for (const refusal of committed.sink.refusals) {
      const { name, reason } = refusalText(refusal.functionIndex, refusal.code);
      const { count } = refusal;
      const agent = refusal.agent.name;
      this.#log.append('events', tick, {
        tick,
        kind: 'call-refused',
        agent,
        other: '',
        reason,
        count,
        text: name,
      });
    }
  }

  #appendFault(fault: TaskFault, { tick, trapPlaces }: ExecutedTick): void {
    const { agent, code, taskKind, fuel } = fault;
    const places = trapPlaces(agent);
    const { functionIndex = 0, offset = 0 } = places[0] ?? {};
    const functions = this.#places.textOf(agent, places);
    this.#log.append('faults', tick, {
      tick,
      agent: agent.name,
      number: agent.number,
      kind: faultName(code),
      message: faultText(fault, functions === '' ? undefined : { functions, offset }),
      taskKind,
      fuel,
      functions,
      functionIndex,
      offset,
    });
  }

  #appendTexts({ tick, committed }: ExecutedTick): void {
    for (const { agent, level, text, failed } of committed.sink.texts) {
      const { bytes, offset, length } = text;
      const decoded = decoder.decode(bytes.subarray(offset, offset + length));
      this.#log.append('texts', tick, { tick, agent: agent.name, level, text: decoded, failed });
    }
  }

  #appendOutputs({ tick, committed }: ExecutedTick): OutputRecord[] {
    return committed.sink.outputs.map(({ agent, payload }, index) => {
      const bytes = payload.bytes.slice(payload.offset, payload.offset + payload.length);
      const output: OutputRecord = { epoch: this.epoch, tick, index, agent: agent.name, payload: bytes };
      this.#log.append('outputs', tick, output);
      return output;
    });
  }

  #appendOutcomes({ tick, committed: { words, recordAt } }: ExecutedTick): void {
    this.#log.appendEncoded('outcomes', tick, this.#outcomes.encode(tick, words, recordAt));
  }
}
