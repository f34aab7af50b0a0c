// What a source is told of its lines: only what a process that dies now leaves in its record.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createSystem, type LineSource, Orchestrator } from '../index.ts';
import { counting, echo } from '../testing/create-run.ts';
import { fedSource, newFolder, recorded } from '../testing/runs.ts';

interface Told {
  readonly source: LineSource;
  readonly feed: { push(chunk: string | null): boolean };
  readonly acknowledged: number[];
}

/** A source that compares what it is told with what the disk has. */
function watched(runDirectory: string): Told {
  const { source, feed } = fedSource();
  const acknowledged: number[] = [];
  const acknowledge: NonNullable<LineSource['acknowledge']> = ({ byte }) => {
    const onDisk = recorded(runDirectory, 'inputs').at(-1)?.cursor?.byte ?? -1;
    assert.ok(onDisk >= byte, `acknowledged up to ${byte}, and the record has ${onDisk}`);
    acknowledged.push(byte);
  };
  return { source: Object.assign(source, { acknowledge }), feed, acknowledged };
}

for (const durability of ['tick', 'batch', 'none'] as const) {
  test(`durability ${durability}: lines are acknowledged when the record on the disk has them, and all are`, async () => {
    const runDirectory = newFolder();
    const agents = { echo, counting: { ...counting, everyTick: true } };
    const host = { durability, batchTicks: 3, batchMs: 20 };
    const system = await createSystem({ run: { inputsPerTickMax: 2 }, host, agents });
    const run = await Orchestrator.create({ system, runDirectory });
    const { source, feed, acknowledged } = watched(runDirectory);
    const running = run.run({ source });
    let bytes = 0;
    for (let i = 0; i < 40; i++) {
      const line = `{"agent":"echo","payload":${i}}\n`;
      bytes += line.length;
      feed.push(line);
      if (i % 4 === 0) await turn();
    }
    feed.push(null);
    await running;
    assert.equal(acknowledged.at(-1), bytes);
    assert.deepEqual(
      acknowledged,
      [...acknowledged].sort((a, b) => a - b),
    );
    if (durability === 'tick') assert.ok(acknowledged.length >= 20);
  });
}
