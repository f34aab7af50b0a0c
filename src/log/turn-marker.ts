// A note beside the log of whose turn is being run, so that whoever comes after a process that died there knows. One
// file for the tick under way; it decides nothing, and what a replay needs is never in it.

import { decodeUtf8, encodeUtf8 } from '../base/encoding.ts';
import { AppendFile, onStorage, readWhole } from './files.ts';
import type { Storage } from './storage.ts';

/** A turn: whose, and in which tick. */
export interface MarkedTurn {
  readonly tick: number;
  /** Identity of the agent. */
  readonly origin: number;
  readonly counter: number;
}

const fileName = 'turn-marker';

export class TurnMarker {
  readonly #storage: Storage;
  #file: AppendFile | undefined;
  #tick = 0;
  #sync = false;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** @param sync whether marks reach the disk before the turn, and not only the system that holds the disk */
  begin(tick: number, sync: boolean): void {
    this.#file?.close();
    this.#tick = tick;
    this.#sync = sync;
    this.#file = new AppendFile(this.#storage, fileName, 'create');
    if (sync) onStorage(this.#storage, fileName, 'sync the folder of', () => this.#storage.syncFolder(''));
  }

  /** Before each turn. */
  mark(origin: number, counter: number): void {
    this.#append(`${this.#tick} ${origin} ${counter}\n`);
  }

  /** Every turn of the tick is over. */
  done(): void {
    this.#append('done\n');
  }

  /** The file goes: nobody is to be suspected any more. */
  remove(): void {
    this.#file?.close();
    this.#file = undefined;
    const names = onStorage(this.#storage, '.', 'list', () => this.#storage.list('')) ?? [];
    if (names.includes(fileName))
      onStorage(this.#storage, fileName, 'remove', () => this.#storage.remove(fileName));
  }

  #append(text: string): void {
    this.#file?.write(encodeUtf8(text));
    if (this.#sync) this.#file?.sync();
  }
}

/** The turn that was being run when the process before this one died; undefined where none was. */
export function readTurnMarker(storage: Storage): MarkedTurn | undefined {
  const text = decodeUtf8(readWhole(storage, fileName) ?? new Uint8Array(0)) ?? '';
  // A line that was cut off says nothing, and the turn of the one before it is over.
  const found = /(?:^|\n)(\d{1,16}) (\d{1,10}) (\d{1,10})\n$/.exec(text);
  if (found === null) return undefined;
  const [, tick, origin, counter] = found;
  return { tick: Number(tick), origin: Number(origin), counter: Number(counter) };
}
