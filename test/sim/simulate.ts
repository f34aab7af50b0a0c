// One simulated run from its seed: first without faults, then with them, life after life, until it has ended; and what
// must hold of it. Never asks for anything that the seed does not give.

import { EngineError, replayRun } from '../../src/engine/index.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { openRunDirectory } from '../../src/log/index.ts';
import { Chance } from './chance.ts';
import { checkDamaged } from './damage.ts';
import { SimDisk } from './disk.ts';
import { type Life, lead, runDirectory, Witness } from './embedder.ts';
import { drawCut, drawFaults, drawFlip, type Extent, type Fault, noMarks } from './faults.ts';
import { live, processDeath, rest, SimProcess } from './process.ts';
import { readGoing } from './reader.ts';
import { plainProcess, readRecord, type SimRecord } from './record.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import { checkUpon, compact } from './upon.ts';
import { checkWholeRun } from './whole-run.ts';

export interface Case {
  readonly seed: number;
  readonly ticks: number;
  /** Undefined: those that the seed gives. */
  readonly faults?: readonly Fault[];
}

export interface Outcome {
  /** What must hold and does not; undefined where all holds. */
  readonly violation: string | undefined;
  readonly faults: readonly Fault[];
  readonly lives: number;
  /** What the run without faults does. */
  readonly extent: Extent;
  /** Its last digest. */
  readonly digest: string;
  /** The last calls of the life that went wrong. */
  readonly trail: readonly string[];
}

/** Lives after the last fault; one is enough. */
const livesMore = 3;

export interface Reference {
  readonly witness: Witness;
  readonly extent: Extent;
  readonly lastTick: number;
  readonly lastDigest: string;
}

/** Runs a case. Whatever the simulator itself stumbles over is a violation, too, and so is a failure that nobody met. */
export async function simulate(wanted: Case): Promise<Outcome> {
  const unmet: unknown[] = [];
  const note = (error: unknown): void => {
    // What a dead process was about to do fails, and nobody is there to meet it.
    if (!String(error).includes(processDeath)) unmet.push(error);
  };
  process.on('unhandledRejection', note);
  try {
    const outcome = await simulateOnce(wanted);
    await rest();
    if (unmet.length === 0 || outcome.violation !== undefined) return outcome;
    return { ...outcome, violation: `a failure that nobody met: ${textOf(unmet[0])}` };
  } catch (error) {
    const violation = `the simulation fails: ${textOf(error)}`;
    return { violation, faults: wanted.faults ?? [], lives: 0, extent: nothing, digest: '', trail: [] };
  } finally {
    process.off('unhandledRejection', note);
  }
}

const nothing: Extent = {
  ticks: 0,
  changes: 0,
  marks: noMarks,
  marksBefore: noMarks,
  streams: 0,
  readings: 0,
};

function textOf(error: unknown): string {
  return (error instanceof Error ? error.stack : undefined) ?? String(error);
}

async function simulateOnce(wanted: Case): Promise<Outcome> {
  const chance = new Chance(`seed ${wanted.seed}`);
  const scenario = await drawScenario(chance.of('scenario'), wanted.ticks);
  const reference = await runReference(scenario);
  const faults = wanted.faults ?? drawFaults(chance.of('faults'), reference.extent);
  const run = new FaultyRun(chance, scenario, reference, faults);
  await run.toItsEnd();
  return {
    violation: run.witness.violations[0],
    faults,
    lives: run.lives,
    extent: reference.extent,
    digest: reference.lastDigest,
    trail: run.trail,
  };
}

async function runReference(scenario: Scenario): Promise<Reference> {
  const process = plainProcess(new SimDisk());
  const witness = new Witness();
  const plain = {
    ...scenario,
    workers: 0,
    snapshotAtStart: false,
    slowSource: false,
    pace: 'free',
    observed: false,
  } as const;
  let marksBefore = noMarks;
  const onOpen = (): void => {
    marksBefore = { ...process.marks };
  };
  const life = { process, scenario: plain, witness, goesOn: false, interruptTick: undefined, onOpen };
  const ended = await live(process, lead(life));
  if (typeof ended === 'string' || witness.violations.length > 0)
    throw new Error(`the run without faults is ${String(ended)}: ${witness.violations[0]}`);
  const { changes, marks, clockReadings } = process;
  const extent = {
    ticks: scenario.ticks,
    changes,
    marks,
    marksBefore,
    streams: scenario.ticks,
    readings: clockReadings,
  };
  return { witness, extent, lastTick: ended.ticks, lastDigest: ended.digest };
}

class FaultyRun {
  readonly witness: Witness = new Witness();
  readonly #chance: Chance;
  readonly #scenario: Scenario;
  readonly #reference: Reference;
  readonly #faults: readonly Fault[];
  #disk: SimDisk = new SimDisk();
  /** Whether `create` has answered once: from then on there is a record. */
  #begun = false;
  lives = 0;
  trail: readonly string[] = [];

  constructor(chance: Chance, scenario: Scenario, reference: Reference, faults: readonly Fault[]) {
    this.#chance = chance;
    this.#scenario = scenario;
    this.#reference = reference;
    this.#faults = faults;
    for (const [tick, digest] of reference.witness.digests) this.witness.digests.set(tick, digest);
    for (const [place, text] of reference.witness.outputs) this.witness.outputs.set(place, text);
  }

  async toItsEnd(): Promise<void> {
    const { witness } = this;
    const last = Math.max(-1, ...this.#faults.map(({ life }) => life)) + livesMore;
    for (let ended = false; !ended; this.lives++) {
      if (this.lives > last) witness.violate(`the run has not ended after ${this.lives} lives`);
      if (witness.violations.length > 0) return;
      ended = await this.#live(this.lives);
    }
    if (witness.violations.length === 0) await this.#checkEnd();
  }

  /** Answers whether the run has ended for good. */
  async #live(life: number): Promise<boolean> {
    const faults = this.#faults.filter((fault) => fault.life === life);
    const { workers, logSizes, journalEntriesMax } = this.#scenario;
    const chance = this.#chance.of(`life ${life}`);
    const disk = this.#disk;
    const look = (): void => {
      if (this.#begun) readGoing(disk, this.witness);
    };
    const options = { chance, disk, workers, logSizes, journalEntriesMax, faults, look };
    const process = new SimProcess(options);
    let ended: boolean;
    try {
      ended = await this.#lead(process, faults);
    } catch (error) {
      ended = this.#judge(error, process);
    }
    // Whatever of it is still on its way comes to nothing.
    process.dead = true;
    this.trail = process.trail;
    if (this.#begun) await this.#buildUpon(faults, chance);
    if (faults.some(({ kind }) => kind === 'power')) {
      this.#disk.losePower(chance.of('power'));
      // Nothing was synced: outputs that left may be gone, and come again in another epoch.
      if (this.#scenario.durability === 'none') this.witness.outputTick = 0;
    }
    if (this.#begun && this.witness.violations.length === 0) {
      const { witness } = this;
      const guaranteed = this.#guaranteedTick;
      await checkDamaged({ disk: this.#disk, faults, guaranteed, witness, chance: chance.of('damage') });
    }
    return ended;
  }

  /** What others do with the record between two lives. */
  async #buildUpon(faults: readonly Fault[], chance: Chance): Promise<void> {
    const { witness } = this;
    const ground = { disk: this.#disk, scenario: this.#scenario, witness, guaranteed: this.#guaranteedTick };
    for (const fault of faults) {
      if (witness.violations.length > 0) return;
      if (fault.kind === 'upon') await checkUpon(fault, { ...ground, chance: chance.of('upon') });
      else if (fault.kind === 'compact') await compact(fault, { ...ground, chance: chance.of('compact') });
    }
  }

  async #lead(process: SimProcess, faults: readonly Fault[]): Promise<boolean> {
    const { witness } = this;
    const interrupt = faults.find((fault) => fault.kind === 'interrupt');
    const onOpen: Life['onOpen'] = (run) => {
      this.#begun = true;
      this.#checkRecovered(run.tick);
    };
    const goesOn = this.#begun || this.#disk.folders.size > 0;
    if (this.#begun && this.#scenario.durability === 'none') {
      const found = this.#read(this.#disk.settled());
      witness.recordedTick = Math.max(0, ...(found?.digests.keys() ?? []));
    }
    const life = {
      process,
      scenario: this.#scenario,
      witness,
      goesOn,
      interruptTick: interrupt?.tick,
      onOpen,
    };
    const summary = await live(process, lead(life));
    if (summary === 'dead') return false;
    if (summary === 'stuck') {
      witness.violate('nothing happens any more, and the run has not ended');
      return false;
    }
    return summary.reason !== 'interrupted';
  }

  /** The tick that is there whatever comes. */
  get #guaranteedTick(): number {
    return this.#scenario.durability === 'none' ? 0 : this.witness.outputTick;
  }

  /** A life has failed: only its faults may be why. Answers whether the run had ended before. */
  #judge(error: unknown, process: SimProcess): boolean {
    if (process.dead) return false;
    const code = error instanceof EngineError ? error.code : undefined;
    // The engine gives up an executor that is lost three times with one stream.
    const died = process.losses >= 3 || process.modelDeaths >= 3;
    if (code === 'host-fault' && (process.refusals > 0 || died)) return false;
    // A model that ends the process that tries it, twice, is taken for a bad one.
    if (code === 'model-refused' && process.modelDeaths >= 2) return false;
    if (!this.#begun && code === 'run-directory-invalid') {
      // What a dead process left before there was a record: whoever made the folder removes it.
      this.#disk = new SimDisk();
      return false;
    }
    if (code === 'run-directory-invalid' && /it has ended/.test(String(error))) {
      return true;
    }
    const stack = error instanceof Error ? error.stack : String(error);
    this.witness.violate(`the life failed for no fault of the host: ${code ?? ''} ${stack}`);
    return false;
  }

  /** What was promised before must be there after a recovery. */
  #checkRecovered(tick: number): void {
    const { witness } = this;
    const { outputTick } = witness;
    if (tick < outputTick)
      witness.violate(`outputs of tick ${outputTick} were given, and the recovered run is at tick ${tick}`);
    if (this.#scenario.durability === 'none') return;
    this.#checkSnapshots();
    const record = this.#read(this.#disk.settled());
    if (record === undefined) return;
    const { acknowledgedByte } = witness;
    if (acknowledgedByte > record.cursorByte)
      witness.violate(
        `${acknowledgedByte} bytes of lines were acknowledged, and the record has ${record.cursorByte}`,
      );
    const recorded = new Set(record.calls);
    for (const [number, madeAfter] of witness.acknowledged) {
      if (madeAfter >= record.baseTick && !recorded.has(number))
        witness.violate(`call ${number} was acknowledged, and is not in the record`);
    }
  }

  /** A snapshot that was said to be kept can be read. */
  #checkSnapshots(): void {
    const process = plainProcess(this.#disk.settled());
    const directory = openRunDirectory(runDirectory, process.ports.openStorage(runDirectory));
    const store = new SnapshotStore(directory, process.ports);
    const { baseTick = 0 } = directory.manifest;
    // Where only some are kept, those go that others make needless.
    const wanted = this.#scenario.system.host.snapshotsKept === 0 ? [...this.witness.snapshots] : [];
    for (const tick of wanted.filter((each) => each >= baseTick)) {
      try {
        store.read(tick);
      } catch (error) {
        this.witness.violate(`the snapshot of tick ${tick} was kept, and cannot be read: ${String(error)}`);
      }
    }
  }

  #read(disk: SimDisk): SimRecord | undefined {
    try {
      return readRecord(disk);
    } catch (error) {
      this.witness.violate(`the record cannot be read: ${String(error)}`);
      return undefined;
    }
  }

  async #checkEnd(): Promise<void> {
    const { witness } = this;
    const record = this.#read(this.#disk);
    if (record === undefined) return;
    const { baseTick } = record;
    const digests = new Map([...this.#reference.witness.digests].filter(([tick]) => tick > baseTick));
    const wrong = [...digests].find(([tick, digest]) => record.digests.get(tick) !== digest);
    if (wrong !== undefined || record.digests.size !== digests.size)
      witness.violate(`the record is not that of the run without faults, from tick ${wrong?.[0]} on`);
    const missing = [...this.#reference.witness.given].find((place) => !witness.given.has(place));
    if (missing !== undefined) witness.violate(`output ${missing} was never given`);
    if (!['ticks', 'quiescence'].includes(record.ended ?? ''))
      witness.violate(`the record ends with "${record.ended}"`);
    if (new Set(record.calls).size !== record.calls.length) witness.violate('a call is in the record twice');
    await this.#checkDamagedEnd();
    await this.#checkReplay(baseTick);
    const wrongAfter = await checkWholeRun({
      disk: this.#disk,
      chance: this.#chance.of('whole run'),
      scenario: this.#scenario,
      reference: this.#reference.witness,
      lastDigest: this.#reference.lastDigest,
      baseTick,
      lastTick: this.#reference.lastTick,
    });
    if (wrongAfter !== undefined) witness.violate(wrongAfter);
  }

  /** A run that has ended, which somebody was told, has ended or is damaged; it is not cut short without a word. */
  async #checkDamagedEnd(): Promise<void> {
    const chance = this.#chance.of('damage in the end');
    const isSure = this.#scenario.durability !== 'none';
    await checkDamaged({
      disk: this.#disk,
      faults: [drawFlip(chance, 0), drawCut(chance, 0)],
      guaranteed: isSure ? this.#reference.lastTick : 0,
      witness: this.witness,
      chance,
      hasEnded: isSure,
    });
  }

  async #checkReplay(baseTick: number): Promise<void> {
    const chance = this.#chance.of('replay');
    const { workers, ticks, journalEntriesMax } = this.#scenario;
    const disk = this.#disk.settled();
    const faults: Fault[] = [{ kind: 'loss', life: 0, at: chance.below(ticks), how: 'after' }];
    const process = new SimProcess({ chance, disk, workers, journalEntriesMax, faults });
    const last = Math.min(ticks, this.#reference.lastTick);
    // Without it, the replay begins where the record does.
    const from = chance.oneIn(2) || last <= baseTick ? undefined : chance.between(baseTick + 1, last);
    try {
      const replayed = await live(
        process,
        replayRun(runDirectory, { workers, ...(from === undefined ? {} : { from }) }, process.ports),
      );
      if (typeof replayed === 'string') this.witness.violate(`the replay is ${replayed}`);
      else if (replayed.digest !== this.#reference.lastDigest || !replayed.complete)
        this.witness.violate(`the replay ends with ${replayed.digest}, complete: ${replayed.complete}`);
    } catch (error) {
      this.witness.violate(`the replay fails: ${String(error)}`);
    }
  }
}
