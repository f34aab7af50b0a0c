import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeGenerationPiece,
  encodeGenerationRequest,
  type GenerationRequest,
  PromptKind,
} from '../../abi/generation.ts';
import { decodeInferenceAnswer } from '../../abi/tensor-list.ts';
import { encodeUtf8 } from '../../base/encoding.ts';
import type { AnswerOf, ChildAnswer, ChildRequest } from '../../inference/child-protocol.ts';
import { hashModelFolder, InferenceProcess } from '../../inference/index.ts';
import { decoderFiles, llamaModel, qwenModel } from '../../inference/testing/sample-decoders.ts';
import { withoutRuntime } from '../../inference/testing/sample-models.ts';
import type { ModelDescription } from '../config/create-system.ts';
import { createSystem, type System } from '../config/index.ts';
import { Orchestrator } from '../live/orchestrator.ts';
import { nodePorts, type Ports } from '../ports.ts';
import { replayRun } from '../replay/replay.ts';
import { keptPorts } from '../testing/kept-process.ts';
import { placeModel, writingAgent } from '../testing/models.ts';
import { chainOf, KeptOutputs, newFolder, runInParts } from '../testing/runs.ts';
import { openInferenceDesk } from './inference-desk.ts';

const skip = withoutRuntime('portable');
const qwen = decoderFiles(qwenModel(), 'qwen2');
const llama = decoderFiles(llamaModel(), 'llama');
const placed = placeModel([qwen, llama]);

function writing(rest: Partial<ModelDescription> = {}, snapshotTicks = 0): Promise<System> {
  return createSystem({
    run: { seed: 7 },
    host: { durability: 'none', snapshotTicks },
    agents: { writer: { module: writingAgent(), capabilities: ['generate', 'output'], count: 3 } },
    models: { writer: { ...placed, ...rest } },
  });
}

function request(rest: Partial<GenerationRequest> = {}): Uint8Array<ArrayBuffer> {
  return encodeGenerationRequest({
    promptKind: PromptKind.text,
    prompt: encodeUtf8('hello the world'),
    tokensMax: 10,
    tokensPerTick: 3,
    temperature: 1,
    topK: 0,
    topP: 1,
    seed: 0n,
    stopTokens: [],
    ...rest,
  });
}

function lines({ list }: KeptOutputs): string[] {
  return list.map(({ tick, agent, payload }) => {
    const piece = decodeGenerationPiece(payload);
    if (piece !== undefined)
      return `${tick} ${agent} part ${piece.part} reason ${piece.reason}: ${piece.tokens.length}`;
    const answer = decodeInferenceAnswer(payload);
    return `${tick} ${agent} ${answer?.status === 0 ? '' : `${answer?.status} ${answer?.text}`}`;
  });
}

/** Three texts with different parameters; the run ends of itself. */
async function run(system: System, workers: number, ports: Ports = keptPorts) {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, workers, outputs }, ports);
  start(orchestrator);
  await orchestrator.run();
  return { folder, outputs };
}

function start(orchestrator: Orchestrator): void {
  orchestrator.send('writer/0', { payload: request() });
  orchestrator.send('writer/1', { payload: request({ topK: 20, topP: 0.9, tokensPerTick: 4 }) });
  orchestrator.send('writer/2', { payload: request({ temperature: 0, tokensMax: 5 }) });
}

test('a text comes piece by piece, tick by tick, and its mistakes are answers', { skip }, async () => {
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const system = await writing({ latencyTicks: 3 });
  const options = { system, runDirectory: folder, workers: 0, outputs };
  const orchestrator = await Orchestrator.create(options, keptPorts);
  const tokens = new Uint8Array(Uint32Array.of(5, 6, 300).buffer);
  orchestrator.send('writer/0', { payload: request() });
  orchestrator.send('writer/1', { payload: request({ tokensPerTick: 0 }) });
  orchestrator.send('writer/2', { payload: request({ promptKind: PromptKind.tokens, prompt: tokens }) });
  orchestrator.send('writer/2', {
    payload: request({ promptKind: PromptKind.tokens, prompt: tokens.subarray(0, 8), tokensMax: 2 }),
  });
  await orchestrator.run();
  assert.deepEqual(lines(outputs), [
    '4 writer/0 part 0 reason 0: 3',
    '4 writer/1 1 Cannot read the request: it wants 0 tokens per tick, wanted 1 to 65536',
    '4 writer/2 2 Cannot take the prompt: it has token 300, and the model knows 268',
    '4 writer/2 part 0 reason 2: 2',
    '5 writer/0 part 1 reason 0: 3',
    '6 writer/0 part 2 reason 0: 3',
    '7 writer/0 part 3 reason 2: 1',
  ]);
});

/** Dies twice, or is slow, while it writes. */
class UnsteadyProcess extends InferenceProcess {
  readonly #deaths: { left: number };
  #pieces = 0;

  constructor(deaths: { left: number }) {
    super();
    this.#deaths = deaths;
  }

  override async ask<K extends ChildAnswer['kind']>(wanted: K, asked: ChildRequest): Promise<AnswerOf<K>> {
    if (wanted === 'generated' && ++this.#pieces % 4 === 0) {
      if (this.#deaths.left-- > 0) process.kill(this.pid!, 'SIGKILL');
      else await sleep(20);
    }
    return super.ask(wanted, asked);
  }
}

function unsteady(deaths: number): Ports {
  const left = { left: deaths };
  const openInference: Ports['openInference'] = (of) =>
    openInferenceDesk(of, () => new UnsteadyProcess(left));
  return { ...nodePorts, openInference };
}

test('digests are the same with fast, slow and dying processes, with any workers, and on replay', {
  skip,
}, async () => {
  const system = await writing({ version: '2', latencyTicks: 2 });
  const plain = await run(system, 0);
  const chain = chainOf(plain.folder);
  assert.ok(chain.length > 5);
  for (const [workers, ports] of [
    [1, unsteady(0)],
    [2, unsteady(2)],
    [4, keptPorts],
  ] as const) {
    const other = await run(system, workers, ports);
    assert.deepEqual(chainOf(other.folder), chain);
    assert.deepEqual(other.outputs.list, plain.outputs.list);
  }
  const replayed = await replayRun(plain.folder, { workers: 0 }, keptPorts);
  assert.equal(replayed.complete, true);
  const again = await replayRun(plain.folder, { workers: 0, recompute: true }, keptPorts);
  assert.deepEqual(again.recomputed, { answers: 9, exact: 9, difference: 0 });
});

test('a run that stops amid its texts goes on, and so does a fork, with the digests of one that did not', {
  skip,
}, async () => {
  const system = await writing({}, 2);
  const { folder: whole } = await run(system, 0);
  const chain = chainOf(whole);
  const parts = newFolder();
  const begin = async (): Promise<Orchestrator> => {
    const orchestrator = await Orchestrator.create({ system, runDirectory: parts }, keptPorts);
    start(orchestrator);
    return orchestrator;
  };
  await runInParts(parts, begin, [2, 3], keptPorts);
  assert.deepEqual(chainOf(parts), chain);
  await replayRun(parts, { from: 4, recompute: true }, keptPorts);
  const forked = newFolder();
  const fork = await Orchestrator.fork({ from: whole, tick: 3, runDirectory: forked }, keptPorts);
  await fork.run();
  const behind = chain.filter((line) => Number(line.split(' ')[0]) > 3);
  assert.deepEqual(chainOf(forked), behind);
  // One that takes the pieces that a record has, and then goes on with the texts.
  const [part, followed] = [newFolder(), newFolder()];
  const cut = await Orchestrator.create({ system, runDirectory: part }, keptPorts);
  start(cut);
  const abort = new AbortController();
  const onTick = ({ ticks }: { readonly ticks: number }): void => {
    if (ticks === 4) abort.abort();
  };
  await cut.run({ onTick, signal: abort.signal });
  const follower = await Orchestrator.fork({ from: part, tick: 3, runDirectory: followed }, keptPorts);
  await follower.run({ recorded: part });
  assert.deepEqual(chainOf(followed), behind);
});

test('computing a record again tells the first step whose numbers are others', { skip }, async () => {
  const { folder } = await run(await writing(), 0);
  const other = decoderFiles(qwenModel('float32'), 'qwen2');
  const { folder: models } = placeModel([other]);
  const elsewhere: Ports = {
    ...nodePorts,
    openInference: ({ config, host }) => {
      const sha256 = hashModelFolder(join(models!, '1')).sha256;
      const [model] = config.models;
      const changed = [{ ...model!, versions: [{ version: '1', sha256 }, model!.versions[1]!] }];
      const modelFolders = new Map([['writer', models!]]);
      return openInferenceDesk({ config: { ...config, models: changed }, host: { ...host, modelFolders } });
    },
  };
  await assert.rejects(
    replayRun(folder, { recompute: true }, elsewhere),
    /request 0 of agent "writer\/0" to model "writer", due in tick 2: the logits differ first at step 0/,
  );
});
