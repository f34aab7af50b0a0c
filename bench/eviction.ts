// Five models under a budget that holds two: every result beside that of the model alone, and the memory of the process
// that loads and lets go of them, as requests go by.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOf } from '../scripts/command-line.ts';
import { ElementType, encodeTensorList } from '../src/abi/tensor-list.ts';
import { bytesEqual } from '../src/base/encoding.ts';
import { assert } from '../src/base/errors.ts';
import { prngFromBytes, prngNext } from '../src/base/prng.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import type { HostedModel } from '../src/inference/hosted-model.ts';
import { ModelHost } from '../src/inference/model-host.ts';
import type { Mode } from '../src/inference/runtime.ts';
import { placeNetwork } from './support/networks.ts';

const { requests } = programOf('bench eviction', 'Five models under a budget that holds two.')
  .option('--requests <count>', 'requests in each mode', wholeNumber(10, 10_000_000), 10_000)
  .parse()
  .opts<{ readonly requests: number }>();
const size = 256;
const models = 5;
const looks = 10;
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-bench-'));

/** One row, the same for every model. */
function request(): Uint8Array {
  const data = new Uint8Array(Float32Array.from({ length: size }, (_, i) => (i % 17) / 17).buffer);
  return encodeTensorList([{ name: 'x', type: ElementType.float32, dims: [1, size], data }]);
}

async function ask(
  host: ModelHost,
  model: HostedModel,
): Promise<{ readonly answer: Uint8Array; readonly processBytes: number }> {
  const { answers, facts } = await host.run(model, [request()]);
  return { answer: answers[0]!, processBytes: facts[0]!.processBytes };
}

async function measure(mode: Mode): Promise<void> {
  // Each of another depth, so that none gives what another does; a test of batches would load longer.
  const placed = Array.from({ length: models }, (_, i): HostedModel => {
    const model = placeNetwork(join(folder, `${mode}-${i}`), mode, size, 4 + i);
    return { ...model, id: `m${i}`, batchMax: 1 };
  });
  const alone = new ModelHost({ modelBytesMax: Number.POSITIVE_INFINITY });
  const wanted: Uint8Array[] = [];
  const bytes: number[] = [];
  for (const model of placed) {
    bytes.push((await alone.load(model)).bytes);
    wanted.push((await ask(alone, model)).answer);
  }
  await alone.close();
  const [largest, second] = bytes.toSorted((a, b) => b - a);
  const modelBytesMax = largest! + second!;
  const host = new ModelHost({ modelBytesMax });
  const random = prngFromBytes(new Uint8Array(16).fill(1));
  const mebibytes = (count: number): string => (count / 2 ** 20).toFixed(1);
  console.log(
    `mode ${mode}: models of ${bytes.map(mebibytes).join(', ')} MiB, budget ${mebibytes(modelBytesMax)}`,
  );
  const memory: number[] = [];
  for (let i = 1; i <= requests; i++) {
    const which = prngNext(random) % models;
    const { answer, processBytes } = await ask(host, placed[which]!);
    assert(bytesEqual(answer, wanted[which]!), `request ${i} to model ${which} has another answer`);
    const held = host.resident.reduce((sum, { loaded }) => sum + loaded.bytes, 0);
    assert(held <= modelBytesMax, `${held} bytes of models are loaded after request ${i}`);
    if (i % Math.floor(requests / looks) === 0) memory.push(processBytes);
  }
  const loads = host.statistics.reduce((sum, each) => sum + each.loads, 0);
  console.log(`  ${requests} requests, ${loads} loads: every answer as of the model alone`);
  console.log(`  process, MiB, at each tenth: ${memory.map(mebibytes).join(' ')}`);
  await host.close();
}

try {
  await measure('native');
  await measure('portable');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit();
