// What can be done with a run that has ended, whatever it went through: it needs no repair, its export replays, and a
// fork with nothing changed goes on to the same end.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportRun } from '../../src/engine/export/export-run.ts';
import { Orchestrator, type OutputRecord, planRepair, replayRun } from '../../src/engine/index.ts';
import { storageAt } from '../../src/log/index.ts';
import type { Chance } from './chance.ts';
import { SimDisk } from './disk.ts';
import { runDirectory, type Witness } from './embedder.ts';
import type { Fault } from './faults.ts';
import { live, SimProcess } from './process.ts';
import { plainProcess } from './record.ts';
import type { Scenario } from './scenario.ts';

const forkDirectory = 'fork';

export interface WholeRun {
  readonly disk: SimDisk;
  readonly chance: Chance;
  readonly scenario: Scenario;
  /** What the run without faults gave. */
  readonly reference: Witness;
  readonly lastDigest: string;
  /** Where the record begins and ends. */
  readonly baseTick: number;
  readonly lastTick: number;
}

/** Answers what does not hold; each of the longer tries is made for some of the seeds. */
export async function checkWholeRun(run: WholeRun): Promise<string | undefined> {
  const { chance, disk } = run;
  try {
    if (planRepair(runDirectory, plainProcess(disk.settled()).ports) !== undefined)
      return 'a run that is whole would be repaired';
    if (chance.oneIn(8)) return await checkExport(run);
    if (chance.oneIn(7)) return await checkFork(run);
    return undefined;
  } catch (error) {
    return `what can be done with a whole run fails: ${error instanceof Error ? error.stack : String(error)}`;
  }
}

async function checkExport({
  disk,
  chance,
  scenario,
  lastDigest,
  baseTick,
  lastTick,
}: WholeRun): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-sim-'));
  try {
    const file = join(folder, 'run.tar');
    const options = { snapshots: chance.oneIn(2) };
    exportRun(runDirectory, file, options, plainProcess(disk.settled()).ports);
    const { workers } = scenario;
    const process = new SimProcess({ chance, disk: new SimDisk(), workers, faults: [] });
    const from =
      chance.oneIn(2) || lastTick <= baseTick ? {} : { from: chance.between(baseTick + 1, lastTick) };
    const ports = { ...process.ports, openStorage: storageAt };
    const replayed = await live(process, replayRun(file, { workers, ...from }, ports));
    if (typeof replayed === 'string') return `the replay of an export is ${replayed}`;
    return replayed.digest === lastDigest && replayed.complete
      ? undefined
      : 'an export replays to another end';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Executors may be lost meanwhile, and the fork may be interrupted and go on. */
async function checkFork(run: WholeRun): Promise<string | undefined> {
  const { chance, scenario, reference, lastDigest, baseTick, lastTick } = run;
  if (lastTick - baseTick < 2) return undefined;
  const tick = chance.between(baseTick + 1, lastTick - 1);
  const others = new Map([[forkDirectory, new SimDisk()]]);
  const { workers, logSizes } = scenario;
  const faults: Fault[] = [{ kind: 'loss', life: 0, at: chance.below(lastTick), how: 'before' }];
  const process = new SimProcess({ chance, disk: run.disk.settled(), others, workers, logSizes, faults });
  const seen = new Map<string, string>();
  const outputs = {
    write({ tick: at, index, agent, payload }: OutputRecord): void {
      seen.set(`${at} ${index}`, `${agent} ${Buffer.from(payload).toString('hex')}`);
    },
  };
  const options = { from: runDirectory, tick, runDirectory: forkDirectory, workers, outputs };
  let forked = await live(process, Orchestrator.fork(options, process.ports));
  if (typeof forked === 'string') return `the fork at ${tick} is ${forked}`;
  const began = forked.tick;
  const controller = new AbortController();
  const pauseAt = chance.oneIn(2) ? chance.between(tick, lastTick) : lastTick + 1;
  const { signal } = controller;
  const onTick = ({ ticks }: { readonly ticks: number }): void =>
    void (ticks >= pauseAt && controller.abort());
  let ended = await live(process, forked.run({ recorded: runDirectory, signal, onTick }));
  if (typeof ended !== 'string' && ended.reason === 'interrupted') {
    forked = await live(
      process,
      Orchestrator.resume({ runDirectory: forkDirectory, workers, outputs }, process.ports),
    );
    if (typeof forked === 'string') return `the fork at ${tick} that goes on is ${forked}`;
    ended = await live(process, forked.run({ recorded: runDirectory }));
  }
  if (typeof ended === 'string') return `the run of the fork at ${tick} is ${ended}`;
  if (ended.digest !== lastDigest)
    return `a fork at ${tick} with nothing changed ends in tick ${ended.ticks} with ${ended.digest}`;
  const missing = [...reference.outputs].find(
    ([at, text]) => Number(at.split(' ')[0]) > began && seen.get(at) !== text,
  );
  return missing === undefined
    ? undefined
    : `a fork at ${tick} gave ${seen.get(missing[0])} as output ${missing.join(': ')}`;
}
