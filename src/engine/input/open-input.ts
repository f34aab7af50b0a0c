// What `--input` names: a file, or `-` for standard input. Pipes and devices are streams, whatever their name.

import { constants, createReadStream, openSync, statSync } from 'node:fs';
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
 * Opens an input. A named pipe waits until somebody writes to it.
 * @throws EngineError `input-invalid` where a file cannot be opened.
 */
export function openInput(path: string): LineSource {
  if (path === '-') return new LineStream(process.stdin, 'standard input');
  return isStreamInput(path) ? new LineStream(openInputStream(path), path) : new LineFile(path);
}

/** Whether a path is a pipe or a device: what is read from it cannot be read again. */
export function isStreamInput(path: string): boolean {
  const kind = statSync(path, { throwIfNoEntry: false });
  return kind !== undefined && !kind.isFile() && !kind.isDirectory();
}

/**
 * Opens a pipe or a device.
 * @throws Error of the operating system
 */
export function openInputStream(path: string): Readable {
  if (!statSync(path).isFIFO()) return createReadStream(path);
  // Elsewhere a pipe that is opened so has its end before anybody writes to it: there opening waits for the writer.
  const flags = process.platform === 'linux' ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY;
  // A file stream would read a pipe in a thread of its own, and the process could not end while that waits.
  return new Socket({ fd: openSync(path, flags), readable: true, writable: false });
}
