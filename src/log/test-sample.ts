// A small run directory with every kind of event, for the tests of this room. Not part of the package's face.

import { encodeHex, encodeUtf8 } from '../base/encoding.ts';
import { sha256 } from './chain.ts';
import { type ChannelMessages, type ChannelName, decodeEvent } from './channels.ts';
import { createRunDirectory } from './create-run-directory.ts';
import { readEvents } from './event-log-reader.ts';
import { type EventLogOptions, EventLogWriter } from './event-log-writer.ts';
import { encodeHeadFile, firstHead, headFile } from './head-record.ts';
import type { RunDirectory, RunManifest } from './run-directory.ts';
import type { Storage } from './storage.ts';
import { MemoryStorage } from './test-storage.ts';

export type SampleEvent = { [C in ChannelName]: readonly [C, number, ChannelMessages[C]] }[ChannelName];

const hash = (text: string): Uint8Array<ArrayBuffer> => sha256(encodeUtf8(text));

export const sampleModule: Uint8Array<ArrayBuffer> = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
export const sampleConfig: Uint8Array<ArrayBuffer> = encodeUtf8('{"run":{"seed":1}}');

const sampleRunId = '00112233445566778899aabbccddeeff';

export const sampleManifest: RunManifest = {
  format: 1,
  runId: sampleRunId,
  engine: '0.1.0',
  durability: 'none',
  costTable: 1,
};

/** Events of `ticks` ticks, all channels among them. */
export function sampleEvents(ticks: number): SampleEvent[] {
  const events: SampleEvent[] = [
    [
      'run-started',
      0,
      {
        format: 1,
        engine: '0.1.0',
        epoch: 0,
        durability: 'none',
        configSha256: sha256(sampleConfig),
        costTable: 1,
        moduleSha256: [sha256(sampleModule), hash('b')],
        node: 'v24.0.0',
        redacted: [],
        baseTick: 0,
        baseDigest: new Uint8Array(0),
        runId: sampleRunId,
        host: '{"batchMs":100}',
      },
    ],
  ];
  for (let tick = 0; tick < ticks; tick++) events.push(...tickEvents(tick));
  events.push(['run-ended', ticks, { tick: ticks, reason: 'ticks', digest: hash('end') }]);
  return events;
}

function tickEvents(tick: number): SampleEvent[] {
  const agent = `trader/${tick}`;
  const input = {
    kind: 2,
    origin: 0,
    counter: tick,
    name: 'prices',
    payload: encodeUtf8('{"price":12.5}'),
    priority: 1 - tick,
    detail: new Uint8Array(0),
    tick: 0,
    waits: tick === 1,
  };
  const cursor = {
    source: 'prices.jsonl',
    byte: tick * 2 ** 33,
    line: tick,
    ended: tick > 2,
    badLines: tick * 3,
  };
  const columns = { agent: [1, 2, 300], kind: [1, 17, 32], outcome: [0, 0, 3], fuel: [0, 2 ** 40, 1234] };
  return [
    [
      'inputs',
      tick,
      { tick, inputs: [input, { ...input, kind: 9, name: 'Grüße' }], cursor, redacted: [], stop: 'ticks' },
    ],
    ['outcomes', tick, { tick, ...columns }],
    ['outputs', tick, { epoch: 0, tick, index: 0, agent, payload: Uint8Array.of(tick, 255, 0) }],
    [
      'faults',
      tick,
      {
        tick,
        agent,
        number: 3,
        kind: 'out-of-fuel',
        message: 'x',
        taskKind: 1,
        fuel: 2 ** 53 - 1,
        functions: 'parse < größe',
        functionIndex: 12,
        offset: 2 ** 32 - 1,
      },
    ],
    ['events', tick, { tick, kind: 'spawned', agent, other: '', reason: '', count: 1, text: '' }],
    ['texts', tick, { tick, agent, level: 2, text: 'täglich', failed: true }],
    ['traces', tick, { tick, transcript: new Uint8Array(40).fill(tick) }],
    [
      'digests',
      tick,
      {
        tick,
        digest: hash(`${tick}`),
        tasks: 3,
        messages: 9,
        fuel: 2 ** 40 + 1234,
        faults: 1,
        outputs: 2,
        dropped: 1,
      },
    ],
  ];
}

export function sampleDirectory(storage: Storage = new MemoryStorage()): RunDirectory {
  const modules = new Map([[encodeHex(sha256(sampleModule)), sampleModule]]);
  return createRunDirectory(
    storage.place,
    { manifest: sampleManifest, config: sampleConfig, modules },
    storage,
  );
}

/** Appends events; a chunk ends after each `flushEvery` of them. */
export function appendAll(writer: EventLogWriter, events: readonly SampleEvent[], flushEvery = 4): void {
  events.forEach(([channel, tick, value], position) => {
    writer.append(channel, tick, value);
    if (position % flushEvery === flushEvery - 1) writer.flush();
  });
}

/** A closed log in memory. */
export function sampleLog(
  ticks: number,
  options: EventLogOptions = {},
): { storage: MemoryStorage; directory: RunDirectory; events: SampleEvent[] } {
  const storage = new MemoryStorage();
  const directory = sampleDirectory(storage);
  const writer = new EventLogWriter(directory, options);
  const events = sampleEvents(ticks);
  appendAll(writer, events);
  writer.close();
  return { storage, directory, events };
}

/** Makes the head record say that nothing of the log is durable: as if a crash had come before the first sync. */
export function rewindHead(storage: MemoryStorage): void {
  storage.files.set(headFile, encodeHeadFile(firstHead(sampleRunId, 0)));
}

/** Everything that the reader gives, decoded. */
export function readAll(directory: RunDirectory): { events: SampleEvent[]; complete: boolean } {
  const reader = readEvents(directory);
  const events: SampleEvent[] = [];
  for (const { channel, tick, payload } of reader) {
    events.push([channel, tick, decodeEvent(channel, payload)] as unknown as SampleEvent);
  }
  return { events, complete: reader.end.complete };
}
