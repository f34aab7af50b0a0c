// Tokens a second of texts through the engine beside a bare loop over the runtime with the same model: the process,
// the cache, the hash of each step's logits and the sampler are what is between them. Ways take turns, and which comes
// first, too.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from '../scripts/command-line.ts';
import {
  decodeGenerationPiece,
  encodeGenerationRequest,
  FinishReason,
  PromptKind,
} from '../src/abi/generation.ts';
import { assert } from '../src/base/errors.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { HostedModel } from '../src/inference/hosted-model.ts';
import { ModelHost } from '../src/inference/model-host.ts';
import { hashModelFolder } from '../src/inference/repository.ts';
import { loadRuntime, type Mode } from '../src/inference/runtime.ts';
import type { Tensor } from '../src/inference/runtime-types.ts';
import { type DecoderSizes, llamaModel } from '../src/inference/testing/sample-decoders.ts';
import { median } from './support/measure.ts';

const { rounds } = programOf(
  'bench generate',
  'Tokens a second through the engine beside a bare loop over the runtime.',
)
  .option('--rounds <count>', 'rounds of each measurement', wholeNumber(1, 1000), 15)
  .parse()
  .opts<{ readonly rounds: number }>();
const prompt = Array.from({ length: 32 }, (_, i) => i * 3 + 1);
const tokensMax = 96;
const tokensPerTick = 8;
const sizes: DecoderSizes = { layers: 4, heads: 4, groups: 2, headSize: 64, inner: 704, vocabulary: 4096 };
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));

type Way = () => Promise<void>;

/** What one would write: the likeliest token, step by step, the cache passed on. */
async function bare(mode: Mode, path: string): Promise<Way> {
  const { InferenceSession, Tensor: Made } = await loadRuntime(mode);
  const session = await InferenceSession.create(path, {
    executionProviders: [mode === 'portable' ? 'wasm' : 'cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
  const caches = session.inputNames.filter((name) => name.startsWith('past'));
  return async () => {
    const { groups, headSize, vocabulary } = sizes;
    const none = new Made('float32', new Float32Array(0), [1, groups, 0, headSize]);
    let cache: Record<string, Tensor> = Object.fromEntries(caches.map((name) => [name, none]));
    let input = prompt;
    for (let length = prompt.length, step = 0; step < tokensMax; step++, length++) {
      const results = await session.run({
        input_ids: new Made('int64', BigInt64Array.from(input, BigInt), [1, input.length]),
        attention_mask: new Made('int64', new BigInt64Array(length).fill(1n), [1, length]),
        ...cache,
      });
      cache = Object.fromEntries(
        caches.map((name) => [name, results[name.replace('past_key_values', 'present')]!]),
      );
      const logits = (results.logits!.data as Float32Array).subarray(-vocabulary);
      let likeliest = 0;
      for (let token = 1; token < vocabulary; token++)
        if (logits[token]! > logits[likeliest]!) likeliest = token;
      input = [likeliest];
    }
  };
}

function hosted(host: ModelHost, model: HostedModel, temperature: number): Way {
  let id = 0;
  const bytes = new Uint8Array(Uint32Array.from(prompt).buffer);
  const cut = { temperature, topK: 50, topP: temperature === 0 ? 1 : 0.9, seed: 1n, stopTokens: [] };
  const length = { tokensMax, tokensPerTick };
  const request = encodeGenerationRequest({
    promptKind: PromptKind.tokens,
    prompt: bytes,
    ...length,
    ...cut,
  });
  const key = { seed: 0n, origin: 0, counter: 1, number: 0 };
  return async () => {
    const tokens: number[] = [];
    id++;
    for (let part = 0; ; part++) {
      const piece = decodeGenerationPiece(
        (await host.generate(model, id, { request, key, tokens, part })).bytes,
      );
      assert(piece !== undefined, 'the model writes');
      tokens.push(...piece.tokens);
      if (piece.reason !== FinishReason.none) break;
    }
    await host.forget(model, id);
  };
}

async function measure(mode: Mode): Promise<void> {
  const host = new ModelHost({ modelBytesMax: 2 ** 31 });
  const { sha256 } = hashModelFolder(folder);
  const model: HostedModel = {
    id: 'm',
    version: '1',
    folder,
    sha256,
    mode,
    outputBytesMax: 2 ** 20,
    batchMax: 1,
  };
  await host.load(model);
  const ways = [
    await bare(mode, join(folder, 'model.onnx')),
    hosted(host, model, 0),
    hosted(host, model, 0.8),
  ];
  const rates: number[][] = ways.map(() => []);
  for (let i = 0; i <= rounds; i++) {
    for (const turn of ways.keys()) {
      const which = (i + turn) % ways.length;
      const startedMs = performance.now();
      await ways[which]!();
      if (i > 0) rates[which]!.push((tokensMax * 1000) / (performance.now() - startedMs));
    }
  }
  for (const [which, title] of [
    'bare loop',
    'engine, likeliest token',
    'engine, top-k and top-p',
  ].entries()) {
    const ratio = median(rates[which]!.map((rate, i) => rate / rates[0]![i]!));
    const rate = median(rates[which]!).toFixed(0).padStart(8);
    console.log(`  ${title.padEnd(26)} ${rate} tokens/s   ${ratio.toFixed(2)} of the bare loop`);
  }
  await host.close();
}

try {
  mkdirSync(folder, { recursive: true });
  const bytes = llamaModel(sizes, 'float32');
  writeFileSync(join(folder, 'model.onnx'), bytes);
  console.log(
    `node ${process.version}, ${process.platform} ${process.arch}; medians of ${rounds} rounds of ${tokensMax} tokens, ` +
      `${tokensPerTick} a piece, model of ${Math.round(bytes.length / 1e6)} MB`,
  );
  for (const mode of ['native', 'portable'] as const) {
    console.log(`mode ${mode}`);
    await measure(mode);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
