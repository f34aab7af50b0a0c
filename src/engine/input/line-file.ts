// Lines of a regular file, read in blocks when they are asked for. Never reads more than one block ahead.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { EngineError } from '../../base/errors.ts';
import { failureText } from '../../base/failure-text.ts';
import type { ReadHandle } from '../../log/index.ts';
import { LineQueue } from './line-queue.ts';
import type { Cursor, LineSource } from './line-source.ts';
import { type Line, LineSplitter, lineBytesMax } from './line-splitter.ts';

const blockBytes = 65_536;

export class LineFile implements LineSource {
  readonly name: string;
  readonly seekable = true;
  readonly #file: ReadHandle;
  readonly #lineBytesMax: number;
  #splitter: LineSplitter;
  #queue = new LineQueue(0, 0);
  #readTo = 0;
  #readAll = false;
  #ended = false;
  #closed = false;

  /**
   * @param open how its bytes are reached
   * @throws EngineError `input-invalid` where the file cannot be opened
   */
  constructor(
    path: string,
    name: string = path,
    bytesMax: number = lineBytesMax,
    open: (path: string) => ReadHandle = openFile,
  ) {
    this.name = name;
    this.#lineBytesMax = bytesMax;
    this.#splitter = new LineSplitter(0, 0, bytesMax);
    try {
      this.#file = open(path);
    } catch (error) {
      throw new EngineError(
        'input-invalid',
        `Cannot open the input ${JSON.stringify(path)}: ${reason(error)}`,
        {
          file: path,
        },
      );
    }
  }

  get cursor(): Cursor {
    return { byte: this.#queue.byte, line: this.#queue.number, ended: this.#ended };
  }

  pull(max: number): readonly Line[] {
    if (this.#ended || this.#closed) return [];
    while (this.#queue.size < max && !this.#readAll) this.#readBlock();
    const lines = this.#queue.take(max);
    if (lines.length < max) {
      this.#ended = true;
      this.#queue.moveToEnd(this.#splitter.offset, this.#splitter.number);
    }
    return lines;
  }

  poll(max: number): readonly Line[] {
    return this.pull(max);
  }

  arrival(): Promise<void> {
    return Promise.resolve();
  }

  putBack(lines: readonly Line[]): void {
    if (lines.length === 0) return;
    this.#queue.putBack(lines);
    this.#ended = false;
  }

  seek(cursor: Cursor): void {
    const size = this.#file.size();
    if (cursor.byte > size) {
      throw new EngineError(
        'input-refused',
        `Cannot go on with the input ${JSON.stringify(this.name)}: it has ${size} bytes, wanted at least ${cursor.byte}`,
        { file: this.name, offset: cursor.byte },
      );
    }
    this.#splitter = new LineSplitter(cursor.byte, cursor.line, this.#lineBytesMax);
    this.#queue = new LineQueue(cursor.byte, cursor.line);
    this.#readTo = cursor.byte;
    this.#ended = cursor.ended;
    this.#readAll = cursor.ended;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  #readBlock(): void {
    // A new block each time: lines are views of it.
    const block = new Uint8Array(blockBytes);
    let count: number;
    try {
      count = this.#file.read(block, this.#readTo);
    } catch (error) {
      throw new EngineError(
        'run-failed',
        `Cannot read the input ${JSON.stringify(this.name)}: ${reason(error)}`,
        {
          file: this.name,
          offset: this.#readTo,
        },
      );
    }
    this.#readTo += count;
    if (count > 0) this.#queue.add(this.#splitter.push(block.subarray(0, count)));
    else {
      this.#readAll = true;
      this.#queue.add(this.#splitter.end());
    }
  }
}

function openFile(path: string): ReadHandle {
  const descriptor = openSync(path, 'r');
  if (fstatSync(descriptor).isDirectory()) {
    closeSync(descriptor);
    throw new Error('it is a folder');
  }
  return {
    size: () => fstatSync(descriptor).size,
    read: (into, offset) => readSync(descriptor, into, 0, into.length, offset),
    close: () => closeSync(descriptor),
  };
}

function reason(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'there is no such file';
  return failureText(error);
}
