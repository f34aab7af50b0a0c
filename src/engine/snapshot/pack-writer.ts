// Writes a pack of pages as they come, whole or not at all: under another name, synced while the run goes on, then
// renamed.

import { AppendFile, onStorage } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';

export class PackWriter {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #path: string;
  #file: AppendFile | undefined;
  #size = 0;

  constructor(storage: Storage, folder: string, name: string) {
    this.#storage = storage;
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
  }

  /** Appends bytes; answers where they begin. */
  append(bytes: Uint8Array): number {
    this.#file ??= new AppendFile(this.#storage, `${this.#path}.tmp`, 'create');
    this.#file.write(bytes);
    const offset = this.#size;
    this.#size += bytes.length;
    return offset;
  }

  /** Makes the pack durable under its name. Without a byte there is none. */
  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    await file.beginSync();
    file.close();
    this.#file = undefined;
    const path = this.#path;
    onStorage(this.#storage, path, 'rename to', () => this.#storage.rename(`${path}.tmp`, path));
    onStorage(this.#storage, path, 'sync the folder of', () => this.#storage.syncFolder(this.#folder));
  }

  /** After a failure. */
  abandon(): void {
    this.#file?.abandon();
  }
}
