// What somebody builds on what a life left, on a copy of the disk: a compaction, or a fork. Its process may die, too, and
// then the power goes: the run stands, and so does whatever was said to rest on it.

import { compactRun, EngineError, Orchestrator } from '../../src/engine/index.ts';
import type { Chance } from './chance.ts';
import { SimDisk } from './disk.ts';
import { runDirectory, Witness } from './embedder.ts';
import type { Death, Fault } from './faults.ts';
import { live, SimProcess } from './process.ts';
import { readRecord } from './record.ts';
import { checkRecovery, endOf } from './recovery.ts';
import type { Scenario } from './scenario.ts';

const forkDirectory = 'fork';
const powerLosses = 2;
/** How far a fork goes on behind its parent's record. */
const ticksBehind = 10;

export interface Ground {
  readonly disk: SimDisk;
  readonly chance: Chance;
  readonly scenario: Scenario;
  readonly witness: Witness;
  /** The tick that a recovery must reach at least, also when the power has gone. */
  readonly guaranteed: number;
}

type Upon = Extract<Fault, { kind: 'upon' }>;

export async function checkUpon(fault: Upon, ground: Ground): Promise<void> {
  const { chance, witness, guaranteed } = ground;
  const disk = ground.disk.copy();
  const what = `${fault.what} at ${fault.share} of the ticks, and a loss of power`;
  if (fault.what === 'compact') await compact(fault, { ...ground, disk });
  else if (fault.what === 'fork') await fork(fault, { ...ground, disk }, what);
  else await recover(fault, { ...ground, disk }, what);
  // What is lost is chance, and costs little beside what led there.
  for (let i = 0; i < powerLosses; i++) {
    const copy = disk.copy();
    copy.losePower(chance.of(`power ${i}`));
    await checkRecovery({ disk: copy, path: runDirectory, what, guaranteed, witness, refusals: [] });
  }
}

/** Somebody goes on with the run, and interrupts it at once. */
async function recover({ death }: Upon, ground: Ground, what: string): Promise<void> {
  const { disk, chance, scenario, witness } = ground;
  const process = processOf(disk, chance, scenario, death);
  const options = { runDirectory, workers: 0, outputsAfter: witness.last };
  try {
    await live(
      process,
      Orchestrator.resume(options, process.ports).then((run) => run.close()),
    );
  } catch (error) {
    if (!process.dead && endOf(error) === undefined)
      witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.dead = true;
}

/** Compacts a record up to a share of the ticks, unless the process dies before. */
export async function compact(
  { share, death }: { readonly share: number; readonly death?: Death },
  { disk, chance, scenario, witness }: Omit<Ground, 'guaranteed'>,
): Promise<void> {
  const process = processOf(disk, chance, scenario, death);
  const options = { outputsAfter: witness.last };
  try {
    const tick = Math.floor(scenario.ticks * share);
    await live(process, compactRun(runDirectory, tick, options, process.ports));
  } catch (error) {
    if (process.dead) return;
    // There need not be a snapshot up to there, and the record may still owe outputs.
    const refused = error instanceof EngineError ? error : undefined;
    if (refused?.code === 'input-invalid' || refused?.details.undelivered !== undefined) return;
    witness.violate(
      `the record cannot be compacted: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
  process.dead = true;
}

function processOf(
  disk: SimDisk,
  chance: Chance,
  { logSizes }: Scenario,
  death: Death | undefined,
  others?: ReadonlyMap<string, SimDisk>,
): SimProcess {
  const faults: Fault[] = death === undefined ? [] : [{ kind: 'kill', life: 0, ...death }];
  const more = others === undefined ? {} : { others };
  return new SimProcess({ chance, disk, workers: 0, logSizes, faults, ...more });
}

/** A fork that was answered is there whatever happens, and stays what its parent was. */
async function fork({ share, death }: Upon, ground: Ground, what: string): Promise<void> {
  const { disk, chance, scenario, witness } = ground;
  const { baseTick, digests } = readRecord(disk.settled());
  const last = Math.max(0, ...digests.keys());
  const tick = baseTick + Math.ceil((last - baseTick) * share);
  if (tick < 1) return;
  const own = new SimDisk();
  const process = processOf(disk, chance, scenario, death, new Map([[forkDirectory, own]]));
  const seen = new Witness();
  // Behind its parent's record it is a run of its own.
  for (const [each, digest] of witness.digests) if (each <= last) seen.digests.set(each, digest);
  let forkedAt: number | undefined;
  const run = async (): Promise<void> => {
    const outputs = {
      write(output: Parameters<Witness['output']>[0]): void {
        process.checkAlive();
        seen.output(output);
      },
    };
    const options = { from: runDirectory, tick, runDirectory: forkDirectory, workers: 0, outputs };
    const made = await Orchestrator.fork(options, process.ports);
    forkedAt = made.tick;
    const controller = new AbortController();
    await made.run({
      recorded: runDirectory,
      signal: controller.signal,
      onTick: () => {
        seen.tick(made.tick, made.digest);
        // By itself it may have no end.
        if (made.tick > last + ticksBehind) controller.abort();
      },
    });
  };
  try {
    const ended = await live(process, run());
    if (ended === 'stuck') witness.violate(`${what}: the fork at ${tick} comes to no end`);
  } catch (error) {
    if (!process.dead) witness.violate(`${what}: ${error instanceof Error ? error.stack : String(error)}`);
  }
  process.dead = true;
  own.losePower(chance.of('power of the fork'));
  const given = scenario.durability === 'none' ? 0 : seen.outputTick;
  await checkRecovery({
    disk: own,
    path: forkDirectory,
    what: `${what}: the fork at ${tick}`,
    guaranteed: Math.max(forkedAt ?? 0, given),
    witness: seen,
    ownBehind: last,
    refusals: forkedAt === undefined ? ['run-directory-invalid'] : [],
  });
  witness.violations.push(...seen.violations);
}
