// What `--input` names: a file, or `-` for standard input. Pipes and devices are streams, whatever their name.

import { createReadStream, statSync } from 'node:fs';
import { LineFile } from './line-file.ts';
import type { LineSource } from './line-source.ts';
import { LineStream } from './line-stream.ts';

/** @throws EngineError `input-invalid` where a file cannot be opened. */
export function openInput(path: string): LineSource {
  if (path === '-') return new LineStream(process.stdin, 'standard input');
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind !== undefined && !kind.isFile() && !kind.isDirectory())
    return new LineStream(createReadStream(path), path);
  return new LineFile(path);
}
