// What a run directory asks of a disk. An interface, so that a simulator can run the record over a disk that fails.

/** A folder and what it holds; names are relative to it, with `/` between folder and file. */
export interface Storage {
  /** How people call the folder: its path. */
  readonly place: string;
  /** The storage that holds the files, where this one only shows some of them under other names. */
  readonly inner?: Storage;
  /** Names in a folder (`''` for the one itself), sorted; undefined where it is not there. */
  list(folder: string): readonly string[] | undefined;
  /** Makes a folder and those above it; one that is there already is left as it is. Its name is durable then. */
  makeFolder(folder: string): void;
  /** Makes what was created, renamed or removed in a folder durable. */
  syncFolder(folder: string): void;
  /** A new, empty file; one of that name is emptied. */
  create(name: string): AppendHandle;
  /** An existing file, to write at its end. */
  openAppend(name: string): AppendHandle;
  /** An existing file, to overwrite parts of it in place. */
  openUpdate(name: string): UpdateHandle;
  /** Undefined where there is no such file. */
  openRead(name: string): ReadHandle | undefined;
  rename(from: string, to: string): void;
  /**
   * Gives a file of another storage (one without `inner`) the same name here. The two are one file then, so nobody may
   * ever write to it again, and what it holds is durable. False where that cannot be, and it has to be copied.
   */
  link(from: Storage, name: string): boolean;
  /** Cuts a file to its first `size` bytes. */
  truncate(name: string, size: number): void;
  remove(name: string): void;
  /**
   * Keeps everybody else from locking the same file, in this process and in others, until it is released or the process
   * is gone, however it went. The file is made where it is missing. Undefined where somebody holds it.
   */
  lock(name: string): Lock | undefined;
}

export interface Lock {
  release(): void;
}

export interface AppendHandle {
  /** Writes a beginning of the bytes, at least one; answers how many. */
  write(bytes: Uint8Array): number;
  /** Makes what was written durable. */
  sync(): void;
  /** The same for what was written until now, while the caller's thread goes on. The handle stays open meanwhile. */
  beginSync(): Promise<void>;
  close(): void;
}

export interface UpdateHandle {
  /** Overwrites a beginning of the bytes at an offset, at least one; answers how many. */
  write(bytes: Uint8Array, offset: number): number;
  sync(): void;
  /** As that of `AppendHandle`. */
  beginSync(): Promise<void>;
  close(): void;
}

export interface ReadHandle {
  size(): number;
  /** Fills a beginning of `into` from `offset` of the file; answers how many bytes, 0 at the end. */
  read(into: Uint8Array, offset: number): number;
  /**
   * What the system calls the file by itself: no other one is called so while this handle is open, whichever name leads
   * to it. Undefined, or no such method, where it does not say.
   */
  identity?(): string | undefined;
  close(): void;
}
