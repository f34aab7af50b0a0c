// Runs for tests: folders that go away, and what a record says. Must not be published.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after } from 'node:test';
import { encodeHex } from '../../base/encoding.ts';
import { encodeHeadFile, firstHead, headFile } from '../../log/head-record.ts';
import {
  type ChannelMessages,
  type ChannelName,
  decodeEvent,
  openRunDirectory,
  type RunManifest,
  readEvents,
} from '../../log/index.ts';
import { type LineSource, openInput } from '../input/index.ts';
import { LineStream } from '../input/line-stream.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import type { OutputRecord } from '../record/recorder.ts';

/** In memory where the host has a place for it: these tests sync small files thousands of times. */
function makeRoot(): string {
  for (const place of ['/dev/shm', tmpdir()]) {
    try {
      return mkdtempSync(join(place, 'wasm-engine-test-'));
    } catch {}
  }
  throw new Error(`no folder can be made in "${tmpdir()}"`);
}

const root = makeRoot();
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

/** The path of a folder that is not there yet, and is removed after the tests of the file. */
export function newFolder(): string {
  return join(root, `run-${++count}`);
}

/** What a record holds on one channel, in order. */
export function recorded<C extends ChannelName>(path: string, channel: C): ChannelMessages[C][] {
  const reader = readEvents(openRunDirectory(path), { channels: [channel] });
  // A decoded message may be a view that the next chunk overwrites.
  return [...reader].map(({ payload }) => structuredClone(decodeEvent(channel, payload)));
}

/**
 * Cuts a segment of a record to its first bytes, as a crash may leave it that came before any sync: its head record
 * says that nothing was durable.
 */
export function cutRecord(path: string, size: number, segment = 'events-000000.mcap'): void {
  const { runId, baseTick } = JSON.parse(readFileSync(join(path, 'run.json'), 'utf8')) as RunManifest;
  writeFileSync(join(path, headFile), encodeHeadFile(firstHead(runId, baseTick ?? 0)));
  truncateSync(join(path, segment), size);
}

/** `tick digest` of each tick that the record tells. */
export function chainOf(path: string): string[] {
  return recorded(path, 'digests').map(({ tick, digest }) => `${tick} ${encodeHex(digest)}`);
}

/** A sink that keeps what it gets. */
export class KeptOutputs {
  readonly list: OutputRecord[] = [];

  write(output: OutputRecord): void {
    this.list.push(output);
  }

  /** `tick index agent payload` of each output. */
  get texts(): string[] {
    return this.list.map(outputText);
  }
}

export function outputText(output: Omit<OutputRecord, 'epoch'>): string {
  const { tick, index, agent, payload } = output;
  return `${tick} ${index} ${agent} ${Buffer.from(payload).toString('hex')}`;
}

/** Runs to its end what `begin` begins, interrupted at each of these ticks and gone on with from its record. */
export async function runInParts(
  runDirectory: string,
  begin: () => Promise<Orchestrator>,
  ticks: readonly number[],
  ports: Ports = nodePorts,
): Promise<void> {
  let orchestrator = await begin();
  for (const until of ticks) {
    const abort = new AbortController();
    const onTick = (progress: { readonly ticks: number }): void => {
      if (progress.ticks >= until) abort.abort();
    };
    const { reason } = await orchestrator.run({ onTick, signal: abort.signal });
    assert.equal(reason, 'interrupted');
    orchestrator = await Orchestrator.resume({ runDirectory }, ports);
  }
  await orchestrator.run();
}

/** A source that is fed by hand. */
export function fedSource(): { readonly source: LineSource; readonly feed: Readable } {
  const feed = new Readable({ read() {} });
  return { source: new LineStream(feed, 'standard input'), feed };
}

export { openInput };
