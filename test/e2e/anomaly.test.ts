// The example with a model: what it finds in the real series, with any number of workers, and again on replay.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSystem, Orchestrator, openInput, type RunSummary, replayRun } from '../../src/engine/index.ts';
import { KeptOutputs } from '../../src/engine/testing/runs.ts';
import { withoutRuntime } from '../../src/inference/testing/sample-models.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'anomaly');
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-anomaly-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Finding {
  readonly kind: string;
  readonly month: string;
  readonly industries: readonly string[];
}

async function run(
  workers: number,
): Promise<{ summary: RunSummary; findings: Finding[]; runDirectory: string }> {
  const system = await loadSystem(join(example, 'system.toml'));
  const outputs = new KeptOutputs();
  const runDirectory = join(folder, `run-${workers}`);
  const orchestrator = await Orchestrator.create({ system, runDirectory, workers, outputs });
  const source = openInput(join(example, 'build', 'employment.jsonl'));
  const summary = await orchestrator.run({ source });
  const [facts] = orchestrator.modelStatistics;
  assert.equal(facts?.requests, 15 * 113);
  const batches = [...facts.batches].map(([size, { runs }]) => [size, runs]);
  assert.deepEqual(batches, [[15, 113]]);
  const findings = outputs.list.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as Finding);
  return { summary, findings, runDirectory };
}

test('the model finds the crisis and the census, and digests agree', {
  skip: withoutRuntime('portable'),
}, async () => {
  const plain = await run(0);
  const together = plain.findings
    .filter(({ kind }) => kind === 'together')
    .map(({ month }) => month.slice(0, 7));
  assert.ok(
    together.every((month) => month >= '2008-06' && month < '2010-01'),
    together.join(),
  );
  for (const month of ['2008-11', '2009-01', '2009-03']) assert.ok(together.includes(month), month);
  const census = plain.findings.find(({ month }) => month === '2010-05-01');
  assert.deepEqual(census?.industries, ['government']);
  const spread = await run(2);
  assert.equal(spread.summary.digest, plain.summary.digest);
  assert.deepEqual(spread.findings, plain.findings);
  const replayed = await replayRun(plain.runDirectory, { workers: 1 });
  assert.equal(replayed.digest, plain.summary.digest);
});

test('the model of the example is small', () => {
  assert.ok(statSync(join(example, 'models', 'employment', '1', 'model.onnx')).size < 200_000);
});
