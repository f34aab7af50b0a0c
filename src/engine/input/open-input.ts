// What `--input` names: a file, or `-` for standard input. Pipes and devices are streams, whatever their name.

import { createReadStream, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { LineFile } from './line-file.ts';
import { type Cursor, type LineSource, startOfSource } from './line-source.ts';
import { LineStream } from './line-stream.ts';

/** Lines of a stream whose first byte stands at `from` of the whole source. */
export function openLineStream(stream: Readable, name: string, from: Cursor = startOfSource): LineSource {
  return new LineStream(stream, name, undefined, from);
}

/**
 * Opens an input. A named pipe waits here until somebody writes to it.
 * @throws EngineError `input-invalid` where a file cannot be opened.
 */
export function openInput(path: string): LineSource {
  if (path === '-') return new LineStream(process.stdin, 'standard input');
  const kind = statSync(path, { throwIfNoEntry: false });
  // A file stream would read a pipe in a thread of its own, and the process could not end while that waits.
  if (kind?.isFIFO() === true) {
    return new LineStream(new Socket({ fd: openSync(path, 'r'), readable: true, writable: false }), path);
  }
  if (kind !== undefined && !kind.isFile() && !kind.isDirectory())
    return new LineStream(createReadStream(path), path);
  return new LineFile(path);
}
