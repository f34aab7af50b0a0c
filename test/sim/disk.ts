// A disk in memory that keeps what was synced and may lose, reorder or tear the rest when the power goes. It knows
// files, folders and bytes; who fails when is decided by the process that uses it (ports.ts).

import type { Chance } from './chance.ts';

/** Bytes that reach the disk together, or do not. */
const sectorBytes = 512;

type Change =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

/** A growing run of bytes. */
class Content {
  bytes: Uint8Array = new Uint8Array(256);
  size = 0;

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    }
    if (offset > this.size) this.bytes.fill(0, this.size, offset);
    this.bytes.set(bytes, offset);
    this.size = Math.max(this.size, end);
  }

  truncate(size: number): void {
    if (size > this.size) this.write(size, new Uint8Array(0));
    else this.bytes.fill(0, size, this.size);
    this.size = size;
  }

  copy(): Content {
    const copy = new Content();
    copy.bytes = this.bytes.slice();
    copy.size = this.size;
    return copy;
  }
}

let fileCount = 0;

export class SimFile {
  readonly identity: string = `${++fileCount}`;
  /** What the system shows. */
  content: Content = new Content();
  /** What the disk has. */
  #durable = new Content();
  #changes: Change[] = [];

  get size(): number {
    return this.content.size;
  }

  write(offset: number, bytes: Uint8Array): void {
    const own = bytes.slice();
    this.content.write(offset, own);
    this.#changes.push({ kind: 'write', offset, bytes: own });
  }

  truncate(size: number): void {
    this.content.truncate(size);
    this.#changes.push({ kind: 'truncate', size });
  }

  sync(): void {
    for (const change of this.#changes) apply(this.#durable, change);
    this.#changes = [];
  }

  /** A sync that failed: what was not synced before is shown, and no later sync writes it. */
  failSync(chance: Chance): void {
    for (const change of this.#changes) if (chance.oneIn(2)) apply(this.#durable, change);
    this.#changes = [];
  }

  /** What makes durable the changes until now, once it is called. */
  syncLater(): () => void {
    const until = new Set(this.#changes);
    return () => {
      for (const change of this.#changes) if (until.has(change)) apply(this.#durable, change);
      this.#changes = this.#changes.filter((change) => !until.has(change));
    };
  }

  /** The power goes: of what was not synced, some reaches the disk. */
  losePower(chance: Chance): void {
    const fate = chance.below(5);
    const kept = fate === 2 ? chance.below(this.#changes.length + 1) : this.#changes.length;
    this.#changes.forEach((change, i) => {
      if (fate === 0 || i > kept) return;
      if (fate > 2)
        this.#applySome(change, fate === 3 ? 'sectors' : chance.pick(['beginning', 'end']), chance);
      else if (i === kept) this.#applySome(change, 'beginning', chance);
      else apply(this.#durable, change);
    });
    this.#changes = [];
    this.content = this.#durable.copy();
  }

  /** Some of the sectors of a change, or one side of it. */
  #applySome(change: Change, how: 'beginning' | 'end' | 'sectors', chance: Chance): void {
    if (change.kind === 'truncate') {
      if (chance.oneIn(2)) apply(this.#durable, change);
      return;
    }
    const { offset, bytes } = change;
    if (how !== 'sectors') {
      const edge = chance.below(bytes.length + 1);
      if (how === 'beginning') this.#durable.write(offset, bytes.subarray(0, edge));
      else this.#durable.write(offset + edge, bytes.subarray(edge));
      return;
    }
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + sectorBytes - ((offset + at) % sectorBytes));
      if (chance.oneIn(2)) this.#durable.write(offset + at, bytes.subarray(at, end));
      at = end;
    }
  }

  copy(): SimFile {
    const copy = new SimFile();
    copy.content = this.content.copy();
    copy.#durable = this.#durable.copy();
    copy.#changes = [...this.#changes];
    return copy;
  }

  /** A file of its own whose bytes are all on the disk. */
  settled(): SimFile {
    const copy = new SimFile();
    copy.content = this.content.copy();
    copy.#durable = this.content.copy();
    return copy;
  }
}

function apply(content: Content, change: Change): void {
  if (change.kind === 'write') content.write(change.offset, change.bytes);
  else content.truncate(change.size);
}

type NameChange =
  | { readonly kind: 'link'; readonly name: string; readonly file: SimFile }
  | { readonly kind: 'remove'; readonly name: string }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string };

/** A folder: names of files, durable once the folder was synced. Changes of names reach the disk in their order. */
class SimFolder {
  files: Map<string, SimFile> = new Map();
  #durable: Map<string, SimFile> = new Map();
  #changes: NameChange[] = [];

  change(change: NameChange): void {
    applyName(this.files, change);
    this.#changes.push(change);
  }

  sync(): void {
    for (const change of this.#changes) applyName(this.#durable, change);
    this.#changes = [];
  }

  losePower(chance: Chance): void {
    const kept = chance.oneIn(2) ? chance.below(this.#changes.length + 1) : 0;
    for (const change of this.#changes.slice(0, kept)) applyName(this.#durable, change);
    this.#changes = [];
    this.files = new Map(this.#durable);
    for (const name of [...this.files.keys()].sort()) this.files.get(name)!.losePower(chance);
  }

  copy(fileOf: (file: SimFile) => SimFile): SimFolder {
    const copy = new SimFolder();
    for (const [name, file] of this.files) copy.files.set(name, fileOf(file));
    for (const [name, file] of this.#durable) copy.#durable.set(name, fileOf(file));
    copy.#changes = this.#changes.map((change) =>
      change.kind === 'link' ? { ...change, file: fileOf(change.file) } : change,
    );
    return copy;
  }

  settled(): SimFolder {
    const copy = new SimFolder();
    for (const [name, file] of this.files) copy.files.set(name, file.settled());
    copy.#durable = new Map(copy.files);
    return copy;
  }
}

function applyName(files: Map<string, SimFile>, change: NameChange): void {
  if (change.kind === 'link') files.set(change.name, change.file);
  else if (change.kind === 'remove') files.delete(change.name);
  else {
    const file = files.get(change.from);
    // The name may have been given to another file since, whose own change comes later.
    if (file === undefined) return;
    files.delete(change.from);
    files.set(change.to, file);
  }
}

/** One folder with folders in it, as a run directory is. */
export class SimDisk {
  readonly folders: Map<string, SimFolder> = new Map();

  folder(name: string): SimFolder | undefined {
    return this.folders.get(name);
  }

  makeFolder(name: string): void {
    for (const each of ['', name]) if (!this.folders.has(each)) this.folders.set(each, new SimFolder());
  }

  find(path: string): SimFile | undefined {
    const [folder, name] = splitPath(path);
    return this.folders.get(folder)?.files.get(name);
  }

  losePower(chance: Chance): void {
    for (const [name, folder] of this.folders) folder.losePower(chance.of(name));
  }

  /** Bytes of all files. */
  get size(): number {
    let size = 0;
    for (const { files } of this.folders.values()) for (const file of files.values()) size += file.size;
    return size;
  }

  /** Paths of all files, sorted. */
  paths(): string[] {
    const paths: string[] = [];
    for (const [name, { files }] of this.folders)
      for (const file of files.keys()) paths.push(name === '' ? file : `${name}/${file}`);
    return paths.sort();
  }

  /** A disk of its own, on which the same may be lost. */
  copy(): SimDisk {
    const copies = new Map<SimFile, SimFile>();
    const fileOf = (file: SimFile): SimFile => {
      const copy = copies.get(file) ?? file.copy();
      copies.set(file, copy);
      return copy;
    };
    const copy = new SimDisk();
    for (const [name, folder] of this.folders) copy.folders.set(name, folder.copy(fileOf));
    return copy;
  }

  /** A disk of its own with what this one shows, all of it durable. */
  settled(): SimDisk {
    const copy = new SimDisk();
    for (const [name, folder] of this.folders) copy.folders.set(name, folder.settled());
    return copy;
  }
}

export function splitPath(path: string): [folder: string, name: string] {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? ['', path] : [path.slice(0, slash), path.slice(slash + 1)];
}
