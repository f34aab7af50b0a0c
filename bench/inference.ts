// What asking a model through the engine costs beside calling the runtime directly, with the same model in the same
// process run: one request after another, 64 at once, and large tensors. Ways take turns in each round.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from '../scripts/command-line.ts';
import { ElementType, encodeTensorList } from '../src/abi/tensor-list.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { HostedModel } from '../src/inference/hosted-model.ts';
import { ModelHost } from '../src/inference/model-host.ts';
import { loadRuntime, type Mode } from '../src/inference/runtime.ts';
import { median, shown } from './support/measure.ts';
import { placeNetwork } from './support/networks.ts';

const { float32 } = ElementType;
const { rounds } = programOf('bench inference', 'What asking a model through the engine costs.')
  .option('--rounds <count>', 'rounds of each measurement', wholeNumber(1, 1000), 11)
  .parse()
  .opts<{ readonly rounds: number }>();
const warmUpRounds = 2;
const roundMs = 120;
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));

interface Case {
  readonly title: string;
  readonly size: number;
  /** As many as make a direct run take so long, where they are not given. */
  readonly layers: number | { readonly runMs: number };
  /** Rows of one request. */
  readonly rows: number;
  /** Requests at once. */
  readonly together: number;
  /** Those of a tick are asked while those of the tick before are under way, as with `latencyTicks` above 1. */
  readonly overlapping?: boolean;
}

const cases: readonly Case[] = [
  { title: 'tiny model, 16 numbers', size: 16, layers: 1, rows: 1, together: 1 },
  { title: '1 MB in, 1 MB out, little work', size: 16, layers: 1, rows: 16_384, together: 1 },
  { title: '100 KB in, 100 KB out, runs of 5 ms', size: 256, layers: { runMs: 5 }, rows: 100, together: 1 },
  { title: '100 KB in, 100 KB out, runs of 10 ms', size: 256, layers: { runMs: 10 }, rows: 100, together: 1 },
  {
    title: 'runs of 5 ms, ticks overlapping',
    size: 256,
    layers: { runMs: 5 },
    rows: 100,
    together: 1,
    overlapping: true,
  },
  { title: '64 agents, 1 MB of weights', size: 256, layers: 4, rows: 1, together: 64 },
  { title: 'the same, ticks overlapping', size: 256, layers: 4, rows: 1, together: 64, overlapping: true },
  { title: '64 agents, 0.25 MB of weights', size: 128, layers: 4, rows: 1, together: 64 },
  { title: '64 agents, tiny model', size: 16, layers: 1, rows: 1, together: 64 },
];

interface Way {
  readonly call: () => Promise<void>;
  /** Waits for what is under way. */
  readonly settle: () => Promise<unknown>;
}

/** Microseconds of one request. */
async function round(way: Way, together: number): Promise<number> {
  const startedMs = performance.now();
  let count = 0;
  let elapsedMs = 0;
  while (elapsedMs < roundMs) {
    await way.call();
    count += together;
    elapsedMs = performance.now() - startedMs;
  }
  await way.settle();
  elapsedMs = performance.now() - startedMs;
  return (elapsedMs * 1000) / count;
}

/** @param isBatched whether the rows of all requests go to the runtime in one call, as if one had asked for them */
async function directly(model: HostedModel, each: Case, isBatched = false): Promise<Way> {
  const { size } = each;
  const rows = each.rows * (isBatched ? each.together : 1);
  const calls = isBatched ? 1 : each.together;
  const runtime = await loadRuntime(model.mode);
  const session = await runtime.InferenceSession.create(join(model.folder, 'model.onnx'), {
    executionProviders: [model.mode === 'portable' ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
  });
  const data = new Float32Array(rows * size).fill(0.5);
  const call = async (): Promise<void> => {
    for (let i = 0; i < calls; i++)
      await session.run({ x: new runtime.Tensor('float32', data, [rows, size]) });
  };
  return { call, settle: async () => {} };
}

function hosted(host: ModelHost, model: HostedModel, { size, rows, together, overlapping }: Case): Way {
  const data = new Uint8Array(new Float32Array(rows * size).fill(0.5).buffer);
  const request = encodeTensorList([{ name: 'x', type: float32, dims: [rows, size], data }]);
  const requests = Array.from({ length: together }, () => request);
  let before: Promise<unknown> = Promise.resolve();
  const call = async (): Promise<void> => {
    const run = host.run(model, requests);
    await (overlapping === true ? before : run);
    before = run;
  };
  return { call, settle: () => before };
}

/** Depends on the machine, so it is tried. */
async function layersOf(mode: Mode, each: Case): Promise<number> {
  if (typeof each.layers === 'number') return each.layers;
  const layers = 16;
  const place = mkdtempSync(join(folder, `${mode}-trial-`));
  const way = await directly(placeNetwork(join(place, 'model'), mode, each.size, layers), each);
  const micros: number[] = [];
  for (let i = 0; i < 5; i++) micros.push(await round(way, 1));
  return Math.ceil((layers * each.layers.runMs * 1000) / Math.min(...micros)) + 2;
}

async function measure(mode: Mode): Promise<void> {
  console.log(`${`mode ${mode}`.padEnd(38)} direct us   engine us   ratio   bound  batching`);
  for (const [index, each] of cases.entries()) {
    const place = join(folder, `${mode}-${index}`);
    const model = placeNetwork(place, mode, each.size, await layersOf(mode, each));
    const host = new ModelHost({ modelBytesMax: 2 ** 31 });
    const { batching } = await host.load(model);
    const ways = [await directly(model, each), hosted(host, model, each)];
    if (each.together > 1) ways.push(await directly(model, each, true));
    const micros: number[][] = ways.map(() => []);
    for (let i = 0; i < warmUpRounds + rounds; i++) {
      for (const [way, taken] of micros.entries()) {
        const took = await round(ways[way]!, each.together);
        if (i >= warmUpRounds) taken.push(took);
      }
    }
    const [ratio, bound] = micros.slice(1).map((taken) =>
      median(taken.map((took, i) => took / micros[0]![i]!))
        .toFixed(2)
        .padStart(7),
    );
    const [direct, engine] = micros.map((taken) => shown(median(taken)));
    const line = `  ${each.title.padEnd(36)} ${direct!.padStart(9)} ${engine!.padStart(11)} ${ratio}`;
    console.log(`${line} ${bound ?? ' '.repeat(7)}  ${batching.kind}`);
    await host.close();
  }
}

console.log(
  `node ${process.version}, ${process.platform} ${process.arch}; medians of ${rounds} rounds, us a request`,
);
console.log('ratio: time of a request through the engine against that of calling the runtime');
console.log('bound: the same of calling it once with all rows; who asks it for them all cannot be below');
try {
  await measure('native');
  await measure('portable');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
