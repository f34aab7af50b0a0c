// The loop of a live run: seal, execute, record, release, tick after tick.

import { encodeHex } from '../../base/encoding.ts';
import { assert } from '../../base/errors.ts';
import { type Cursor, type Input, InputKind } from '../../log/index.ts';
import { dueRequests, hasRunnable, type ModelRequest, waitingRequests } from '../../scheduler/index.ts';
import type { TelemetryHooks } from '../../telemetry/index.ts';
import { createInput, type HostInputs } from '../input/host-inputs.ts';
import type { LineInputs } from '../input/line-inputs.ts';
import type { SealedLines } from '../input/sealed-lines.ts';
import { answerInputs, type InferenceDesk } from '../models/inference-desk.ts';
import type { Clock } from '../ports.ts';
import type { DurableLog } from '../record/durable-log.ts';
import type { Recorder } from '../record/recorder.ts';
import type { RecordedFeed } from '../replay/recorded-feed.ts';
import type { RunTotals } from '../run-totals.ts';
import type { EndReason, RunOptions, StopReason } from '../run-types.ts';
import { sha256 } from '../sha256.ts';
import type { SnapshotSchedule } from '../snapshot/schedule.ts';
import type { CarefulMode } from '../turns/careful-mode.ts';
import type { ExecutedTick, Machine } from '../turns/machine.ts';
import { endOfTime, nextTick } from './next-tick.ts';
import { emitTelemetry } from './observe.ts';
import { sleep, untilAborted } from './waits.ts';

export interface LiveRunParts {
  readonly machine: Machine;
  readonly recorder: Recorder;
  readonly durable: DurableLog;
  readonly hostInputs: HostInputs;
  readonly hooks: TelemetryHooks;
  readonly totals: RunTotals;
  readonly snapshots: SnapshotSchedule;
  readonly tickMs: number;
  readonly answerBytesPerTickMax: number;
  readonly lines: SealedLines;
  readonly clock: Clock;
  /** Where the system has models. */
  readonly inference: InferenceDesk | undefined;
  /** Why the run stops, where its record says that it does. */
  readonly stop?: StopReason | undefined;
  /** Where the process before this one died of itself. */
  readonly careful?: CarefulMode | undefined;
}

/** How long the loop goes on without giving the event loop its turn. */
const yieldMs = 10;

export class LiveRun {
  readonly #parts: LiveRunParts;
  /** Why the run stops, once that is decided. */
  #stop: StopReason | undefined;
  #lastCursor = '';
  readonly #clock: Clock;
  /** No tick but those of a shutdown is executed behind it. */
  readonly #end: number;
  #yieldedAtMs: number;
  #startedAtMs = 0;
  #startTick = 0;
  #awaitsLine = false;
  #wakeByLine: (() => void) | undefined;
  /** Whether models are asked what agents want to know; not while a record is followed that has their answers. */
  #isAsking = false;

  constructor(parts: LiveRunParts) {
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#end = endOfTime(parts.tickMs);
    this.#stop = parts.stop;
    this.#yieldedAtMs = this.#clock.nowMs();
  }

  /** Runs until the inputs have ended and nothing is left to do, the last tick is reached, or the signal says so. */
  async run(lines: LineInputs | undefined, options: RunOptions): Promise<EndReason> {
    const { state } = this.#parts.machine;
    const { signal, ticks = Number.POSITIVE_INFINITY } = options;
    const lastTick = Math.min(ticks, this.#end);
    this.#startedAtMs = this.#clock.nowMs();
    this.#startTick = state.tick;
    this.#parts.lines.follow(lines);
    this.#ask();
    if (state.stopping) return this.#finish(this.#stop ?? 'quiescence', state.tick, lines, options);
    let earliest = 0;
    for (;;) {
      if (this.#clock.nowMs() - this.#yieldedAtMs > yieldMs) await this.#yield();
      if (signal?.aborted === true) return 'interrupted';
      const next = Math.min(Math.max(state.tick + 1, earliest), lastTick);
      if (next === lastTick) return this.#finish('ticks', next, lines, options);
      const gathered = this.#gather(lines, next, signal);
      let inputs = gathered instanceof Promise ? await gathered : gathered;
      if (inputs === 'aborted') return 'interrupted';
      const open = lines !== undefined && !lines.ended;
      const hasInputs = inputs.length > 0 || !this.#parts.hostInputs.isEmpty;
      const facts = { state, hasInputs, heldTick: lines?.heldTick };
      const wanted = nextTick({ ...facts, keptOpen: open || options.ticks !== undefined });
      if (wanted === undefined && open) {
        await this.#waitForInput(lines, signal);
        // A pulled line enters the tick that asked for it, whenever it came.
        if (lines.live) earliest = this.#tickNow(options);
        continue;
      }
      if (wanted === undefined) return this.#finish('quiescence', next, lines, options);
      const tick = Math.min(Math.max(wanted, next), lastTick);
      const wake = tick > next ? this.#arrivals(lines) : [];
      const isPaced = options.pace === 'wall-clock';
      if (isPaced && !(await this.#pace(tick, options, wake)) && inputs.length === 0) {
        earliest = Math.min(this.#tickNow(options), tick);
        continue;
      }
      if (tick === lastTick) return this.#finish('ticks', tick, lines, options);
      if (tick > next && tick === lines?.heldTick) inputs = await this.#gather(lines, tick, signal);
      if (inputs === 'aborted') return 'interrupted';
      // Awaited also where nothing is: whoever waits for an acknowledgement gets a turn between two ticks.
      await this.step(tick, inputs, lines?.cursor, options);
    }
  }

  /**
   * Runs through the inputs of another record, each in its tick; between them the run does what it has to do by itself.
   * Answers whether it was interrupted. Every tick that the record has is executed, so that the same system gives the
   * same digests.
   */
  async follow(feed: RecordedFeed, options: RunOptions): Promise<boolean> {
    const { machine, hostInputs } = this.#parts;
    const { state } = machine;
    for (;;) {
      if (this.#clock.nowMs() - this.#yieldedAtMs > yieldMs) await this.#yield();
      if (options.signal?.aborted === true) return true;
      feed.compare(machine.digest);
      if (feed.answers) this.#isAsking = false;
      else this.#ask();
      const recorded = feed.nextTick;
      if (recorded === undefined) return false;
      const facts = { state, hasInputs: !hostInputs.isEmpty, heldTick: undefined, keptOpen: false };
      const tick = Math.min(nextTick(facts) ?? recorded, recorded);
      if (options.ticks !== undefined && tick >= options.ticks && !state.stopping) return false;
      const { inputs, stop } = feed.take(tick);
      this.#stop = stop ?? this.#stop;
      // Answers that the record tells are not waited for again.
      const answered = inputs.some(({ kind }) => kind === InputKind.answer);
      if (answered) await this.#execute(tick, inputs, feed.cursor, options);
      else await this.step(tick, inputs, feed.cursor, options);
    }
  }

  /** Runs until nothing is left to do by itself; the run stays open. */
  async settle(options: RunOptions = {}): Promise<void> {
    const { state } = this.#parts.machine;
    this.#ask();
    for (;;) {
      if (this.#clock.nowMs() - this.#yieldedAtMs > yieldMs) await this.#yield();
      const hasInputs = !this.#parts.hostInputs.isEmpty;
      const tick = nextTick({ state, hasInputs, heldTick: undefined, keptOpen: false });
      if (tick === undefined || tick >= this.#end) break;
      await this.step(tick, [], undefined, options);
    }
    await this.#parts.durable.settled();
  }

  /** Seals the stop, and runs until every agent has shut down. */
  async #finish(
    reason: StopReason,
    tick: number,
    lines: LineInputs | undefined,
    options: RunOptions,
  ): Promise<EndReason> {
    await this.#pace(tick, options, []);
    await this.stop(tick, reason, lines?.cursor, options);
    return reason;
  }

  /** Stops the run at a tick: all agents shut down. A run that was interrupted while they did goes on with that. */
  async stop(
    tick: number,
    reason: StopReason,
    cursor: Cursor | undefined,
    options: RunOptions = {},
  ): Promise<void> {
    const { machine } = this.#parts;
    this.#stop = reason;
    if (!machine.state.stopping) await this.step(tick, [createInput(InputKind.stop)], cursor, options);
    while (hasRunnable(machine.state)) await this.step(machine.state.tick + 1, [], undefined, options);
  }

  /**
   * One tick: what the program gave so far and `others` are sealed in the log; execution, record, release. Answers at
   * once where nothing has to be awaited. Answers that are due belong to the tick, which waits for them; where the
   * signal comes before they are there, nothing has happened.
   */
  step(
    tick: number,
    others: readonly Input[],
    cursor: Cursor | undefined,
    options: RunOptions,
  ): void | Promise<void> {
    const due = dueRequests(this.#parts.machine.state, tick);
    if (due.length > 0 && !others.some(({ kind }) => kind === InputKind.stop)) {
      return this.#answered(due, options.signal).then((answers) =>
        answers === undefined ? undefined : this.#execute(tick, [...others, ...answers], cursor, options),
      );
    }
    return this.#execute(tick, others, cursor, options);
  }

  /** Goes on where a record ended: with a tick that was sealed and not told to its end. */
  async goOn(
    sealed: { readonly tick: number; readonly inputs: readonly Input[] } | undefined,
  ): Promise<void> {
    if (sealed !== undefined) await this.#stepSealed(sealed.tick, sealed.inputs);
  }

  /** From here on models are asked, also what is under way. */
  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const { state } = this.#parts.machine;
    this.#parts.inference?.submit(waitingRequests(state), state.requests.models);
  }

  async #answered(
    due: readonly ModelRequest[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Input[] | undefined> {
    const { inference, durable, answerBytesPerTickMax } = this.#parts;
    assert(inference !== undefined, 'a run whose agents may ask has something that answers');
    this.#ask();
    durable.settle();
    const answers = await untilAborted(inference.answers(due, answerBytesPerTickMax), [
      signal,
      durable.failing,
    ]);
    durable.check();
    return answers === undefined ? undefined : answerInputs(due, answers, sha256);
  }

  #execute(
    tick: number,
    others: readonly Input[],
    cursor: Cursor | undefined,
    options: RunOptions,
  ): void | Promise<void> {
    const { machine, hooks, hostInputs } = this.#parts;
    const given = hostInputs.isEmpty ? others : [...hostInputs.take(), ...others];
    const inputs = this.#seal(tick, given, cursor);
    machine.measure = hooks.wantsTurns;
    const startedAtMs = hooks.isEmpty ? 0 : this.#clock.nowMs();
    const executed = machine.step(tick, inputs);
    if (executed instanceof Promise) return executed.then((done) => this.#record(done, startedAtMs, options));
    return this.#record(executed, startedAtMs, options);
  }

  /** A tick that a process before this one had sealed gets the inputs it was sealed with, and quarantines. */
  #stepSealed(tick: number, sealed: readonly Input[]): void | Promise<void> {
    const { machine, recorder, durable, careful } = this.#parts;
    const added = careful?.quarantines(tick, sealed) ?? [];
    if (added.length > 0) {
      recorder.sealed(tick, added, undefined);
      durable.log.flush();
    }
    machine.guard = careful?.isOn === true ? careful.guard(tick, true) : undefined;
    const executed = machine.step(tick, [...sealed, ...added]);
    if (executed instanceof Promise) return executed.then((done) => this.#record(done, 0, {}));
    return this.#record(executed, 0, {});
  }

  /** Closes the list of inputs. Answers it, with what only a recovery adds. */
  #seal(tick: number, given: readonly Input[], cursor: Cursor | undefined): readonly Input[] {
    const { machine, recorder, durable, careful } = this.#parts;
    const moved = this.#movedCursor(cursor);
    const stop = machine.state.stopping ? undefined : this.#stop;
    if (careful === undefined) {
      recorder.sealed(tick, given, moved, { stop });
      return given;
    }
    const inputs = [...given, ...careful.quarantines(tick, given)];
    const { isOn } = careful;
    recorder.sealed(tick, inputs, moved, { always: isOn, stop });
    if (isOn) durable.log.flush();
    machine.guard = isOn ? careful.guard(tick, false) : undefined;
    return inputs;
  }

  #record(executed: ExecutedTick, startedAtMs: number, options: RunOptions): void | Promise<void> {
    const { machine, recorder, durable, hooks, totals, hostInputs, snapshots, inference } = this.#parts;
    const outputs = recorder.committed(executed, machine.state.events);
    if (inference !== undefined) {
      recorder.told(executed.tick, inference.takeEvents());
      for (const facts of inference.takeFacts()) hooks.emitInference({ tick: executed.tick, ...facts });
      const { made, models } = machine.state.requests;
      inference.submit(this.#isAsking ? made : [], models);
    }
    hostInputs.noteTick(machine.state.refusedCalls, machine.state.waitingCalls);
    totals.add(executed);
    const held = durable.committed(outputs);
    if (!hooks.isEmpty) {
      emitTelemetry(
        hooks,
        executed,
        machine.state.events,
        this.#clock.nowMs() - startedAtMs,
        encodeHex(executed.digest),
      );
    }
    const observed = options.onTick?.(totals.progress);
    // A snapshot that failed ends the run before this is waited for.
    if (observed instanceof Promise) observed.catch(() => {});
    const isDue = snapshots.isDue(executed.tick);
    const waits = held !== undefined || observed instanceof Promise;
    if (!waits) return isDue ? snapshots.take(machine) : undefined;
    return Promise.all([held, observed]).then(() => (isDue ? snapshots.take(machine) : undefined));
  }

  /** The cursor, where it has moved since it was last recorded. */
  #movedCursor(cursor: Cursor | undefined): Cursor | undefined {
    if (cursor === undefined) return undefined;
    const key = `${cursor.byte} ${cursor.line} ${cursor.ended}`;
    if (key === this.#lastCursor) return undefined;
    this.#lastCursor = key;
    this.#parts.lines.cursor = cursor;
    return cursor;
  }

  #gather(
    lines: LineInputs | undefined,
    tick: number,
    signal: AbortSignal | undefined,
  ): readonly Input[] | Promise<readonly Input[] | 'aborted'> {
    // A line that waits for its receiver holds its source back.
    if (lines === undefined || this.#parts.machine.state.waitingInputs.length > 0) return [];
    const gathered = lines.gather(tick);
    return gathered instanceof Promise ? this.#whenGathered(gathered, signal) : gathered;
  }

  async #whenGathered(
    gathered: Promise<readonly Input[]>,
    signal: AbortSignal | undefined,
  ): Promise<readonly Input[] | 'aborted'> {
    const { durable } = this.#parts;
    durable.settle();
    const ready = await untilAborted(gathered, [signal, durable.failing]);
    durable.check();
    return ready ?? 'aborted';
  }

  async #waitForInput(lines: LineInputs, signal: AbortSignal | undefined): Promise<void> {
    if (!lines.live) return;
    const { durable } = this.#parts;
    durable.settle();
    await untilAborted(Promise.race(this.#arrivals(lines)), [signal, durable.failing]);
    durable.check();
  }

  /** What may end a wait before its time. A source that holds a line for a later tick has nothing sooner. */
  #arrivals(lines: LineInputs | undefined): Promise<void>[] {
    const arrivals = [this.#parts.hostInputs.arrival()];
    if (lines === undefined || !lines.live || lines.ended || lines.heldTick !== undefined) return arrivals;
    if (!this.#awaitsLine) {
      this.#awaitsLine = true;
      void lines.arrival().then(() => {
        this.#awaitsLine = false;
        this.#wakeByLine?.();
      });
    }
    // One for each wait: what waits for a line may do so as long as the run goes, and would keep all who ever asked it.
    const arrival = new Promise<void>((resolve) => {
      this.#wakeByLine = resolve;
    });
    return [...arrivals, arrival];
  }

  /** The tick whose logical time it is; 0 where ticks follow one another at once. */
  #tickNow({ pace }: RunOptions): number {
    if (pace !== 'wall-clock') return 0;
    const elapsedMs = this.#clock.nowMs() - this.#startedAtMs;
    return this.#startTick + 1 + Math.floor(elapsedMs / this.#parts.tickMs);
  }

  /** Waits for the logical time of a tick. False where the signal or one of `wake` comes before. */
  async #pace(tick: number, options: RunOptions, wake: readonly Promise<void>[]): Promise<boolean> {
    if (options.pace !== 'wall-clock') return true;
    const { durable } = this.#parts;
    const dueMs = this.#startedAtMs + (tick - this.#startTick - 1) * this.#parts.tickMs;
    for (let waitMs = dueMs - this.#clock.nowMs(); waitMs > 0; waitMs = dueMs - this.#clock.nowMs()) {
      durable.settle();
      const early = await sleep(this.#clock, waitMs, [options.signal, durable.failing], wake);
      durable.check();
      if (early) return false;
    }
    return true;
  }

  async #yield(): Promise<void> {
    await this.#clock.yield();
    this.#yieldedAtMs = this.#clock.nowMs();
  }
}
