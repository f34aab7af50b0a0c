// A storage for whoever reads much of a run that may be going: a file stays what it was when it was first opened,
// though the run has removed it since, or has given its name to another. It is never written through.

import type { ReadHandle, Storage } from '../storage.ts';
import { readOnly } from './read-only.ts';

/** So many files are kept open at most; the others are opened whenever they are read. */
const heldMax = 2000;

export interface HeldFiles {
  readonly storage: Storage;
  /** A file that is opened under this name from now on is the one that has it by then. */
  letGo(name: string): void;
  close(): void;
}

export function holdFiles(inner: Storage): HeldFiles {
  const handles = new Map<string, ReadHandle>();
  const letGo = (name: string): void => {
    handles.get(name)?.close();
    handles.delete(name);
  };
  const openRead = (name: string): ReadHandle | undefined => {
    const handle = handles.get(name) ?? inner.openRead(name);
    if (handle === undefined) return undefined;
    if (!handles.has(name) && handles.size >= heldMax) return handle;
    handles.set(name, handle);
    return { size: () => handle.size(), read: (into, offset) => handle.read(into, offset), close: () => {} };
  };
  const refuse = (): never => {
    throw new Error(`"${inner.place}" was opened to be read`);
  };
  const list = (folder: string): readonly string[] | undefined => inner.list(folder);
  const storage = readOnly({ place: inner.place, list, openRead }, refuse);
  const close = (): void => {
    for (const name of [...handles.keys()]) letGo(name);
  };
  return { storage, letGo, close };
}
