// Whole files and appended files over a Storage: short writes go on, and a failure stops for good and is never retried.

import { assert, EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';
import type { AppendHandle, ReadHandle, Storage } from './storage.ts';

/** Runs one operation of the storage; what it throws becomes `host-fault` with the file and the operation. */
export function onStorage<T>(storage: Storage, file: string, operation: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof EngineError) throw error;
    throw new EngineError(
      'host-fault',
      `Cannot ${operation} "${file}" in "${storage.place}": ${failureText(error)}`,
      { file, operation, place: storage.place },
      error,
    );
  }
}

/** A file that only grows. After a failure every call throws that failure again and touches nothing. */
export class AppendFile {
  readonly name: string;
  readonly #storage: Storage;
  readonly #handle: AppendHandle;
  #failure: unknown;
  #syncsAside = 0;
  #closing = false;

  constructor(storage: Storage, name: string, how: 'create' | 'openAppend') {
    this.name = name;
    this.#storage = storage;
    this.#handle = onStorage(storage, name, how === 'create' ? 'create' : 'open', () => storage[how](name));
  }

  /** Writes all the bytes. */
  write(bytes: Uint8Array): void {
    this.#attempt('write', () => {
      let done = 0;
      while (done < bytes.length) {
        const size = this.#handle.write(done === 0 ? bytes : bytes.subarray(done));
        if (size <= 0) throw new Error('the storage took no byte');
        assert(size <= bytes.length - done, 'a storage takes what it is given at most');
        done += size;
      }
    });
  }

  sync(): void {
    this.#attempt('sync', () => this.#handle.sync());
  }

  /** Syncs what was written until now; the thread goes on while the disk works. */
  async beginSync(): Promise<void> {
    this.#attempt('sync', () => {});
    this.#syncsAside++;
    let failed: { readonly error: unknown } | undefined;
    try {
      await this.#handle.beginSync();
    } catch (error) {
      failed = { error };
    }
    this.#syncsAside--;
    if (failed !== undefined) {
      if (this.#closing && this.#syncsAside === 0) this.abandon();
      this.#attempt('sync', () => {
        throw failed.error;
      });
    }
    if (this.#closing && this.#syncsAside === 0) this.#attempt('close', () => this.#handle.close());
  }

  /** A file that is being synced aside stays open until that is done. */
  close(): void {
    if (this.#syncsAside > 0) this.#closing = true;
    else this.#attempt('close', () => this.#handle.close());
  }

  /** Closes after a failure, as well as that goes. */
  abandon(): void {
    try {
      this.#handle.close();
    } catch {
      // The first failure is the one that counts.
    }
  }

  #attempt(operation: string, run: () => void): void {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      onStorage(this.#storage, this.name, operation, run);
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }
}

/** Writes a file whole or not at all: under another name first, synced, then renamed; durable when this answers. */
export function writeWhole(storage: Storage, folder: string, name: string, bytes: Uint8Array): void {
  writeUnnamed(storage, folder, name, bytes);
  onStorage(storage, name, 'sync the folder of', () => storage.syncFolder(folder));
}

/** As `writeWhole`, but that its name is durable only when the folder is synced. */
export function writeUnnamed(storage: Storage, folder: string, name: string, bytes: Uint8Array): void {
  const path = folder === '' ? name : `${folder}/${name}`;
  const file = new AppendFile(storage, `${path}.tmp`, 'create');
  try {
    file.write(bytes);
    file.sync();
  } catch (error) {
    file.abandon();
    throw error;
  }
  file.close();
  onStorage(storage, path, 'rename to', () => storage.rename(`${path}.tmp`, path));
}

/** Opens a file whose reading fails as `host-fault`; undefined where there is none. */
export function openFile(storage: Storage, name: string): ReadHandle | undefined {
  const handle = onStorage(storage, name, 'open', () => storage.openRead(name));
  if (handle === undefined) return undefined;
  return {
    size: () => onStorage(storage, name, 'read', () => handle.size()),
    read: (into, offset) => onStorage(storage, name, 'read', () => handle.read(into, offset)),
    identity: () => onStorage(storage, name, 'read', () => handle.identity?.()),
    close: () => onStorage(storage, name, 'close', () => handle.close()),
  };
}

/** All bytes of a file; undefined where there is none. */
export function readWhole(storage: Storage, name: string): Uint8Array<ArrayBuffer> | undefined {
  const handle = openFile(storage, name);
  if (handle === undefined) return undefined;
  try {
    return readRange(handle, 0, handle.size());
  } finally {
    handle.close();
  }
}

/** Bytes from `offset`; fewer than `size` where the file ends. */
export function readRange(handle: ReadHandle, offset: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  return bytes.subarray(0, readInto(handle, offset, bytes));
}

/** Fills `into` from `offset`; answers how many bytes, fewer than its size where the file ends. */
export function readInto(handle: ReadHandle, offset: number, into: Uint8Array): number {
  let done = 0;
  while (done < into.length) {
    const got = handle.read(into.subarray(done), offset + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}
