// The program around a simulated run: it feeds the source, makes its calls after the ticks they belong to, takes
// outputs, and remembers what it was promised.

import { encodeHex } from '../../src/base/encoding.ts';
import {
  EngineError,
  Orchestrator,
  type OutputPlace,
  type OutputRecord,
  type RunSummary,
} from '../../src/engine/index.ts';
import type { LineSource } from '../../src/engine/input/index.ts';
import { LineFile } from '../../src/engine/input/line-file.ts';
import type { ReadHandle } from '../../src/log/index.ts';
import { Chance } from './chance.ts';
import { ProcessDeath, type SimProcess } from './process.ts';
import { type Call, callNumber, type Scenario } from './scenario.ts';

export const runDirectory = 'run';

/** What the outside has seen of a run over all its lives. */
export class Witness {
  /** Digest of each tick. */
  readonly digests: Map<number, string> = new Map();
  /** What each output held, by `tick index`. */
  readonly outputs: Map<string, string> = new Map();
  /** Places of the outputs that were given. */
  readonly given: Set<string> = new Set();
  /** By `epoch tick index`: no two different outputs have the same. */
  readonly identities: Map<string, string> = new Map();
  /** Numbers of calls that were acknowledged, and the tick after which each was made. */
  readonly acknowledged: Map<number, number> = new Map();
  /** How much of the source was acknowledged. */
  acknowledgedByte = 0;
  /** The last tick an output of which was given, and which must be there where the process alone died. */
  outputTick = 0;
  /** The highest epoch that outputs had. */
  epoch = -1;
  /** Outputs of ticks behind what this life found in the record have at least this epoch. */
  epochMin = 0;
  recordedTick = 0;
  /** The last output that was given. */
  last: OutputPlace = { epoch: 0, tick: 0, index: -1 };
  /** Ticks of the snapshots that were said to be kept. */
  readonly snapshots: Set<number> = new Set();
  /** What is wrong; the first counts. */
  readonly violations: string[] = [];

  violate(what: string): void {
    this.violations.push(what);
  }

  tick(tick: number, digest: string): void {
    const before = this.digests.get(tick);
    if (before === undefined) this.digests.set(tick, digest);
    else if (before !== digest) this.violate(`tick ${tick} gave digest ${before} before and ${digest} now`);
  }

  output({ epoch, tick, index, agent, payload }: OutputRecord): void {
    const text = `${agent} ${encodeHex(payload)}`;
    const place = `${tick} ${index}`;
    const before = this.outputs.get(place);
    if (before !== undefined && before !== text) this.violate(`output ${place} was ${before} and is ${text}`);
    this.outputs.set(place, text);
    this.given.add(place);
    const identity = `${epoch} ${place}`;
    const same = this.identities.get(identity) ?? text;
    if (same !== text) this.violate(`two outputs are called ${identity}`);
    this.identities.set(identity, text);
    this.last = { epoch, tick, index };
    if (epoch < this.epochMin && tick > this.recordedTick)
      this.violate(`an output has epoch ${epoch}, and outputs before the recovery had ${epoch}, too`);
    this.outputTick = Math.max(this.outputTick, tick);
    this.epoch = Math.max(this.epoch, epoch);
  }
}

export interface Life {
  readonly process: SimProcess;
  readonly scenario: Scenario;
  readonly witness: Witness;
  /** Whether there is a record to go on with. */
  readonly goesOn: boolean;
  /** The tick after which the run is interrupted. */
  readonly interruptTick: number | undefined;
  /** Called once the run is open and before it goes on. */
  readonly onOpen?: (run: Orchestrator) => void;
}

/** The lines of a file that may come slowly, and are acknowledged. */
function source({ process, scenario, witness }: Life): LineSource {
  const bytes = scenario.lines;
  const open = (): ReadHandle => ({
    size: () => bytes.length,
    read: (into, offset) => {
      process.checkAlive();
      const part = bytes.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
    close: () => {},
  });
  const file = new LineFile('lines', 'lines', undefined, open);
  const { clock } = process;
  const chance = new Chance('source');
  return {
    name: file.name,
    seekable: true,
    get cursor() {
      return file.cursor;
    },
    pull(max) {
      if (!scenario.slowSource || chance.oneIn(3)) return file.pull(max);
      const wait = new Promise<void>((resolve) => clock.after(chance.skewed(200), resolve));
      return wait.then(() => file.pull(max));
    },
    poll: (max) => file.poll(max),
    arrival: () => file.arrival(),
    putBack: (lines) => file.putBack(lines),
    acknowledge({ byte }) {
      process.checkAlive();
      witness.acknowledgedByte = Math.max(witness.acknowledgedByte, byte);
    },
    seek: (cursor) => file.seek(cursor),
    close: () => file.close(),
  };
}

/** Runs a life to its end; answers how the run ended. */
export async function lead(life: Life): Promise<RunSummary> {
  const { process, scenario, witness, goesOn } = life;
  const { workers, system, ticks } = scenario;
  const outputs = {
    write(output: OutputRecord): void {
      process.checkAlive();
      witness.output(output);
    },
  };
  const options = { runDirectory, workers, outputs };
  if (goesOn && scenario.durability === 'none') witness.epochMin = witness.epoch + 1;
  const { snapshotTicks, snapshotsKept, residentAgentsMax, trace, batchTicks, batchMs } = system.host;
  const host = { snapshotTicks, snapshotsKept, residentAgentsMax, trace, batchTicks, batchMs };
  const run = goesOn
    ? await Orchestrator.resume({ ...options, host, outputsAfter: witness.last }, process.ports)
    : await Orchestrator.create({ ...options, system }, process.ports);
  process.checkAlive();
  if (run.tick > 0) witness.tick(run.tick, run.digest);
  if (scenario.observed) run.registerTelemetryHook({ turn: () => {}, tick: () => {}, messages: () => {} });
  life.onOpen?.(run);
  if (scenario.snapshotAtStart && run.tick > 0) witness.snapshots.add(await run.saveSnapshot());
  const controller = new AbortController();
  await makeCalls(life, run);
  return run.run({
    source: source(life),
    pace: scenario.pace,
    ticks: Math.max(ticks, run.tick + 1),
    signal: controller.signal,
    onTick: () => {
      process.checkAlive();
      witness.tick(run.tick, run.digest);
      const made = makeCalls(life, run);
      if (run.tick >= (life.interruptTick ?? Number.POSITIVE_INFINITY)) controller.abort();
      return made;
    },
  });
}

/** The calls that belong after the tick that the run is at; the next one waits for them. */
function makeCalls(life: Life, run: Orchestrator): Promise<void> | undefined {
  const calls = life.scenario.calls.get(run.tick);
  return calls === undefined ? undefined : makeInOrder(life, run, calls);
}

async function makeInOrder(
  { process, witness }: Life,
  run: Orchestrator,
  calls: readonly Call[],
): Promise<void> {
  const { tick } = run;
  const made: number[] = [];
  for (const { number, marked, make } of calls) {
    try {
      const done = make(run);
      if (done !== undefined) await done;
      if (marked) made.push(number);
    } catch (error) {
      // An agent or channel that is not there: refused at once, and not part of the run.
      if (!(error instanceof EngineError) || error.code !== 'input-invalid') throw error;
    }
  }
  const note = (): void => {
    if (!process.dead) for (const number of made) witness.acknowledged.set(number, tick);
  };
  run.acknowledged().then(note, (error: unknown) => {
    if (process.dead || error instanceof ProcessDeath) return;
    // That a call reached nobody is an answer, too; that the run has ended is none.
    if (error instanceof EngineError && error.message.startsWith('Cannot deliver')) note();
  });
}

export { callNumber };
