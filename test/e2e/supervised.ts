// Commands under a supervisor, as tests start them: real processes, whose engine process can be found and killed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** A command under way. */
export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  readonly said: { out: string; err: string };
}

export interface StartOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Modules that the command's processes load first. */
  readonly preload?: readonly string[];
}

export function start(words: readonly string[], options: StartOptions): Started {
  const { FORCE_COLOR: _, NO_COLOR: __, WASM_ENGINE_DEBUG: ___, ...inherited } = process.env;
  const preload = (options.preload ?? []).flatMap((path) => ['--import', path]);
  const child = spawn(process.execPath, [...preload, main, ...words], {
    cwd: options.cwd,
    env: { ...inherited, ...options.environment },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  child.stdin.on('error', () => {});
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }) as Ended);
  return { child, ended, said };
}

/** The processes that a process has started. */
export function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    if (process.platform === 'linux') return [];
    const listed = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout ?? '';
    const rows = listed.split('\n').map((row) => row.trim().split(/\s+/).map(Number));
    return rows.flatMap(([child, parent]) => (parent === pid && child !== undefined ? [child] : []));
  }
}

/** Waits for something that will be; whoever waits in vain is ended by the test's own time. */
export async function until<T>(look: () => T | undefined | false): Promise<T> {
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    await sleep(5);
  }
}

/** The engine process of a command; `other` than one that died. */
export function engineOf({ child }: Started, other?: number): Promise<number> {
  return until(() => childrenOf(child.pid!).find((pid) => pid !== other));
}

/** Ends a process; false where it is gone already. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

export function isAlive(pid: number): boolean {
  return kill(pid, 0 as never);
}

export function lastObject(text: string): Record<string, unknown> {
  return JSON.parse(text.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
}

/** The lines that are outputs. */
export function outputLines(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('{"epoch":'));
}
