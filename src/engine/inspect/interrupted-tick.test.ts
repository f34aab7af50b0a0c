// A process that dies when half of a tick is in the log: the tick is executed again, and whoever reads the log for people
// tells it once.

import assert from 'node:assert/strict';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { openRunDirectory, readEvents } from '../../log/index.ts';
import { chunkHeadSize } from '../../log/mcap-records.ts';
import { createSystem } from '../config/index.ts';
import { exportRun } from '../export/export-run.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { gatherRun } from '../record/run-facts.ts';
import { agent, importText } from '../testing/agents.ts';
import { cutRecord, newFolder, openInput } from '../testing/runs.ts';
import { happenings } from './happenings.ts';

const ports: Ports = { ...nodePorts, logSizes: { chunkBytesMax: 150 } };

/** Gives out and logs what it gets; fails at what is longer than nine bytes. */
const talking = agent({
  before: `${importText('output', 2)} ${importText('log', 3)}`,
  receive: `(local $p i32) (local $n i32)
    (local.set $p (i32.load offset=52 (local.get $at)))
    (local.set $n (i32.load offset=56 (local.get $at)))
    (drop (call $log (i32.const 2) (local.get $p) (local.get $n)))
    (drop (call $output (local.get $p) (local.get $n)))
    (if (i32.gt_u (local.get $n) (i32.const 9)) (then unreachable))
    i32.const 0`,
});

const lines = ['first', 'a payload that kills', 'last'].map((payload) =>
  JSON.stringify({ topic: 'news', payload }),
);

/** One chunk follows another so closely that most boundaries lie within ticks. */
async function whole(input: string): Promise<string> {
  const folder = newFolder();
  const system = await createSystem({
    run: { inputsPerTickMax: 1 },
    agents: {
      talking: {
        module: talking,
        count: 3,
        capabilities: ['output', 'log'],
        subscriptions: ['news'],
        restart: { policy: 'from-init', backoffTicks: 1 },
      },
    },
    topics: { news: {} },
    host: { durability: 'none', trace: 'outcomes' },
  });
  const run = await Orchestrator.create({ system, runDirectory: folder }, ports);
  await run.run({ source: openInput(input) });
  return folder;
}

function chunkStarts(folder: string): number[] {
  const chain = [...readEvents(openRunDirectory(folder), { channels: ['chain'] })];
  return chain.map(({ offset }) => offset - chunkHeadSize);
}

/** What is told, but for what each process tells of itself. */
function told(folder: string): object {
  const { epoch: _, node: __, manifest: ___, ...facts } = gatherRun(folder);
  const all = [...happenings(folder, {})].map(({ payload, ...rest }) => ({
    ...rest,
    ...(payload !== undefined && { payload: Buffer.from(payload).toString() }),
  }));
  const file = `${folder}.tar`;
  const { redacted } = exportRun(folder, file, { redact: ['news'] });
  const { agents } = gatherRun(file);
  return { facts, all, redacted, names: agents.map(({ name }) => name) };
}

test('a tick that a dying process had half written, and that was executed again, is told once', async () => {
  const input = `${newFolder()}.jsonl`;
  writeFileSync(input, lines.map((line) => `${line}\n`).join(''));
  const folder = await whole(input);
  const expected = told(folder);
  const { facts } = expected as { facts: ReturnType<typeof gatherRun> };
  assert.deepEqual([facts.agents.length, facts.outputs, facts.faults, facts.inputs], [3, 6, 9, 4]);
  let cuts = 0;
  for (const start of chunkStarts(folder).slice(1)) {
    const copy = newFolder();
    cpSync(folder, copy, { recursive: true });
    cutRecord(copy, start);
    const before = gatherRun(copy);
    assert.ok(before.agents.length === 0 || before.agents.length === 3, `${before.agents.length} agents`);
    try {
      const run = await Orchestrator.resume({ runDirectory: copy }, ports);
      await run.run({ source: openInput(input) });
      cuts++;
    } catch (error) {
      if (!(error instanceof EngineError && /it has ended/.test(error.message))) throw error;
    }
    assert.deepEqual(told(copy), expected, `cut at byte ${start}`);
    rmSync(copy, { recursive: true, force: true });
  }
  assert.ok(cuts > 30, `${cuts} boundaries`);
});
