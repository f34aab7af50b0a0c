// Events a second through the writer of the record and back, against the MCAP library's writer on the same events.
// Times of one machine mean little: the ratio is the figure.

import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { McapWriter } from '@mcap/core';
import { channels, createRunDirectory, EventLogWriter, type Output, readEvents } from '../src/log/index.ts';
import { encodeMessage, type MessageTable } from '../src/log/message.ts';

const { values } = parseArgs({
  options: { events: { type: 'string', default: '500000' }, rounds: { type: 'string', default: '5' } },
});
const events = Number(values.events);
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));
const table = channels.outputs.table as MessageTable<Output>;
const agents = Array.from({ length: 50 }, (_, number) => `trader/${number}`);
const payload = new TextEncoder().encode('{"profit":1234.5}');

/** An output, as market agents give them: 100 a tick. */
function output(number: number): Output {
  const tick = Math.floor(number / 100);
  return { epoch: 0, tick, index: number % 100, agent: agents[number % 50]!, payload };
}

function writeOwn(path: string): void {
  const manifest = { format: 1, runId: '0'.repeat(32), engine: '0', durability: 'none', costTable: 1 };
  const directory = createRunDirectory(path, { manifest, config: new Uint8Array(2), modules: new Map() });
  const writer = new EventLogWriter(directory);
  for (let number = 0; number < events; number++) {
    const value = output(number);
    writer.append('outputs', value.tick, value);
  }
  writer.close();
  const started = performance.now();
  let count = 0;
  for (const _ of readEvents(directory)) count++;
  readSeconds.push((performance.now() - started) / 1000);
  if (count !== events) throw new Error(`read ${count} of ${events} events`);
}

/** Columns of 1,000 tasks a tick; a tenth as many as there are events. */
function writeOutcomes(path: string): void {
  const manifest = { format: 1, runId: '0'.repeat(32), engine: '0', durability: 'none', costTable: 1 };
  const directory = createRunDirectory(path, { manifest, config: new Uint8Array(2), modules: new Map() });
  const writer = new EventLogWriter(directory);
  const agent = new Uint32Array(1000).map((_, number) => number);
  const kind = new Uint32Array(1000).fill(1);
  const outcome = new Uint32Array(1000);
  const fuel = new Float64Array(1000).map((_, number) => 1000 + number * 7);
  for (let tick = 0; tick < events / 1000; tick++) {
    writer.append('outcomes', tick, { tick, agent, kind, outcome, fuel });
  }
  writer.close();
}

async function writeLibrary(path: string): Promise<void> {
  const file = await open(path, 'w');
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
  for (let number = 0; number < events; number++) {
    const value = output(number);
    const logTime = BigInt(value.tick);
    const data = encodeMessage(table, value);
    await writer.addMessage({ channelId, sequence: number, logTime, publishTime: logTime, data });
  }
  await writer.end();
  await file.close();
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!;
}

const readSeconds: number[] = [];
const ways = {
  own: (path: string) => writeOwn(path),
  outcomes: (path: string) => writeOutcomes(path),
  library: (path: string) => writeLibrary(`${path}.mcap`),
};
const seconds: Record<keyof typeof ways, number[]> = { own: [], outcomes: [], library: [] };
try {
  // The ways take turns, so that what else the machine does hits all of them.
  for (let round = 0; round < rounds; round++) {
    for (const way of ['own', 'outcomes', 'library'] as const) {
      const started = performance.now();
      const readBefore = readSeconds.length;
      await ways[way](join(folder, `${way}-${round}`));
      const reading = readSeconds.length > readBefore ? readSeconds.at(-1)! : 0;
      seconds[way].push((performance.now() - started) / 1000 - reading);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
const rate = (list: readonly number[]): string => (events / median(list) / 1e6).toFixed(2);
console.log(`events a round: ${events}, rounds: ${rounds}, medians, Node ${process.version}`);
console.log(`writer: ${rate(seconds.own)} million events/s (chain, CRC, index and file included)`);
console.log(`reader: ${rate(readSeconds)} million events/s (everything checked)`);
console.log(`outcomes: ${rate(seconds.outcomes)} million tasks/s, 1,000 a tick in columns`);
console.log(`MCAP library's writer: ${rate(seconds.library)} million events/s`);
console.log(
  `writer against library: ${(median(seconds.library) / median(seconds.own)).toFixed(1)} times as fast`,
);
