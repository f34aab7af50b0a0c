// Writes a pack of pages as they come, whole or not at all: under another name, synced while the run goes on, then
// renamed.

import { AppendFile, onStorage } from '../../log/files.ts';
import type { Storage } from '../../log/index.ts';

/** A sync begins whenever so much was written: the disk works while the rest is hashed and compressed. */
const syncBytes = 16 * 1024 * 1024;

export class PackWriter {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #path: string;
  readonly #syncBytes: number;
  #file: AppendFile | undefined;
  #size = 0;
  #syncedSize = 0;
  #syncing: Promise<void> | undefined;

  constructor(storage: Storage, folder: string, name: string, bytesPerSync: number = syncBytes) {
    this.#storage = storage;
    this.#folder = folder;
    this.#path = `${folder}/${name}`;
    this.#syncBytes = bytesPerSync;
  }

  /** Appends bytes; answers where they begin. */
  append(bytes: Uint8Array): number {
    this.#file ??= new AppendFile(this.#storage, `${this.#path}.tmp`, 'create');
    this.#file.write(bytes);
    const offset = this.#size;
    this.#size += bytes.length;
    if (this.#size - this.#syncedSize >= this.#syncBytes && this.#syncing === undefined) this.#beginSync();
    return offset;
  }

  #beginSync(): void {
    this.#syncedSize = this.#size;
    const syncing = this.#file!.beginSync().then(() => {
      this.#syncing = undefined;
    });
    // A failure stays, and whoever finishes meets it.
    syncing.catch(() => {});
    this.#syncing = syncing;
  }

  /** Makes the pack durable under its name. Without a byte there is none. */
  async finish(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    await this.#syncing;
    await file.beginSync();
    file.close();
    this.#file = undefined;
    const path = this.#path;
    onStorage(this.#storage, path, 'rename to', () => this.#storage.rename(`${path}.tmp`, path));
    onStorage(this.#storage, path, 'sync the folder of', () => this.#storage.syncFolder(this.#folder));
  }

  /** After a failure. */
  abandon(): void {
    const file = this.#file;
    if (this.#syncing === undefined) file?.abandon();
    else this.#syncing.catch(() => {}).finally(() => file?.abandon());
  }
}
