// The inputs of another run for one that goes on with them, from the tick that this one is at.

import { EngineError } from '../../base/errors.ts';
import type { HostCalls } from '../input/host-calls.ts';
import type { Ports } from '../ports.ts';
import type { DurableLog } from '../record/durable-log.ts';
import { loadRun } from '../record/load-run.ts';
import { RecordedFeed } from '../replay/recorded-feed.ts';
import type { OpenRun } from './open-run.ts';

/** What the run that takes the inputs is, and does. */
export interface FeedTaker {
  readonly open: OpenRun;
  readonly calls: HostCalls;
  readonly durable: DurableLog;
  readonly ports: Ports;
}

/** `path`: the run directory of the other run. */
export async function openFeed(
  path: string,
  lastTick: number | undefined,
  { open, calls, durable, ports }: FeedTaker,
): Promise<RecordedFeed> {
  const { machine, record } = open;
  const { tick } = machine.state;
  const other = await loadRun(path, ports);
  const begins = other.base?.tick ?? 0;
  if (begins > tick) {
    const text = `Cannot go on with the inputs of "${path}" behind tick ${tick}: its record begins behind tick ${begins}`;
    throw new EngineError('input-invalid', text, { path, tick, begins });
  }
  const { origin } = record.directory.manifest;
  const feed = new RecordedFeed(other, {
    after: tick,
    digest: machine.digest,
    unchanged: origin?.changes.length === 0,
    forkedAt: origin?.tick,
    lastTick,
    check: (inputs) => calls.checkRecorded(inputs),
  });
  // Whoever goes on with the run finds where its inputs come from, even if none of them is in the record yet.
  record.recorder.sealed(tick, [], feed.cursor);
  await durable.sync();
  return feed;
}
