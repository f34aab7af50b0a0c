// Runs a decoder step by step: the whole prompt at once, then one token at a time, always so, since another division
// into runs gives other bits. The cache stays where the runtime put it.

import { hash as hashOf } from 'node:crypto';
import { logitsHashBytes } from '../../abi/generation.ts';
import { ElementType } from '../../abi/tensor-list.ts';
import { assert } from '../../base/errors.ts';
import { withOneNan } from '../host-tensor.ts';
import type { Tensor } from '../runtime-types.ts';
import type { ModelSession } from '../session.ts';
import { type DecoderSetting, type DecoderShape, settingBytes } from './decoder-shape.ts';
import { vocabularyMax } from './first-tokens.ts';
import { widenHalves } from './half-floats.ts';

/** What the next token is chosen by. */
export interface Logits {
  readonly values: Float32Array;
  /** Of their bytes, as the model gave them. */
  readonly hash: Uint8Array;
}

/** One text under way: the cache of its tokens. */
export class DecoderRun {
  readonly #session: ModelSession;
  readonly #shape: DecoderShape;
  #cache: readonly Tensor[];
  #length = 0;
  #ones: BigInt64Array = new BigInt64Array(64).fill(1n);

  constructor(session: ModelSession, shape: DecoderShape) {
    this.#session = session;
    this.#shape = shape;
    const { Tensor } = session.runtime;
    this.#cache = shape.caches.map(({ type, heads, headSize }) => {
      const none = type === 'float32' ? new Float32Array(0) : new Uint16Array(0);
      return new Tensor(type, none, [1, heads, 0, headSize]);
    });
  }

  /** Bytes of the cache. */
  get bytes(): number {
    return this.#shape.caches.reduce(
      (sum, { type, heads, headSize }) =>
        sum + this.#length * heads * headSize * (type === 'float32' ? 4 : 2),
      0,
    );
  }

  /** Takes tokens in one run; answers what is said about the one after them. */
  async take(tokens: readonly number[]): Promise<Logits> {
    const { Tensor } = this.#session.runtime;
    const whole = (values: BigInt64Array): Tensor => new Tensor('int64', values, [1, values.length]);
    const start = this.#length;
    const end = start + tokens.length;
    const feeds: Record<string, Tensor> = {
      input_ids: whole(BigInt64Array.from(tokens, BigInt)),
      attention_mask: whole(this.#onesTo(end)),
    };
    if (this.#shape.positions)
      feeds.position_ids = whole(BigInt64Array.from(tokens, (_, i) => BigInt(start + i)));
    for (const setting of this.#shape.settings) feeds[setting.name] = this.#settingTensor(setting);
    for (const [i, { past }] of this.#shape.caches.entries()) feeds[past] = this.#cache[i]!;
    const results = await this.#session.inner.run(feeds);
    this.#cache = this.#shape.caches.map(({ present }) => {
      const tensor = results[present];
      if (tensor === undefined || tensor.dims[2] !== end) throw new Error(`"${present}" has another length`);
      return tensor;
    });
    this.#length = end;
    const { logits } = results;
    assert(logits !== undefined, 'a runtime gives every output');
    return lastRow(logits, this.#shape.logits);
  }

  #settingTensor(setting: DecoderSetting): Tensor {
    const { Tensor } = this.#session.runtime;
    const bytes = settingBytes(setting, this.#length > 0);
    const values = setting.type === 'bool' ? bytes : new BigInt64Array(bytes.buffer);
    return new Tensor(setting.type, values, setting.rank === 0 ? [] : [1]);
  }

  #onesTo(count: number): BigInt64Array {
    if (count > this.#ones.length) this.#ones = new BigInt64Array(count * 2).fill(1n);
    return this.#ones.subarray(0, count);
  }

  release(): void {
    for (const tensor of this.#cache) tensor.dispose?.();
    this.#cache = [];
  }
}

function lastRow({ data, dims }: Tensor, type: 'float32' | 'float16'): Logits {
  const size = dims[2]!;
  const view = data as ArrayBufferView;
  const bytes = size * (type === 'float32' ? 4 : 2);
  if (size === 0 || view.byteLength < bytes) throw new Error('"logits" has no elements');
  if (size > vocabularyMax)
    throw new Error(`"logits" tells of ${size} tokens, wanted at most ${vocabularyMax}`);
  const end = view.byteOffset + view.byteLength;
  // Nothing writes there: each run has results of its own.
  const last = new Uint8Array(view.buffer as ArrayBuffer, end - bytes, bytes);
  const row = withOneNan(ElementType[type], last);
  const hash = hashOf('sha256', row, 'buffer').subarray(0, logitsHashBytes);
  if (type === 'float16')
    return { values: widenHalves(new Uint16Array(row.buffer, row.byteOffset, size)), hash };
  return { values: new Float32Array(row.buffer, row.byteOffset, size), hash };
}
