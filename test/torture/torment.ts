// One run under torture: real processes, killed as the scenario says, started again as a person would, until it ends.

import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recorded } from '../../src/engine/testing/runs.ts';
import { childrenOf, type Ended, isAlive, kill, type Started, start, until } from '../e2e/supervised.ts';
import type { Kill, Scenario } from './scenario.ts';

/** What came of it. */
export interface Tormented {
  readonly runDirectory: string;
  /** Standard output of each supervisor, whole lines only. */
  readonly said: readonly string[];
  readonly last: Ended;
  /** Kills that hit something. */
  readonly kills: number;
}

/** Lines of input that the record has sealed: each became one input. */
function sealedLines(runDirectory: string): number {
  const inputs = recorded(runDirectory, 'inputs').flatMap((sealed) => sealed.inputs);
  return inputs.filter(({ waits }) => waits).length;
}

function words(scenario: Scenario, runDirectory: string, goesOn: boolean): string[] {
  const { how, system, folder, workers, outputToFile } = scenario;
  const input = how === 'file' ? [join(folder, 'lines.jsonl')] : ['-'];
  return [
    'run',
    ...(goesOn ? [] : [system]),
    ...['--run-dir', runDirectory, '--workers', String(workers), '--json', '--restarts', '1000'],
    // A run that goes on knows its file.
    ...(goesOn && how === 'file' ? [] : ['--input', ...input]),
    ...(how === 'live' ? ['--live'] : []),
    ...(how === 'file' ? ['--pace', 'wall-clock'] : []),
    ...(outputToFile ? ['--output', join(folder, 'outputs.jsonl')] : []),
  ];
}

/** Feeds lines from the first that the record does not have, some now and some later. */
async function feed({ child }: Started, lines: readonly string[], from: number): Promise<void> {
  const stdin = child.stdin!;
  for (let at = from; at < lines.length && !stdin.destroyed; at += 5) {
    stdin.write(
      lines
        .slice(at, at + 5)
        .map((line) => `${line}\n`)
        .join(''),
    );
    await sleep(5);
  }
  stdin.end();
}

/** Grows with the record. */
function sizeOf(runDirectory: string): number {
  const names = existsSync(runDirectory) ? readdirSync(runDirectory) : [];
  const logs = names.filter((name) => name.endsWith('.mcap'));
  return logs.reduce((sum, name) => sum + statSync(join(runDirectory, name)).size, 0);
}

/** Kills as planned until the command ends or its supervisor is dead; answers how many hit. */
async function strike(started: Started, runDirectory: string, kills: Kill[]): Promise<number> {
  let hits = 0;
  let over = false;
  void started.ended.then(() => {
    over = true;
  });
  const supervisor = started.child.pid!;
  while (!over && kills.length > 0) {
    const { atWork, waitMs, target } = kills[0]!;
    const before = sizeOf(runDirectory);
    if (atWork) await until(() => over || sizeOf(runDirectory) !== before);
    await Promise.race([sleep(waitMs), started.ended]);
    if (over) break;
    kills.shift();
    const engines = childrenOf(supervisor);
    if (target !== 'supervisor') for (const pid of engines) if (kill(pid)) hits++;
    if (target === 'engine') continue;
    if (kill(supervisor)) hits++;
    await started.ended;
    // It lets go of the record by itself.
    await until(() => !engines.some(isAlive));
  }
  return hits;
}

export async function torment(scenario: Scenario, environment: Record<string, string>): Promise<Tormented> {
  const runDirectory = join(scenario.folder, 'tortured');
  const kills = [...scenario.kills];
  const said: string[] = [];
  let hits = 0;
  for (;;) {
    const goesOn = existsSync(join(runDirectory, 'run.json'));
    // Whoever was killed before the record began has left nothing that counts.
    if (!goesOn) rmSync(runDirectory, { recursive: true, force: true });
    const from = goesOn && scenario.how !== 'file' ? sealedLines(runDirectory) : 0;
    const started = start(words(scenario, runDirectory, goesOn), { cwd: scenario.folder, environment });
    const fed =
      scenario.how === 'file'
        ? Promise.resolve(started.child.stdin!.end())
        : feed(started, scenario.lines, from);
    hits += await strike(started, runDirectory, kills);
    const last = await started.ended;
    await fed;
    if (last.code === 1 && /nothing of it is recorded yet; begin it again/.test(last.err)) {
      rmSync(runDirectory, { recursive: true });
      continue;
    }
    said.push(last.out.slice(0, last.out.lastIndexOf('\n') + 1));
    if (last.signal !== 'SIGKILL') return { runDirectory, said, last, kills: hits };
  }
}
