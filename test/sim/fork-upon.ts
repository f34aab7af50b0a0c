// A fork of what a life left, whose process may die or find the disk full; then the power goes. A fork that was answered
// is there whatever happens, and is what its parent was; damage of what it begins from is refused.

import { EngineError, Orchestrator } from '../../src/engine/index.ts';
import { damageSnapshots } from './damage.ts';
import { SimDisk } from './disk.ts';
import { runDirectory, Witness } from './embedder.ts';
import type { Fault, Work } from './faults.ts';
import { live, type SimProcess } from './process.ts';
import { readRecord } from './record.ts';
import { checkRecovery } from './recovery.ts';
import { type Ground, hasFailed, workProcess } from './work.ts';

const forkDirectory = 'fork';
/** How far a fork goes on behind its parent's record: by itself it may have no end. */
const ticksBehind = 10;

export async function forkUpon({ share, faults }: Work, ground: Ground, what: string): Promise<void> {
  const { baseTick, digests } = readRecord(ground.disk.settled());
  const last = Math.max(baseTick, ...digests.keys());
  const tick = baseTick + Math.ceil((last - baseTick) * share);
  if (tick < 1) return;
  await new ForkUpon(ground, `${what}: the fork at ${tick}`, tick, last).check(faults);
}

class ForkUpon {
  readonly #ground: Ground;
  readonly #what: string;
  readonly #tick: number;
  /** The last tick of the parent's record; behind it the fork is a run of its own. */
  readonly #last: number;
  readonly #own = new SimDisk();
  readonly #seen = new Witness();
  /** Where it began, once it was answered. */
  #forkedAt: number | undefined;

  constructor(ground: Ground, what: string, tick: number, last: number) {
    this.#ground = ground;
    this.#what = what;
    this.#tick = tick;
    this.#last = last;
    for (const [each, digest] of ground.witness.digests)
      if (each <= last) this.#seen.digests.set(each, digest);
  }

  async check(faults: readonly Fault[]): Promise<void> {
    const { chance, scenario, witness } = this.#ground;
    await this.#try(faults);
    // What an attempt left is in nobody's way.
    if (this.#forkedAt === undefined && chance.oneIn(2)) await this.#try([]);
    this.#own.losePower(chance.of('power of the fork'));
    const given = scenario.durability === 'none' ? 0 : this.#seen.outputTick;
    const recovery = {
      path: forkDirectory,
      guaranteed: Math.max(this.#forkedAt ?? 0, given),
      witness: this.#seen,
      ownBehind: this.#last,
    };
    const hurt = this.#own.settled();
    await checkRecovery({
      ...recovery,
      disk: this.#own,
      what: this.#what,
      refusals: this.#forkedAt === undefined ? ['run-directory-invalid'] : [],
    });
    const damage = damageSnapshots(hurt, chance);
    if (damage !== undefined && this.#forkedAt !== undefined) {
      const refusals = ['record-damaged', 'run-directory-invalid'];
      await checkRecovery({ ...recovery, disk: hurt, what: `${this.#what}: ${damage}`, refusals });
    }
    witness.violations.push(...this.#seen.violations);
  }

  /** Forks, and goes on with what the parent's record has. */
  async #try(faults: readonly Fault[]): Promise<void> {
    const { witness } = this.#ground;
    const process = workProcess(this.#ground, faults, new Map([[forkDirectory, this.#own]]));
    const outputs = {
      write: (output: Parameters<Witness['output']>[0]): void => {
        process.checkAlive();
        this.#seen.output(output);
      },
    };
    const options = {
      from: runDirectory,
      tick: this.#tick,
      runDirectory: forkDirectory,
      workers: 0,
      outputs,
    };
    const run = async (): Promise<void> => {
      const made = await Orchestrator.fork(options, process.ports);
      this.#forkedAt = made.tick;
      const controller = new AbortController();
      await made.run({
        recorded: runDirectory,
        signal: controller.signal,
        onTick: () => {
          this.#seen.tick(made.tick, made.digest);
          if (made.tick > this.#last + ticksBehind) controller.abort();
        },
      });
    };
    try {
      const ended = await live(process, run());
      if (ended === 'stuck') witness.violate(`${this.#what} comes to no end`);
    } catch (error) {
      if (!hasFailed(error, process) && !this.#isNoPlace(error, process))
        witness.violate(`${this.#what}: ${error instanceof Error ? error.stack : String(error)}`);
    }
    process.dead = true;
  }

  /** No folder can be made there, or an attempt that nobody was told of has come to its end. */
  #isNoPlace(error: unknown, process: SimProcess): boolean {
    if (!(error instanceof EngineError) || error.code !== 'run-directory-invalid') return false;
    return process.refusals > 0 || this.#own.find('run.json') !== undefined;
  }
}
