// Trains the model of the anomaly example and writes it as ONNX: how far a month's change is from what the six months
// before it let one expect. Run it with `node scripts/train-employment-model.ts`; it prints the hash to pin.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ElementType } from '../src/abi/tensor-list.ts';
import { prngFromBytes, prngNext } from '../src/base/prng.ts';
import { modelProto, node, tensorProto, valueInfo } from '../src/inference/onnx/write-model.ts';
import { hashModelFolder } from '../src/inference/repository.ts';
import { readEmployment } from './employment-series.ts';

const history = 6;
const hidden = 12;
const steps = 3000;
const rate = 0.01;
/** Years without a crisis: what is usual is learned from these alone. */
const [firstMonth, lastMonth] = ['2011-01-01', '2015-12-01'];
const folder = join(dirname(import.meta.dirname), 'examples', 'anomaly', 'models', 'employment', '1');

interface Sample {
  readonly x: readonly number[];
  readonly y: number;
}

/** Monthly changes in per cent, by industry. */
function changes(): {
  readonly months: readonly string[];
  readonly byIndustry: readonly (readonly number[])[];
} {
  const months = readEmployment();
  const byIndustry = months[0]!.persons.map((_, industry) =>
    months.slice(1).map(({ persons }, i) => (persons[industry]! / months[i]!.persons[industry]! - 1) * 100),
  );
  return { months: months.slice(1).map(({ month }) => month), byIndustry };
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** Adam (Kingma and Ba, 2015) over all weights in one list. */
class Network {
  readonly w: Float64Array;
  readonly #m: Float64Array;
  readonly #v: Float64Array;

  constructor() {
    const size = history * hidden + hidden + hidden + 1;
    const random = prngFromBytes(new Uint8Array(16).fill(1));
    this.w = Float64Array.from({ length: size }, () => (prngNext(random) / 2 ** 32 - 0.5) * 0.5);
    this.#m = new Float64Array(size);
    this.#v = new Float64Array(size);
  }

  /** The activations of the hidden layer, then the prediction. */
  forward(x: readonly number[]): { readonly a: number[]; readonly y: number } {
    const { w } = this;
    const a = Array.from({ length: hidden }, (_, j) => {
      let sum = w[history * hidden + j]!;
      for (let i = 0; i < history; i++) sum += x[i]! * w[i * hidden + j]!;
      return Math.tanh(sum);
    });
    const second = history * hidden + hidden;
    return { a, y: a.reduce((sum, value, j) => sum + value * w[second + j]!, w[second + hidden]!) };
  }

  step(samples: readonly Sample[], at: number): number {
    const gradient = new Float64Array(this.w.length);
    const second = history * hidden + hidden;
    let loss = 0;
    for (const { x, y } of samples) {
      const { a, y: found } = this.forward(x);
      const error = (found - y) / samples.length;
      loss += (found - y) ** 2 / samples.length;
      gradient[second + hidden]! += error;
      for (let j = 0; j < hidden; j++) {
        gradient[second + j]! += error * a[j]!;
        const inner = error * this.w[second + j]! * (1 - a[j]! ** 2);
        gradient[history * hidden + j]! += inner;
        for (let i = 0; i < history; i++) gradient[i * hidden + j]! += inner * x[i]!;
      }
    }
    for (let i = 0; i < this.w.length; i++) {
      const g = gradient[i]! + 1e-3 * this.w[i]!;
      this.#m[i] = 0.9 * this.#m[i]! + 0.1 * g;
      this.#v[i] = 0.999 * this.#v[i]! + 0.001 * g * g;
      const [m, v] = [this.#m[i]! / (1 - 0.9 ** at), this.#v[i]! / (1 - 0.999 ** at)];
      this.w[i]! -= (rate * m) / (Math.sqrt(v) + 1e-8);
    }
    return loss;
  }
}

function train(): Uint8Array {
  const { months, byIndustry } = changes();
  const [from, to] = [months.indexOf(firstMonth), months.indexOf(lastMonth)];
  const scales = byIndustry.map((values) => deviation(values.slice(from, to + 1)));
  const samples = byIndustry.flatMap((values, industry) => {
    const scaled = values.map((value) => value / scales[industry]!);
    return Array.from({ length: to - from + 1 - history }, (_, i): Sample => {
      const at = from + history + i;
      return { x: scaled.slice(at - history, at), y: scaled[at]! };
    });
  });
  const network = new Network();
  let loss = 0;
  for (let at = 1; at <= steps; at++) loss = network.step(samples, at);
  const naive = samples.reduce((sum, { y }) => sum + y * y, 0) / samples.length;
  console.log(
    `${samples.length} samples, mean square error ${loss.toFixed(3)}; of expecting no change ${naive.toFixed(3)}`,
  );
  return write(network.w, scales, Math.sqrt(loss));
}

function write(w: Float64Array, scales: readonly number[], usual: number): Uint8Array {
  const { float32, int64 } = ElementType;
  const floats = (from: number, count: number): Float32Array =>
    Float32Array.from(w.slice(from, from + count));
  const second = history * hidden + hidden;
  return modelProto({
    nodes: [
      node('Gather', ['scales', 'industry'], ['scale']),
      node('Div', ['history', 'scale'], ['x']),
      node('Div', ['change', 'scale'], ['y']),
      node('Gemm', ['x', 'w1', 'b1'], ['h']),
      node('Tanh', ['h'], ['a']),
      node('Gemm', ['a', 'w2', 'b2'], ['expected']),
      node('Sub', ['y', 'expected'], ['apart']),
      node('Abs', ['apart'], ['distance']),
      node('Div', ['distance', 'usual'], ['score']),
    ],
    inputs: [
      valueInfo('history', float32, ['n', history]),
      valueInfo('change', float32, ['n', 1]),
      valueInfo('industry', int64, ['n']),
    ],
    outputs: [valueInfo('score', float32, ['n', 1])],
    initializers: [
      tensorProto('scales', float32, [scales.length, 1], Float32Array.from(scales)),
      tensorProto('usual', float32, [], Float32Array.of(usual)),
      tensorProto('w1', float32, [history, hidden], floats(0, history * hidden)),
      tensorProto('b1', float32, [hidden], floats(history * hidden, hidden)),
      tensorProto('w2', float32, [hidden, 1], floats(second, hidden)),
      tensorProto('b2', float32, [1], floats(second + hidden, 1)),
    ],
  });
}

mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'model.onnx'), train());
console.log(`versions = { 1 = "${hashModelFolder(folder).sha256}" }`);
