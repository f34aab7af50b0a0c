// Models that lines of an input declare and swap, and calls for models at the end of a run.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostCode } from '../../abi/host-functions.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from '../../inference/child-protocol.ts';
import { InferenceProcess } from '../../inference/inference-process.ts';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import { createSystem, type System } from '../config/index.ts';
import { openInput } from '../input/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { replayRun } from '../replay/replay.ts';
import { isCode } from '../testing/create-run.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { lateAsker, lateTexts, placeModel, rows, scaleModel } from '../testing/models.ts';
import { chainOf, KeptOutputs, newFolder } from '../testing/runs.ts';
import { openInferenceDesk } from './inference-desk.ts';

const skip = withoutRuntime('portable');
const late = placeModel([scaleModel(2), scaleModel(10)]);
const declared = { declareModel: 'late', description: { ...late, latencyTicks: 3 } };

function withoutModels(): Promise<System> {
  return createSystem({
    host: { durability: 'none' },
    agents: { asker: { module: lateAsker(), capabilities: ['infer', 'output'], count: 4 } },
  });
}

/** A message to each agent. */
function asks(value: number, tick?: number): object[] {
  return [0, 1, 2, 3].map((i) => {
    const $base64 = Buffer.from(rows([value + i, 1, 1, 1])).toString('base64');
    return { tick, agent: `asker/${i}`, payload: { $base64 } };
  });
}

/** Before the model, with it, with its other version, and as it is swapped. */
const script: readonly object[] = [
  ...asks(1, 1),
  { tick: 2, ...declared },
  ...asks(2, 2),
  { tick: 6, useModel: 'late', version: '2' },
  ...asks(3, 6),
  { tick: 8, useModel: 'late', version: '1' },
  ...asks(4, 8),
  ...asks(5),
];

function fileOf(lines: readonly object[]): string {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return path;
}

test('models that lines declare and swap give the same digests with any workers, on replay, and where a run goes on', {
  skip,
}, async () => {
  const system = await withoutModels();
  const path = fileOf(script);
  const chains: string[][] = [];
  for (const workers of [0, 1, 2, 4]) {
    const [runDirectory, outputs] = [newFolder(), new KeptOutputs()];
    const run = await Orchestrator.create({ system, runDirectory, workers, outputs }, keptPorts);
    assert.equal((await run.run({ source: openInput(path), strict: true })).reason, 'quiescence');
    const of = lateTexts(outputs).filter((text) => text.split(' ')[1] === '1');
    assert.deepEqual(of, [`1 1 ${HostCode.unknownName}`, '5 1 7', '9 1 41', '11 1 11', '11 1 13']);
    chains.push(chainOf(runDirectory));
    if (workers > 0) continue;
    await replayRun(runDirectory, { workers: 2 });
    const { recomputed } = await replayRun(runDirectory, { recompute: true }, keptPorts);
    assert.deepEqual(recomputed, { answers: 16, exact: 16, difference: 0 });
  }
  for (const tick of [1, 2, 6, 8]) {
    const runDirectory = newFolder();
    const controller = new AbortController();
    const first = await Orchestrator.create({ system, runDirectory }, keptPorts);
    const onTick = (): void => {
      if (first.tick >= tick) controller.abort();
    };
    await first.run({ source: openInput(path), signal: controller.signal, onTick });
    const second = await Orchestrator.resume({ runDirectory }, keptPorts);
    await second.run({ source: openInput(path), strict: true });
    chains.push(chainOf(runDirectory));
  }
  for (const chain of chains) assert.deepEqual(chain, chains[0]);
});

test('a line whose model cannot be declared or used is a bad one, told in one line', { skip }, async () => {
  const nowhere = { ...late, folder: '/nowhere' };
  const unpinned = { ...late, versions: { 1: '0'.repeat(64) } };
  const path = fileOf([
    { useModel: 'late', version: '2' },
    { declareModel: 'late', description: nowhere },
    { declareModel: 'late', description: unpinned },
    { declareModel: 'late', description: { ...late, modes: 'native', batchMax: -1 } },
    { declareModel: 'a b', description: late },
    declared,
    declared,
    { useModel: 'late', version: '9' },
    ...asks(1),
  ]);
  const outputs = new KeptOutputs();
  const run = await Orchestrator.create(
    { system: await withoutModels(), runDirectory: newFolder(), outputs },
    keptPorts,
  );
  const bad: string[] = [];
  const summary = await run.run({
    source: openInput(path),
    reportBadLine: (problem) => bad.push(problem.slice(path.length)),
  });
  const wanted = [
    /^:1: Cannot use model "late": the system declares none$/,
    /^:2: Cannot load model "late\/1": .*no folder at "\/nowhere\/1"/,
    /^:3: Cannot load model "late\/1": its hash is [0-9a-f]{64}, wanted 0{64}/,
    /^:4: Cannot declare model "late" \(2 problems\): .*batchMax.*; .*modes/,
    /^:5: Cannot declare model "a b": /,
    /^:7: Cannot declare model "late": the system has one of that name$/,
    /^:8: Cannot use version "9" of model "late": the system declares 1, 2$/,
  ];
  assert.equal(bad.length, wanted.length, bad.join('\n'));
  for (const [i, words] of wanted.entries()) assert.match(bad[i]!, words);
  assert.ok(bad.every((problem) => !problem.includes('\n')));
  assert.equal(summary.badLines, 7);
  assert.equal(lateTexts(outputs).length, 4);
  const strict = await Orchestrator.create(
    { system: await withoutModels(), runDirectory: newFolder() },
    keptPorts,
  );
  const refused = isCode('input-invalid', /jsonl:1: found agent "nobody"|jsonl:1: Cannot use model/);
  await assert.rejects(strict.run({ source: openInput(path), strict: true }), refused);
});

/** What may be closed for a while. */
class Gate {
  open: () => void = () => {};
  opened: Promise<void> = Promise.resolve();

  close(): void {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** A process that begins with nothing while its gate is closed. */
class Held extends InferenceProcess {
  readonly #gate: Gate;

  constructor(gate: Gate) {
    super();
    this.#gate = gate;
  }

  override async ask<K extends ChildAnswer['kind']>(kind: K, request: ChildRequest): Promise<AnswerOf<K>> {
    await this.#gate.opened;
    return super.ask(kind, request);
  }
}

test('a call for a model behind the end of a run says that it has ended, and writes nothing', {
  skip,
}, async () => {
  const runDirectory = newFolder();
  const gate = new Gate();
  const openInference: Ports['openInference'] = (of) => openInferenceDesk(of, () => new Held(gate));
  const ports = { ...nodePorts, openInference };
  const run = await Orchestrator.create({ system: await withoutModels(), runDirectory }, ports);
  await run.declareModel('late', late);
  await run.settle();
  const noted = readFileSync(join(runDirectory, 'models.json'), 'utf8');
  const ended = { code: 'input-refused', message: 'Cannot take an input: the run has ended' };
  // They are at it when it ends.
  gate.close();
  const under = [run.declareModel('later', late), run.useModel('late', '2')];
  const over = Promise.all(under.map((call) => assert.rejects(call, ended)));
  await run.stop();
  gate.open();
  await over;
  await assert.rejects(run.declareModel('later', late), ended);
  await assert.rejects(run.useModel('late', '2'), ended);
  assert.equal(readFileSync(join(runDirectory, 'models.json'), 'utf8'), noted);
});
