// One life of the engine's process: its way to disk, clock and pool, along which its faults meet it.

import { promisify } from 'node:util';
import { constants, zstdCompressSync } from 'node:zlib';
import { openInferenceDesk } from '../../src/engine/models/inference-desk.ts';
import { systemTables } from '../../src/engine/modules/genesis.ts';
import type { Ports } from '../../src/engine/ports.ts';
import type { ModelProcess } from '../../src/inference/index.ts';
import type {
  AppendHandle,
  EventLogSizes,
  Lock,
  ReadHandle,
  Storage,
  UpdateHandle,
} from '../../src/log/index.ts';
import type { Pool } from '../../src/sandbox/index.ts';
import type { Chance } from './chance.ts';
import { SimClock } from './clock.ts';
import { type SimDisk, SimFile, splitPath } from './disk.ts';
import { type Death, type Fault, type Mark, markOf, marks } from './faults.ts';
import { type ModelDeath, startModelProcess } from './models.ts';
import { createPlainPool, createSimPool } from './pool.ts';

/** What every call of a process that has died says: what it was about to do never happens. */
export const processDeath = 'the process is dead';
export class ProcessDeath extends Error {}

/** How a process is built, beside its faults. */
export interface ProcessOptions {
  readonly chance: Chance;
  readonly disk: SimDisk;
  /** Folders on disks of their own, by path; any other path is on `disk`. */
  readonly others?: ReadonlyMap<string, SimDisk>;
  /** Executors; 0: one in the caller's thread, which cannot be lost. */
  readonly workers: number;
  readonly logSizes?: EventLogSizes;
  readonly journalEntriesMax?: number | undefined;
  /** Those of this life. */
  readonly faults: readonly Fault[];
  /** Called where a fault says that somebody looks at the disk. */
  readonly look?: () => void;
}

type FaultOf<K extends Fault['kind']> = Extract<Fault, { kind: K }>;

export class SimProcess {
  readonly clock: SimClock;
  readonly ports: Ports;
  readonly disk: SimDisk;
  readonly #options: ProcessOptions;
  /** Calls so far. */
  changes = 0;
  readings = 0;
  clockReadings = 0;
  streams = 0;
  /** Faults of the host that the process was told of. */
  refusals = 0;
  /** Executors that were lost. */
  losses = 0;
  /** What inference processes were asked, and how many of them died. */
  asked = 0;
  modelDeaths = 0;
  dead = false;
  /** The last calls, for people. */
  readonly trail: string[] = [];
  /** How many of its changes were marks, and its changes since the last of each. */
  readonly marks: Record<Mark, number> = { head: 0, name: 0, sync: 0 };
  readonly #since: Record<Mark, number> = { head: 0, name: 0, sync: 0 };
  /** Files that it has locked. */
  readonly locks: Set<string> = new Set();
  readonly #disks: WeakMap<Storage, SimDisk> = new WeakMap();
  #room = Number.POSITIVE_INFINITY;

  constructor(options: ProcessOptions) {
    const { chance, disk, workers, logSizes, journalEntriesMax } = options;
    this.#options = options;
    this.disk = disk;
    const clock = new SimClock(chance.of('clock'));
    this.clock = clock;
    const pool: Ports['openPool'] = (config): Pool => {
      if (workers === 0) return createPlainPool(systemTables(config));
      const lossAt = (): FaultOf<'loss'>['how'] | undefined => {
        const run = this.streams++;
        const loss = this.#faults('loss').find(({ at }) => at === run)?.how;
        if (loss !== undefined) this.losses++;
        return loss;
      };
      return createSimPool(systemTables(config), { size: workers, chance: chance.of('pool'), clock, lossAt });
    };
    this.ports = {
      openStorage: (path) => this.#storage(path, options.others?.get(path) ?? disk),
      openPool: pool,
      openInference: (system) => openInferenceDesk(system, () => this.#startModels(), this.ports.clock),
      compress: (bytes, into) => this.#compress(bytes, into),
      createRunId: () => '0123456789abcdef0123456789abcdef',
      clock: {
        nowMs: () => this.#readClock(),
        yield: () => clock.yield(),
        after: (waitMs, callback) => clock.after(waitMs, callback),
      },
      ...(logSizes === undefined ? {} : { logSizes }),
      ...(journalEntriesMax === undefined ? {} : { journalEntriesMax }),
    };
  }

  #startModels(): ModelProcess {
    const deathAt = (): ModelDeath | undefined => {
      const number = this.asked++;
      const death = this.#faults('model').find(({ at }) => at === number)?.how;
      if (death !== undefined) this.modelDeaths++;
      return death;
    };
    return startModelProcess({ chance: this.#options.chance.of('models'), clock: this.clock, deathAt });
  }

  die(): never {
    this.dead = true;
    throw new ProcessDeath(processDeath);
  }

  /** For what the process does beside its ports. */
  checkAlive(): void {
    if (this.dead) throw new ProcessDeath(processDeath);
  }

  #faults<K extends Fault['kind']>(kind: K): FaultOf<K>[] {
    return this.#options.faults.filter((fault): fault is FaultOf<K> => fault.kind === kind);
  }

  #readClock(): number {
    const reading = this.clockReadings++;
    for (const { at, byMs } of this.#faults('jump')) if (at === reading) this.clock.jump(byMs);
    for (const { at, readings } of this.#faults('stand')) if (at === reading) this.clock.standStill(readings);
    return this.clock.nowMs();
  }

  async #compress(bytes: Uint8Array, into: Uint8Array): Promise<number> {
    const { chance } = this.#options;
    if (chance.oneIn(3)) await new Promise<void>((resolve) => this.clock.after(chance.skewed(30), resolve));
    const packed = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
    into.set(packed);
    return packed.length;
  }

  /** A change of the disk. `partly` is what it leaves behind where the process dies in the middle of it. */
  #change<T>(what: string, run: () => T, partly: () => void = () => {}, onRefused: () => void = () => {}): T {
    this.checkAlive();
    const at = ++this.changes;
    this.#note(what);
    this.#countMark(what);
    if (this.#faults('look').some((fault) => this.#isMet(fault, at))) this.#options.look?.();
    const kill = this.#faults('kill').find((fault) => this.#isMet(fault, at));
    if (kill !== undefined) {
      if (kill.phase === 'after') run();
      else if (kill.phase === 'during') partly();
      this.die();
    }
    for (const full of this.#faults('full')) if (full.at === at) this.#room = full.bytes;
    this.#failWhere('change', at, what, onRefused);
    return run();
  }

  #countMark(what: string): void {
    for (const mark of marks) this.#since[mark]++;
    const mark = markOf(what);
    if (mark === undefined) return;
    this.marks[mark]++;
    this.#since[mark] = 0;
  }

  #isMet({ at, behind }: Pick<Death, 'at' | 'behind'>, change: number): boolean {
    if (behind === undefined) return at === change;
    return behind.number === this.marks[behind.mark] && at === this.#since[behind.mark];
  }

  #reading<T>(what: string, run: () => T): T {
    this.checkAlive();
    this.#failWhere('reading', ++this.readings, what);
    return run();
  }

  #failWhere(of: 'change' | 'reading', at: number, what: string, onRefused: () => void = () => {}): void {
    for (const fault of this.#faults('error')) {
      if (fault.of !== of || at < fault.at || at >= fault.at + fault.calls) continue;
      onRefused();
      this.#refuse('EIO', what);
    }
  }

  #refuse(code: string, what: string): never {
    this.refusals++;
    this.#note(`${what}: ${code}`);
    throw Object.assign(new Error(`${code}: simulated, ${what}`), { code });
  }

  #note(what: string): void {
    this.trail.push(`${this.changes} ${what}`);
    if (this.trail.length > 12) this.trail.shift();
  }

  #storage(place: string, disk: SimDisk): Storage {
    const folderOf = (path: string) => {
      const [name, file] = splitPath(path);
      const folder = disk.folder(name);
      if (folder === undefined) throw Object.assign(new Error(`ENOENT: "${path}"`), { code: 'ENOENT' });
      return [folder, file] as const;
    };
    const found = (path: string): SimFile => {
      const file = disk.find(path);
      if (file === undefined) throw Object.assign(new Error(`ENOENT: "${path}"`), { code: 'ENOENT' });
      return file;
    };
    const storage: Storage = {
      place,
      list: (name) => this.#reading(`list ${name}`, () => list(disk, name)),
      makeFolder: (name) => this.#change(`makeFolder ${name}`, () => disk.makeFolder(name)),
      syncFolder: (name) => this.#change(`syncFolder ${name}`, () => disk.folder(name)?.sync()),
      create: (path) =>
        this.#change(`create ${path}`, () => {
          const [folder, name] = folderOf(path);
          const file = new SimFile();
          folder.change({ kind: 'link', name, file });
          return this.#append(path, file);
        }),
      openAppend: (path) => this.#change(`openAppend ${path}`, () => this.#append(path, found(path))),
      openUpdate: (path) => this.#change(`openUpdate ${path}`, () => this.#update(path, found(path))),
      lock: (path) => this.#change(`lock ${path}`, () => this.#lock(disk, `${place}/${path}`, path)),
      openRead: (path) =>
        this.#reading(`openRead ${path}`, () => {
          const file = disk.find(path);
          return file === undefined ? undefined : this.#readHandle(path, file);
        }),
      rename: (from, to) =>
        this.#change(`rename ${from} ${to}`, () => {
          const [folder, name] = folderOf(from);
          found(from);
          folder.change({ kind: 'rename', from: name, to: splitPath(to)[1] });
        }),
      truncate: (path, size) =>
        this.#change(
          `truncate ${path} ${size}`,
          () => {
            found(path).truncate(size);
            found(path).sync();
          },
          () => found(path).truncate(size),
        ),
      remove: (path) =>
        this.#change(`remove ${path}`, () => {
          const [folder, name] = folderOf(path);
          found(path);
          folder.change({ kind: 'remove', name });
        }),
      link: (from, path) =>
        this.#change(`link ${path}`, () => {
          const file = this.#disks.get(from)?.find(path);
          const [folder, name] = folderOf(path);
          if (file !== undefined) folder.change({ kind: 'link', name, file });
          return file !== undefined;
        }),
    };
    this.#disks.set(storage, disk);
    return storage;
  }

  #append(path: string, file: SimFile): AppendHandle {
    return { ...this.#handle(path, file), write: (bytes) => this.#write(path, file, bytes, file.size) };
  }

  #update(path: string, file: SimFile): UpdateHandle {
    return {
      ...this.#handle(path, file),
      write: (bytes, offset) => this.#write(path, file, bytes, offset),
    };
  }

  #handle(path: string, file: SimFile): Pick<AppendHandle, 'sync' | 'beginSync' | 'close'> {
    const { clock } = this;
    const lose = (): void => file.failSync(this.#options.chance);
    return {
      sync: () => this.#change(`sync ${path}`, () => file.sync(), undefined, lose),
      beginSync: async () => {
        this.checkAlive();
        const synced = file.syncLater();
        await new Promise<void>((resolve) => clock.after(this.#options.chance.skewed(100), resolve));
        this.#change(`synced ${path}`, synced, undefined, lose);
      },
      close: () => this.#change(`close ${path}`, () => {}),
    };
  }

  #write(path: string, file: SimFile, bytes: Uint8Array, offset: number): number {
    const write = (): number => {
      const short = this.#faults('short').find(({ at }) => at === this.changes);
      const room = offset < file.size ? bytes.length : this.#room;
      const size = Math.min(bytes.length, room, short?.bytes ?? bytes.length);
      if (size === 0) return this.#refuse('ENOSPC', `write ${path}`);
      if (offset === file.size) this.#room -= size;
      file.write(offset, bytes.subarray(0, size));
      return size;
    };
    const part = this.#options.chance.below(bytes.length + 1);
    const partly = (): void => file.write(offset, bytes.subarray(0, part));
    return this.#change(`write ${path} ${offset} ${bytes.length}`, write, partly);
  }

  /** A dead process holds none. */
  #lock(disk: SimDisk, key: string, path: string): Lock | undefined {
    const { locks } = this;
    if (locks.has(key)) return undefined;
    locks.add(key);
    if (disk.find(path) === undefined)
      disk.folder('')!.change({ kind: 'link', name: path, file: new SimFile() });
    return { release: () => void locks.delete(key) };
  }

  #readHandle(path: string, file: SimFile): ReadHandle {
    return {
      size: () => this.#reading(`size ${path}`, () => file.size),
      read: (into, offset) =>
        this.#reading(`read ${path}`, () => {
          const part = file.content.bytes.subarray(offset, Math.min(offset + into.length, file.size));
          into.set(part);
          return part.length;
        }),
      identity: () => this.#reading(`identity ${path}`, () => file.identity),
      close: () => {},
    };
  }
}

function list(disk: SimDisk, name: string): string[] | undefined {
  const folder = disk.folder(name);
  if (folder === undefined) return undefined;
  const names = [...folder.files.keys()];
  if (name === '') for (const other of disk.folders.keys()) if (other !== '') names.push(other);
  return names.sort();
}

/** Lets everything that is ready run. */
export const rest: () => Promise<void> = promisify(setImmediate) as () => Promise<void>;

/** What takes more comes to no end: the longest lives of 200 ticks take some thousands. */
const stepsMax = 500_000;

/**
 * Moves a process on until what it does has an answer, or it dies: whenever everything rests, the next that waits for
 * the clock is called. What waits for something else than the clock gets some real time.
 */
export async function live<T>(process: SimProcess, work: Promise<T>): Promise<T | 'dead' | 'stuck'> {
  let answer: { readonly value: T } | { readonly error: unknown } | undefined;
  work.then(
    (value) => {
      answer = { value };
    },
    (error: unknown) => {
      answer = { error };
    },
  );
  for (let idle = 0, steps = 0; idle < 2000 && steps < stepsMax; steps++) {
    await rest();
    if (process.dead) return 'dead';
    if (answer !== undefined) {
      if ('error' in answer) throw answer.error;
      return answer.value;
    }
    if (process.clock.hasWaiting) {
      idle = 0;
      process.clock.advance();
    } else if (++idle > 100) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  return 'stuck';
}
