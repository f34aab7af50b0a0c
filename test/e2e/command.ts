// For tests only: the command as a real process in a folder, waited for. Nothing comes in on its standard input.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function commandIn(folder: string): (...words: string[]) => Ended {
  // Dozens of processes that load the same files.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache'), NO_COLOR: '1' };
  return (...words) => {
    const all = [main, ...words];
    const done = spawnSync(process.execPath, all, { cwd: folder, encoding: 'utf8', env, input: '' });
    return { code: done.status, out: done.stdout, err: done.stderr };
  };
}

/** The object that ends standard output. */
export function lastObject({ out }: Ended): Record<string, unknown> {
  return JSON.parse(out.trimEnd().split('\n').at(-1)!);
}
