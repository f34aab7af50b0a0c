// Packs of pages that are open to be read. A file that is open stays what it is, whatever its name is given to.

import type { EngineError } from '../../base/errors.ts';
import { openFile } from '../../log/files.ts';
import type { ReadHandle, Storage } from '../../log/index.ts';

export class OpenPacks {
  readonly #storage: Storage;
  readonly #nameOf: (pack: number) => string;
  readonly #missing: (file: string) => EngineError;
  readonly #openMax: number;
  readonly #open: Map<number, ReadHandle> = new Map();

  /**
   * @param missing makes the error of a file that is not there
   * @param openMax so many stay open, those that were asked for first; of the others the last one
   */
  constructor(
    storage: Storage,
    nameOf: (pack: number) => string,
    missing: (file: string) => EngineError,
    openMax: number,
  ) {
    this.#storage = storage;
    this.#nameOf = nameOf;
    this.#missing = missing;
    this.#openMax = openMax;
  }

  nameOf(pack: number): string {
    return this.#nameOf(pack);
  }

  has(pack: number): boolean {
    return this.#open.has(pack);
  }

  /** @throws EngineError what `missing` makes */
  get(pack: number): ReadHandle {
    const open = this.#open.get(pack);
    if (open !== undefined) return open;
    if (this.#open.size > this.#openMax) this.#close([...this.#open.keys()].at(-1)!);
    const name = this.#nameOf(pack);
    const handle = openFile(this.#storage, name);
    if (handle === undefined) throw this.#missing(name);
    this.#open.set(pack, handle);
    return handle;
  }

  close(): void {
    for (const pack of [...this.#open.keys()]) this.#close(pack);
  }

  /** What was read was checked: a file that does not close changes nothing of that. */
  #close(pack: number): void {
    try {
      this.#open.get(pack)?.close();
    } catch {
      // As it was said.
    }
    this.#open.delete(pack);
  }
}
