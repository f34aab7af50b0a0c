// The same events into the log, into SQLite and through the MCAP library's writer, each as durable as the other says it
// is. The ways take turns, so that what else the machine does hits all of them.

import { mkdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { McapWriter } from '@mcap/core';
import {
  channels,
  createRunDirectory,
  EventLogWriter,
  type Output,
  openRunDirectory,
  type RunDirectory,
  readEvents,
} from '../../src/log/index.ts';
import { encodeMessage, type MessageTable } from '../../src/log/message.ts';
import { inFolder } from '../support/folder.ts';
import { median, shown } from '../support/measure.ts';

const eventsPerTick = 100;
/** Ticks of a group, as `batchTicks` is by default. */
const ticksPerBatch = 1000;
const rounds = 5;
const table = channels.outputs.table as MessageTable<Output>;
const agents = Array.from({ length: 50 }, (_, number) => `trader/${number}`);
const payload = new TextEncoder().encode('{"profit":1234.5}');

/** An output, as market agents give them. */
function output(tick: number, index: number): Output {
  return { epoch: 0, tick, index, agent: agents[index % 50]!, payload };
}

type Sync = 'tick' | 'batch' | 'none';
type Write = (path: string, ticks: number, sync: Sync) => void | Promise<void>;

function createLog(path: string): RunDirectory {
  const manifest = { format: 1, runId: '0'.repeat(32), engine: '0', durability: 'none', costTable: 1 };
  return createRunDirectory(path, { manifest, config: new Uint8Array(2), modules: new Map() });
}

async function writeLog(path: string, ticks: number, sync: Sync): Promise<void> {
  const directory = createLog(path);
  const writer = new EventLogWriter(directory);
  let syncing = Promise.resolve();
  for (let tick = 0; tick < ticks; tick++) {
    for (let index = 0; index < eventsPerTick; index++) writer.append('outputs', tick, output(tick, index));
    if (sync === 'tick') writer.sync();
    else if (sync === 'batch' && tick % ticksPerBatch === ticksPerBatch - 1) {
      await syncing;
      syncing = writer.beginSync();
    }
  }
  await syncing;
  if (sync === 'none') writer.flush();
  else writer.sync();
  writer.abandon();
  directory.unlock();
}

/** One row an event; a transaction is what is made durable at once. */
function writeSqlite(path: string, ticks: number, sync: Sync): void {
  mkdirSync(path);
  const database = new DatabaseSync(join(path, 'events.db'));
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${sync === 'none' ? 'OFF' : 'FULL'}`);
  database.exec('CREATE TABLE events (tick INTEGER, n INTEGER, epoch INTEGER, agent TEXT, payload BLOB)');
  const insert = database.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?)');
  const group = sync === 'tick' ? 1 : ticksPerBatch;
  for (let tick = 0; tick < ticks; tick++) {
    if (tick % group === 0) database.exec('BEGIN');
    for (let index = 0; index < eventsPerTick; index++) {
      const event = output(tick, index);
      insert.run(event.tick, event.index, event.epoch, event.agent, event.payload);
    }
    if (tick % group === group - 1 || tick === ticks - 1) database.exec('COMMIT');
  }
  database.close();
}

/** The library has no durability of its own: nothing is synced. */
async function writeLibrary(path: string, ticks: number): Promise<void> {
  const file = await open(`${path}.mcap`, 'w');
  let position = 0n;
  const writer = new McapWriter({
    writable: {
      position: () => position,
      write: async (bytes) => {
        position += BigInt(bytes.length);
        await file.write(bytes);
      },
    },
  });
  await writer.start({ profile: '', library: 'bench' });
  const schemaId = await writer.registerSchema({ name: 'x', encoding: 'protobuf', data: new Uint8Array(0) });
  const topic = { schemaId, topic: 'outputs', messageEncoding: 'protobuf', metadata: new Map() };
  const channelId = await writer.registerChannel(topic);
  for (let tick = 0; tick < ticks; tick++) {
    for (let index = 0; index < eventsPerTick; index++) {
      const logTime = BigInt(tick);
      const data = encodeMessage(table, output(tick, index));
      await writer.addMessage({ channelId, sequence: index, logTime, publishTime: logTime, data });
    }
  }
  await writer.end();
  await file.close();
}

const ways: readonly { name: string; write: Write; modes: readonly Sync[] }[] = [
  { name: 'log', write: writeLog, modes: ['tick', 'batch', 'none'] },
  { name: 'SQLite, WAL', write: writeSqlite, modes: ['tick', 'batch', 'none'] },
  { name: 'MCAP library', write: writeLibrary, modes: ['none'] },
];
const ticksOf: Readonly<Record<Sync, number>> = { tick: 300, batch: 4000, none: 4000 };

export async function reportEvents(): Promise<void> {
  const rates = new Map<string, number[]>();
  const reading: number[] = [];
  await inFolder(async (folder) => {
    for (let round = 0; round < rounds; round++) {
      for (const mode of ['tick', 'batch', 'none'] as const) {
        for (const { name, write, modes } of ways) {
          if (!modes.includes(mode)) continue;
          const path = join(folder, `${name}-${mode}-${round}`);
          const startedMs = performance.now();
          await write(path, ticksOf[mode], mode);
          const seconds = (performance.now() - startedMs) / 1000;
          const key = `${mode.padEnd(6)} ${name}`;
          rates.set(key, [...(rates.get(key) ?? []), (ticksOf[mode] * eventsPerTick) / seconds]);
        }
      }
      reading.push(readRate(join(folder, `log-none-${round}`)));
    }
  });
  for (const [key, list] of rates)
    console.log(`${key.padEnd(22)} ${shown(median(list)).padStart(12)} events/s`);
  console.log(`${'read, all checked'.padEnd(22)} ${shown(median(reading)).padStart(12)} events/s`);
}

function readRate(path: string): number {
  const directory = openRunDirectory(path);
  const startedMs = performance.now();
  let count = 0;
  for (const _ of readEvents(directory)) count++;
  return (count / (performance.now() - startedMs)) * 1000;
}
