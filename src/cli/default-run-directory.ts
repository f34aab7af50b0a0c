// Where a run goes that was given no folder: `runs/<system>-<n>`, the first number that is free.

import { closeSync, fsyncSync, mkdirSync, openSync, rmdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';

/** The name of a system: its file's, or its folder's where the file is just called system.toml. */
export function systemName(systemFile: string): string {
  const absolute = resolve(systemFile);
  const stem = basename(absolute).replace(/\.toml$/i, '');
  const name = stem === 'system' ? basename(dirname(absolute)) : stem;
  return name.replace(/[^\p{L}\p{M}\p{N}_.-]+/gu, '-').replace(/^[-.]+/, '') || 'system';
}

/** Makes the folder, so that two commands that start at once never share one. */
export function makeRunDirectory(systemFile: string, parent = 'runs'): string {
  const name = systemName(systemFile);
  try {
    // The name of the run's own folder reaches the disk before there is a record in it.
    if (tryMake(parent)) syncFolder(dirname(resolve(parent)));
    for (let number = 1; ; number++) {
      const path = join(parent, `${name}-${number}`);
      if (tryMake(path)) return path;
    }
  } catch (error) {
    throw new EngineError(
      'run-directory-invalid',
      `Cannot make a run directory in "${parent}": ${failureText(error)}`,
      {
        path: parent,
      },
    );
  }
}

/** Takes away a folder that nothing was written to. */
export function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // It holds something, or is gone: both are left as they are.
  }
}

function tryMake(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Makes the names in a folder durable. Windows cannot, and does so by itself. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return;
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
