// Snapshots in a run directory. Pages are kept by the hash of their content, compressed, in a pack beside the snapshot
// that first had them; a later snapshot refers to them. A snapshot is there when its own file is there, and that file
// is written last, whole or not at all.

import { encodeHex } from '../../base/encoding.ts';
import type { EngineError } from '../../base/errors.ts';
import { onStorage, readWhole, writeWhole } from '../../log/files.ts';
import type { RunDirectory } from '../../log/index.ts';
import { freeName } from '../../log/tail.ts';
import type { SavedScheduler } from '../../scheduler/index.ts';
import { nodePorts, type Ports } from '../ports.ts';
import type { Snapshot } from '../turns/machine.ts';
import type { AgentImage } from '../turns/turn-runner.ts';
import { removeSnapshots } from './collect.ts';
import { type GatheredAgent, gatherAgents, noteKeys } from './gather-agents.ts';
import { type Offer, type Offers, takeOver } from './offer.ts';
import { OpenPacks } from './open-packs.ts';
import { PackWriter } from './pack-writer.ts';
import { keyOf, PageGatherer } from './page-gatherer.ts';
import { PageReader, type ReadPage } from './page-reader.ts';
import { superfluous } from './retention.ts';
import { type SlabLease, slabPool } from './slabs.ts';
import { decodeSnapshotFile, encodeSnapshotFile, snapshotFormat } from './snapshot-file.ts';
import type { AgentEntry, PageEntry, SnapshotFile } from './tables.ts';
import { damagedFile, ofOtherFormat, readSteadily, unlessUnreadable } from './unusable.ts';

const folder = 'snapshots';
const namePattern = /^(\d{12,})\.snapshot$/;
const packPattern = /^(\d{12,})\.pages$/;
const pageBytes = 65_536;
/** Packs that are not of the snapshot of their number are numbered from here. */
const gatheredFirst = 1_000_000_000_000;
/** So many packs stay open for a fork, at most: pages of others it compresses by itself. */
const offeredPacksMax = 256;

function fileName(tick: number, ending: 'snapshot' | 'pages'): string {
  return `${String(tick).padStart(12, '0')}.${ending}`;
}

/** The file of the snapshot of a tick, within the run directory. */
export function snapshotName(tick: number): string {
  return `${folder}/${fileName(tick, 'snapshot')}`;
}

function packName(pack: number): string {
  return `${folder}/${fileName(pack, 'pages')}`;
}

function isSamePlace(a: PageEntry | undefined, b: PageEntry): boolean {
  return a !== undefined && a.pack === b.pack && a.offset === b.offset && a.length === b.length;
}

function snapshotOf(file: SnapshotFile, pages: readonly ReadPage[]): Snapshot {
  const imageOf = ({ number, state, pages: indices }: AgentEntry): AgentImage => {
    const words = state.slice();
    const used = indices.map((index) => (index === 0 ? undefined : pages[index - 1]));
    const image = { byteLength: used.length * pageBytes, pages: used.map((page) => page?.kept) };
    noteKeys(
      image,
      used.map((page) => page?.key),
    );
    return { number, state: new Uint32Array(words.buffer), image };
  };
  return {
    tick: file.tick,
    digest: file.digest.slice() as Uint8Array<ArrayBuffer>,
    scheduler: file.scheduler,
    agents: file.agents.map(imageOf),
    images: file.images.map(imageOf),
  };
}

export class SnapshotStore {
  readonly #directory: RunDirectory;
  readonly #ports: Pick<Ports, 'compress' | 'clock'>;
  /** Pages that a snapshot of the run has which this store wrote, or which was read whole before; by hash. */
  readonly #known: Map<string, PageEntry> = new Map();
  #pending: Promise<void> = Promise.resolve();
  #ready = false;
  /** The tick of a snapshot that was read whole. */
  #from: number | undefined;
  #offer: Offer | undefined;
  /** What the last snapshot that was written says of each instance. */
  #last: { readonly tick: number; readonly agents: ReadonlyMap<number, GatheredAgent> } | undefined;
  readonly #kept: number;
  /** The last pack that has not the number of its snapshot. */
  #gathered = gatheredFirst - 1;

  /** @param kept how many of the newest snapshots stay when one is written; older ones thin out. 0: all stay */
  constructor(directory: RunDirectory, ports: Pick<Ports, 'compress' | 'clock'> = nodePorts, kept = 0) {
    this.#directory = directory;
    this.#ports = ports;
    this.#kept = kept;
  }

  /** Ticks of the snapshots that are there, ascending. */
  ticks(): readonly number[] {
    return this.#numbers(namePattern);
  }

  #names(): readonly string[] {
    const { storage } = this.#directory;
    return onStorage(storage, folder, 'list', () => storage.list(folder)) ?? [];
  }

  #numbers(pattern: RegExp): number[] {
    return this.#names()
      .flatMap((name) => pattern.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => a - b);
  }

  /** A pack that is there stays as it is: other snapshots may refer to it. */
  #freePack(wanted: number): number {
    const packs = this.#numbers(packPattern);
    if (wanted < gatheredFirst && !packs.includes(wanted)) return wanted;
    // No number twice: whoever reads the run while it goes on takes a name for the file that had it.
    this.#gathered = Math.max(this.#gathered, packs.at(-1) ?? 0) + 1;
    return this.#gathered;
  }

  /**
   * The files that snapshots are made of, their pages included, sorted; names within the run directory.
   * @throws EngineError `record-damaged`
   */
  filesOf(ticks: readonly number[]): readonly string[] {
    const packs = new Set(ticks.flatMap((tick) => this.#readFile(tick).pages.map(({ pack }) => pack)));
    const names = [
      ...ticks.map((tick) => fileName(tick, 'snapshot')),
      ...[...packs].map((tick) => fileName(tick, 'pages')),
    ];
    return names.sort().map((name) => `${folder}/${name}`);
  }

  /**
   * Takes a snapshot away, and leaves it beside the others under a name that nobody looks for. Its pages go with it
   * only where no later snapshot stays.
   */
  setAside(tick: number, withPages: boolean): void {
    const { storage } = this.#directory;
    const names = this.#names();
    for (const ending of withPages ? (['snapshot', 'pages'] as const) : (['snapshot'] as const)) {
      const name = fileName(tick, ending);
      if (!names.includes(name)) continue;
      const copy = freeName(storage, folder, `${name}.given-up`);
      onStorage(storage, name, 'rename', () => storage.rename(`${folder}/${name}`, `${folder}/${copy}`));
    }
    this.syncFolder();
  }

  /** A process that died may have left names that a loss of power would take back: afterwards it cannot. */
  syncFolder(): void {
    const { storage } = this.#directory;
    onStorage(storage, folder, 'sync the folder', () => storage.syncFolder(folder));
  }

  /** Removes what was captured of ticks that the log does not tell: a crash came between. */
  removeAfter(tick: number): void {
    const { storage } = this.#directory;
    const gone = this.ticks().filter((candidate) => candidate > tick);
    for (const candidate of gone.toReversed()) {
      for (const ending of ['snapshot', 'pages'] as const) {
        const name = `${folder}/${fileName(candidate, ending)}`;
        if (!this.#names().includes(fileName(candidate, ending))) continue;
        onStorage(storage, name, 'remove', () => storage.remove(name));
      }
    }
    if (gone.length > 0) this.syncFolder();
  }

  /**
   * What is written next refers to the pages of a snapshot that is there, and only to those. Whoever says so has read
   * it whole, or has written it: a page that is damaged must not get into what comes.
   */
  goOnFrom(tick: number): void {
    this.#from = tick;
  }

  /** Takes pages over from a snapshot of another run where the next one has the same. The offer is open until then. */
  takeOver(offer: Offer | undefined): void {
    this.#offer = offer;
  }

  /** The tick of the last snapshot that was written and is still there: the next one need not repeat what it has. */
  get lastTick(): number | undefined {
    return this.#last?.tick;
  }

  /**
   * Writes a snapshot, after those that are being written; durable when this resolves.
   * @param lease where the snapshot lies that was captured for this alone; over when this is done
   */
  write(snapshot: Snapshot, tickMs: number, lease: SlabLease = slabPool.lease()): Promise<void> {
    const written = this.#pending
      .then(() => this.#write(snapshot, tickMs, lease))
      .then(() => lease.release())
      .finally(() => lease.abandon());
    this.#pending = written.catch(() => {});
    return written;
  }

  async #write(snapshot: Snapshot, tickMs: number, lease: SlabLease): Promise<void> {
    const { storage } = this.#directory;
    if (!this.#ready) {
      onStorage(storage, folder, 'make folder', () => storage.makeFolder(folder));
      const pages = this.#from === undefined ? undefined : this.#tryFile(this.#from)?.pages;
      for (const page of pages ?? []) this.#known.set(keyOf(page.sha256), page);
      this.#ready = true;
    }
    const taken = this.#offer && takeOver(this.#offer, storage);
    this.#offer = undefined;
    for (const [key, page] of taken?.linked ?? []) this.#known.set(key, page);
    const packNumber = this.#freePack(snapshot.tick);
    const pack = new PackWriter(storage, folder, fileName(packNumber, 'pages'));
    try {
      const gatherer = new PageGatherer(
        this.#ports,
        this.#known,
        pack,
        packNumber,
        taken?.borrowed ?? new Map(),
        lease,
      );
      const written = await gatherAgents(snapshot, gatherer, this.#last?.agents);
      await pack.finish();
      for (const [key, page] of written.fresh) this.#known.set(key, page);
      const file: SnapshotFile = {
        format: snapshotFormat,
        tick: snapshot.tick,
        digest: snapshot.digest,
        timestamp: snapshot.tick * tickMs,
        scheduler: snapshot.scheduler,
        agents: written.agents.map(({ number, state, indices }) => ({ number, state, pages: indices })),
        pages: written.pages,
        images: written.images.map(({ number, state, indices }) => ({ number, state, pages: indices })),
        runId: this.#directory.manifest.runId,
      };
      await this.#writeFileAside(file);
      this.#last = {
        tick: snapshot.tick,
        agents: new Map(written.agents.map((agent) => [agent.number, agent])),
      };
    } catch (error) {
      pack.abandon();
      throw error;
    }
    if (this.#kept > 0) this.#thinOut();
  }

  async #writeFileAside(file: SnapshotFile): Promise<void> {
    const writer = new PackWriter(this.#directory.storage, folder, fileName(file.tick, 'snapshot'));
    try {
      writer.append(encodeSnapshotFile(file));
      await writer.finish();
    } catch (error) {
      writer.abandon();
      throw error;
    }
  }

  #thinOut(): void {
    const gone = superfluous(this.ticks(), this.#directory.manifest.baseTick ?? 0, this.#kept);
    // Every other snapshot is read for it: several go at once.
    if (gone.length * 4 >= this.#kept) this.remove(gone);
  }

  /**
   * Takes snapshots away for good, and the pages that were theirs alone. Where another snapshot cannot be read, nothing
   * is taken away, since it is not known what that one refers to.
   */
  remove(gone: readonly number[]): void {
    const files = new Map<number, SnapshotFile>();
    for (const tick of this.ticks()) {
      const file = gone.includes(tick) ? undefined : this.#tryFile(tick);
      if (file !== undefined) files.set(tick, file);
      else if (!gone.includes(tick)) return;
    }
    const { storage } = this.#directory;
    const moved = removeSnapshots(
      {
        storage,
        folder,
        ticks: () => [...files.keys()],
        packs: () => this.#numbers(packPattern),
        snapshotName: (tick) => fileName(tick, 'snapshot'),
        packName: (pack) => fileName(pack, 'pages'),
        freePack: () => this.#freePack(gatheredFirst),
        readFile: (tick) => files.get(tick)!,
        writeFile: (file) =>
          writeWhole(storage, folder, fileName(file.tick, 'snapshot'), encodeSnapshotFile(file)),
      },
      gone,
    );
    if (this.#last !== undefined && gone.includes(this.#last.tick)) this.#last = undefined;
    // Only what a snapshot refers to is there to be referred to again, and only what is known to be whole.
    const known = new Map(this.#known);
    this.#known.clear();
    for (const page of [...files.values()].at(-1)?.pages ?? []) {
      const key = keyOf(page.sha256);
      if (isSamePlace(known.get(key), page)) this.#known.set(key, moved.get(page) ?? page);
    }
  }

  /** Whether it is known what a snapshot refers to; its pages are not looked at. */
  isReadable(tick: number): boolean {
    return this.#tryFile(tick) !== undefined;
  }

  #tryFile(tick: number): SnapshotFile | undefined {
    return unlessUnreadable(() => this.#readFile(tick));
  }

  /** As `read`; undefined where the snapshot is damaged, or of another format. */
  tryRead(tick: number, offers?: Offers): Snapshot | undefined {
    return unlessUnreadable(() => this.read(tick, offers));
  }

  /**
   * Reads a snapshot and every page of it.
   * @param offers keep its packs open, for a fork that takes them over
   * @throws EngineError `record-damaged` where a byte was changed or a file is missing, `run-directory-invalid` with
   *   `format` in its details where it is of another format
   */
  read(tick: number, offers?: Offers): Snapshot {
    const { storage } = this.#directory;
    return readSteadily(storage, snapshotName(tick), (bytes) =>
      this.#readPages(this.#decode(tick, bytes), offers),
    );
  }

  #readPages(file: SnapshotFile, offers: Offers | undefined): Snapshot {
    const { storage } = this.#directory;
    const missing = (name: string): EngineError => this.#damaged(name, 0, 'it is missing');
    const packs = new OpenPacks(storage, packName, missing, offers === undefined ? 0 : offeredPacksMax);
    const reader = new PageReader(packs, (name, offset, why) => this.#damaged(name, offset, why));
    let isOffered = false;
    try {
      const read = reader.readAll(file.pages);
      const snapshot = snapshotOf(file, read);
      const pages = file.pages.map((entry, i) => ({ key: read[i]!.key, entry }));
      const offer: Offer = {
        storage: storage.inner ?? storage,
        pages: pages.filter(({ entry }) => packs.has(entry.pack)),
        packs,
        readPacked: (entry) => reader.readPacked(entry),
      };
      offers?.add(snapshot, offer, packs);
      isOffered = offers !== undefined;
      return snapshot;
    } finally {
      if (!isOffered) packs.close();
    }
  }

  /**
   * The scheduler's part of a snapshot, without what agents hold.
   * @throws EngineError `record-damaged`
   */
  readScheduler(tick: number): SavedScheduler {
    return this.#readFile(tick).scheduler;
  }

  #readFile(tick: number): SnapshotFile {
    return this.#decode(tick, readWhole(this.#directory.storage, snapshotName(tick)));
  }

  #decode(tick: number, bytes: Uint8Array | undefined): SnapshotFile {
    const name = snapshotName(tick);
    if (bytes === undefined) throw this.#damaged(name, 0, 'it is missing');
    const { runId } = this.#directory.manifest;
    return decodeSnapshotFile(
      bytes,
      { tick, runId },
      {
        damaged: (offset, why) => this.#damaged(name, offset, why),
        otherFormat: (format) => ofOtherFormat(this.#directory.path, name, format),
      },
    );
  }

  /** What is wrong with a snapshot that can be read, but whose digest is not the one that the log has of its tick. */
  notOfLog(
    { tick, digest }: Pick<Snapshot, 'tick' | 'digest'>,
    recorded: Uint8Array | undefined,
  ): EngineError {
    const says = recorded === undefined ? 'has no such tick' : `says ${encodeHex(recorded)}`;
    const why = `its digest of tick ${tick} is ${encodeHex(digest)}, and the log ${says}`;
    return this.#damaged(snapshotName(tick), 0, why);
  }

  #damaged(file: string, offset: number, why: string): EngineError {
    return damagedFile(this.#directory.path, file, offset, why);
  }
}
