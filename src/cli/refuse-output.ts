// Where outputs must not go: into what the command reads, or into a record. A file that is named by mistake keeps what
// it holds.

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../base/errors.ts';

/** How deep files lie in a run directory: in it, and in its folders. */
const recordDepth = 2;

/**
 * @param output where outputs are to go; undefined: to standard output
 * @param read paths of what the command reads; those that are not there are told by whoever reads them
 * @throws EngineError `usage` where the output file is one of them, or lies in a run directory
 */
export function refuseOutput(output: string | undefined, read: readonly (string | undefined)[]): void {
  if (output === undefined) return;
  const refuse = (why: string): never => {
    throw new EngineError('usage', `Cannot write outputs to "${output}": ${why}`, { file: output });
  };
  for (const path of read) {
    if (path !== undefined && isSameFile(path, output)) refuse(`the run reads "${path}", which is that file`);
  }
  let folder = dirname(realOf(output));
  for (let depth = 0; depth < recordDepth; depth++, folder = dirname(folder)) {
    if (isRunDirectory(folder)) refuse(`that lies in a run directory, "${basename(folder)}"`);
  }
}

function isSameFile(first: string, second: string): boolean {
  const [a, b] = [first, second].map((path) => statSync(path, { bigint: true, throwIfNoEntry: false }));
  return a?.isFile() === true && b?.isFile() === true && a.dev === b.dev && a.ino === b.ino;
}

/** Whatever else has a file `run.json`, it has not all of these. */
function isRunDirectory(folder: string): boolean {
  return ['run.json', 'config.json', 'lock'].every((name) => existsSync(join(folder, name)));
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return existsSync(dirname(path)) ? join(realpathSync(dirname(path)), basename(path)) : resolve(path);
  }
}
