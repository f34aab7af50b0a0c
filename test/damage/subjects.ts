// Records of about 64 KiB on a disk in memory, and what a reader must make of them when a bit is flipped or a file is cut:
// refuse them by file and byte, or give exactly what a healed one has. Anything else is thrown as a finding.

import { crc32 } from 'node:zlib';
import { encodeHex } from '../../src/base/encoding.ts';
import { EngineError } from '../../src/base/errors.ts';
import { createSystem } from '../../src/engine/index.ts';
import { schedulerConfig } from '../../src/engine/modules/genesis.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { echoAgent } from '../../src/engine/testing/agents.ts';
import type { Snapshot } from '../../src/engine/turns/machine.ts';
import {
  channels,
  checkEventLog,
  EventLogWriter,
  type RunDirectory,
  readEvents,
  truncateTail,
} from '../../src/log/index.ts';
import { appendAll, sampleDirectory, sampleEvents } from '../../src/log/test-sample.ts';
import { MemoryStorage } from '../../src/log/test-storage.ts';
import { captureImage, type MemoryImage } from '../../src/sandbox/index.ts';
import { createDeclaredAgents, createState, saveState } from '../../src/scheduler/index.ts';

export type Verdict = 'refused' | 'healed';

export interface Subject {
  readonly name: string;
  readonly storage: MemoryStorage;
  /** Files that are damaged. */
  readonly files: readonly string[];
  /** What becomes of the record as it is now. Throws where damage goes unseen. */
  judge(what: string): Verdict;
}

const firstSegment = 'events-000000.mcap';

/** Events of about 64 KiB, in chunks of a few. */
function events(): ReturnType<typeof sampleEvents> {
  return sampleEvents(58);
}

/** A log that was closed in order: every one of its bytes is known to be durable. */
export function closedLog(): Subject {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const writer = new EventLogWriter(directory);
  appendAll(writer, events(), 9);
  writer.close();
  const { judge } = logJudge(directory, Number.POSITIVE_INFINITY);
  return { name: 'closed log', storage, files: [firstSegment, 'head'], judge };
}

/** A log whose process died: two thirds of it are known to be durable, the rest is not. */
export function interruptedLog(): Subject {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const writer = new EventLogWriter(directory);
  const all = events();
  const durable = Math.floor((all.length * 2) / 3);
  appendAll(writer, all.slice(0, durable / 2), 9);
  writer.sync();
  appendAll(writer, all.slice(durable / 2, durable), 9);
  writer.sync();
  appendAll(writer, all.slice(durable), 9);
  writer.flush();
  const { judge } = logJudge(directory, durable);
  return { name: 'interrupted log', storage, files: [firstSegment, 'head'], judge };
}

/** CRC of the events up to each, so that what a reader gives can be compared at any length. */
function fingerprints(directory: RunDirectory): { readonly list: number[]; readonly complete: boolean } {
  const list = [0];
  const reader = readEvents(directory);
  let crc = 0;
  for (const { channel, payload, tick } of reader) {
    crc = crc32(payload, Math.imul(crc ^ tick, 31) >>> 0) ^ channels[channel].id;
    list.push(crc);
  }
  return { list, complete: reader.end.complete };
}

/** @param durable events that no cut may take away unseen */
function logJudge(directory: RunDirectory, durable: number): Pick<Subject, 'judge'> {
  const expected = fingerprints(directory);
  const { length } = expected.list;
  const least = Math.min(durable + 1, length);
  const storage = directory.storage as MemoryStorage;
  let healed = 0;
  const judge = (what: string): Verdict => {
    const found = refusedOr(what, () => fingerprints(directory));
    if (found === 'refused') return found;
    const { list, complete } = found;
    if (list.at(-1) !== expected.list[list.length - 1])
      throw new Error(`${what}: events were changed unseen`);
    if (list.length < least) throw new Error(`${what}: ${list.length} of ${least} durable events are left`);
    if (complete && list.length < length)
      throw new Error(`${what}: a shortened log is taken for a whole one`);
    if (!complete && ++healed % 50 === 0) mend(what, storage, directory, list);
    return 'healed';
  };
  return { judge };
}

/** What a crash left is made fit to go on: nothing that was read is lost, and the tail is kept. */
function mend(
  what: string,
  storage: MemoryStorage,
  directory: RunDirectory,
  before: readonly number[],
): void {
  const files = new Map(storage.files);
  const end = checkEventLog(directory);
  truncateTail(directory, end);
  const after = fingerprints(directory);
  if (!after.complete || after.list.at(-1) !== before.at(-1))
    throw new Error(`${what}: mending changed the log`);
  const kept = [...storage.files].find(([name]) => name.includes('.torn-'))?.[1];
  if ((kept?.length ?? 0) !== end.size - end.offset) throw new Error(`${what}: the tail was not kept`);
  storage.files.clear();
  for (const [name, bytes] of files) storage.files.set(name, bytes);
}

/** A snapshot and its pages. */
export async function snapshot(): Promise<Subject> {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const sample = await sampleSnapshot();
  const { tick } = sample;
  await new SnapshotStore(directory).write(sample, 10);
  const files = [`snapshots/${String(tick).padStart(12, '0')}`].flatMap((name) => [
    `${name}.snapshot`,
    `${name}.pages`,
  ]);
  const content = (): string => {
    const read = new SnapshotStore(directory).read(tick);
    return encodeHex(sha256(new TextEncoder().encode(JSON.stringify(read))));
  };
  const expected = content();
  const judge = (what: string): Verdict => {
    const found = refusedOr(what, content);
    if (found === 'refused') return found;
    if (found !== expected) throw new Error(`${what}: a snapshot was changed unseen`);
    return 'healed';
  };
  return { name: 'snapshot', storage, files, judge };
}

/** Bytes that no compression makes smaller, the same each time. */
function noise(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let block = sha256(new Uint8Array(1));
  for (let at = 0; at < size; at += 32) {
    bytes.set(block.subarray(0, Math.min(32, size - at)), at);
    block = sha256(block);
  }
  return bytes;
}

/** A memory of which not all blocks are used. */
function sampleImage(): MemoryImage {
  const blocks = [0, 1, 2, 5, 7, 8, 9, 15, 16, 17, 30, 31, 40, 41, 47];
  const bytes = noise(blocks.length * 4096);
  const memory = new WebAssembly.Memory({ initial: 3, maximum: 3, shared: true });
  const into = new Uint8Array(memory.buffer);
  blocks.forEach((block, i) => {
    into.set(bytes.subarray(i * 4096, (i + 1) * 4096), block * 4096);
  });
  return captureImage(memory);
}

/** What a machine gives: its scheduler has agents, topics and nothing to do; one agent has a memory. */
async function sampleSnapshot(): Promise<Snapshot> {
  const echo = {
    module: echoAgent(),
    count: 3,
    capabilities: ['output'] as const,
    subscriptions: ['prices'],
  };
  const { config } = await createSystem({ agents: { echo }, topics: { prices: {} } });
  const state = createState(schedulerConfig(config));
  createDeclaredAgents(state);
  const agents = [{ number: 1, state: Uint32Array.of(1, 2, 3, 4), image: sampleImage() }];
  return { tick: 1234, digest: sha256(new Uint8Array(5)), scheduler: saveState(state), agents, images: [] };
}

function refusedOr<T>(what: string, read: () => T): T | 'refused' {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'record-damaged')
      throw new Error(`${what}: ${String(error)}`, { cause: error });
    const { file, offset } = error.details;
    if (typeof file !== 'string' || typeof offset !== 'number')
      throw new Error(`${what}: refused without file and byte: ${error.message}`);
    return 'refused';
  }
}
