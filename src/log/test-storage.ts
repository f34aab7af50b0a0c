// A disk in memory for tests: it can write short, fail at the Nth call, and be looked into. Never part of the package.

import type { AppendHandle, Lock, ReadHandle, Storage, UpdateHandle } from './storage.ts';

/** Of all storages: a file may be in several. */
const identities: WeakMap<Uint8Array, string> = new WeakMap();
let identityCount = 0;

function identityOf(file: Uint8Array): string {
  const identity = identities.get(file) ?? `${++identityCount}`;
  identities.set(file, identity);
  return identity;
}

export class MemoryStorage implements Storage {
  readonly place = 'memory';
  readonly files: Map<string, Uint8Array<ArrayBuffer>> = new Map();
  readonly folders: Set<string> = new Set();
  /** Every call that changes something, by name. */
  readonly calls: string[] = [];
  readonly #locks: Set<string> = new Set();
  /** Bytes that one write takes at most. */
  writeBytesMax: number = Number.POSITIVE_INFINITY;
  /** Position in `calls` of the call that fails; it and all later ones throw, or so many. */
  failAt: number = Number.POSITIVE_INFINITY;
  failures: number = Number.POSITIVE_INFINITY;
  /** Calls that read, and the one of them that fails; closing counts as one. */
  readings = 0;
  failReadingAt: number = Number.POSITIVE_INFINITY;
  /** Handles that read and are open. */
  openCount = 0;

  list(folder: string): readonly string[] | undefined {
    if (!this.folders.has(folder)) return undefined;
    const prefix = folder === '' ? '' : `${folder}/`;
    const names = [...this.files.keys(), ...this.folders].filter(
      (name) => name !== '' && name.startsWith(prefix),
    );
    return names
      .map((name) => name.slice(prefix.length))
      .filter((name) => !name.includes('/'))
      .sort();
  }

  makeFolder(folder: string): void {
    this.#call(`makeFolder ${folder}`);
    this.folders.add('').add(folder);
  }

  syncFolder(folder: string): void {
    this.#call(`syncFolder ${folder}`);
  }

  create(name: string): AppendHandle {
    this.#call(`create ${name}`);
    this.files.set(name, new Uint8Array(0));
    return this.#appendHandle(name);
  }

  openAppend(name: string): AppendHandle {
    this.#call(`openAppend ${name}`);
    return this.#appendHandle(name);
  }

  openUpdate(name: string): UpdateHandle {
    this.#call(`openUpdate ${name}`);
    return {
      write: (bytes, offset) => {
        this.#call(`write ${name}`);
        const taken = bytes.subarray(0, this.writeBytesMax);
        this.files.get(name)!.set(taken, offset);
        return taken.length;
      },
      ...this.#syncAndClose(name),
    };
  }

  openRead(name: string): ReadHandle | undefined {
    this.#reading(`openRead ${name}`);
    // What is written at its end later is another file here, and this one stays as it is.
    const file = this.files.get(name);
    if (file === undefined) return undefined;
    this.openCount++;
    let isOpen = true;
    const reading = (what: string): void => {
      if (!isOpen) throw new Error(`${what} ${name}, which is closed`);
      this.#reading(`${what} ${name}`);
    };
    return {
      size: () => {
        reading('size');
        return file.length;
      },
      read: (into, offset) => {
        reading('read');
        const part = file.subarray(offset, offset + into.length);
        into.set(part);
        return part.length;
      },
      identity: () => {
        reading('identity');
        return identityOf(file);
      },
      close: () => {
        if (isOpen) this.openCount--;
        isOpen = false;
        this.#reading(`close ${name}`);
      },
    };
  }

  rename(from: string, to: string): void {
    this.#call(`rename ${from} ${to}`);
    this.files.set(to, this.files.get(from)!);
    this.files.delete(from);
  }

  link(from: Storage, name: string): boolean {
    this.#call(`link ${name}`);
    const bytes = from instanceof MemoryStorage ? from.files.get(name) : undefined;
    if (bytes !== undefined) this.files.set(name, bytes);
    return bytes !== undefined;
  }

  truncate(name: string, size: number): void {
    this.#call(`truncate ${name} ${size}`);
    this.files.set(name, this.files.get(name)!.slice(0, size));
  }

  remove(name: string): void {
    this.#call(`remove ${name}`);
    this.files.delete(name);
  }

  lock(name: string): Lock | undefined {
    this.#call(`lock ${name}`);
    if (this.#locks.has(name)) return undefined;
    this.#locks.add(name);
    if (!this.files.has(name)) this.files.set(name, new Uint8Array(0));
    return { release: () => void this.#locks.delete(name) };
  }

  #reading(what: string): void {
    if (this.readings++ === this.failReadingAt) throw new Error(`the disk cannot ${what}`);
  }

  #appendHandle(name: string): AppendHandle {
    return {
      write: (bytes) => {
        // A write that fails may have left some of its bytes behind.
        if (this.calls.length === this.failAt) this.#put(name, bytes.subarray(0, bytes.length / 2));
        this.#call(`write ${name}`);
        const taken = bytes.subarray(0, this.writeBytesMax);
        this.#put(name, taken);
        return taken.length;
      },
      ...this.#syncAndClose(name),
    };
  }

  #put(name: string, taken: Uint8Array): void {
    const before = this.files.get(name)!;
    const after = new Uint8Array(before.length + taken.length);
    after.set(before);
    after.set(taken, before.length);
    this.files.set(name, after);
  }

  #syncAndClose(name: string): Pick<AppendHandle, 'sync' | 'beginSync' | 'close'> {
    return {
      sync: () => this.#call(`sync ${name}`),
      beginSync: async () => this.#call(`sync ${name}`),
      close: () => this.#call(`close ${name}`),
    };
  }

  #call(what: string): void {
    this.calls.push(what);
    const behind = this.calls.length - 1 - this.failAt;
    if (behind >= 0 && behind < this.failures) throw new Error('no space left on the disk');
  }
}
