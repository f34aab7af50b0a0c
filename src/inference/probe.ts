// Whether a provider of the graphics hardware can run a model: it is created, warmed up and compared with the
// processor. Runs in a process that nothing else depends on.

import { ElementType, type FlatTensor } from '../abi/tensor-list.ts';
import { bytesEqual } from '../base/encoding.ts';
import { EngineError } from '../base/errors.ts';
import type { Tensors } from './batching.ts';
import { elementsOf } from './host-tensor.ts';
import { madeUpInputs } from './made-up-inputs.ts';
import { firstLine } from './optional-package.ts';
import { ModelSession, type Rehearsal, type SessionChoice } from './session.ts';

export interface Verdict {
  readonly usable: boolean;
  /** Why not; empty where it is. */
  readonly reason: string;
  /** Largest difference from the processor's results, against the largest of their values. */
  readonly difference: number;
  /** Largest difference between its own runs, likewise. */
  readonly variance: number;
}

export const differenceMax = 0.02;
export const varianceMax = 0.05;
const runs = 3;
/** It is tried here, and nowhere before. */
const rehearsed: Rehearsal = { batching: { kind: 'single' }, isHarmful: true };

export async function probe(choice: SessionChoice): Promise<Verdict> {
  let session: ModelSession;
  try {
    session = await ModelSession.open({ ...choice, rehearsed });
  } catch (error) {
    return unusable(error instanceof EngineError ? error.message : firstLine(error));
  }
  const reference = await ModelSession.open({ ...choice, provider: 'cpu', rehearsed });
  const inputs = madeUpInputs(session.signature);
  try {
    if (inputs === undefined) return unusable('its inputs are too large to make some up');
    const wanted = await reference.runTensors(inputs);
    const found: Tensors[] = [];
    for (let i = 0; i < runs; i++) found.push(await session.runTensors(inputs));
    return judge(wanted, found);
  } catch (error) {
    return unusable(`it fails on made-up inputs: ${firstLine(error)}`);
  } finally {
    await session.release();
    await reference.release();
  }
}

function unusable(reason: string): Verdict {
  return { usable: false, reason, difference: 0, variance: 0 };
}

export function judge(wanted: Tensors, found: readonly Tensors[]): Verdict {
  const [first] = found;
  const difference = Math.max(...found.map((each) => differenceOf(wanted, each)));
  const variance = Math.max(...found.map((each) => differenceOf(first!, each)));
  const percent = (value: number): string => `${(value * 100).toFixed(2)}%`;
  let reason = '';
  if (!(difference <= differenceMax))
    reason = `its results differ by ${percent(difference)} from the processor's, wanted at most ${percent(differenceMax)}`;
  else if (!(variance <= varianceMax))
    reason = `its results differ by ${percent(variance)} from run to run, wanted at most ${percent(varianceMax)}`;
  return { usable: reason === '', reason, difference, variance };
}

/** The largest difference of two results, against the largest value of the first; infinite where shapes or texts differ. */
export function differenceOf(a: Tensors, b: Tensors): number {
  let largest = 0;
  for (const [name, tensor] of a) {
    const other = b.get(name);
    if (other?.type !== tensor.type || other.dims.join() !== tensor.dims.join())
      return Number.POSITIVE_INFINITY;
    if (tensor.type === ElementType.string) {
      if (!bytesEqual(tensor.data, other.data)) return Number.POSITIVE_INFINITY;
      continue;
    }
    const [values, others] = [valuesOf(tensor), valuesOf(other)];
    const scale = values.reduce((max, x) => (Number.isFinite(x) ? Math.max(max, Math.abs(x)) : max), 1e-6);
    for (let i = 0; i < values.length; i++) {
      const [x, y] = [values[i]!, others[i]!];
      if (Object.is(x, y) || x === y) continue;
      const apart = Math.abs(x - y) / scale;
      largest = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(largest, apart);
    }
  }
  return largest;
}

function valuesOf({ type, data }: FlatTensor): number[] {
  switch (type) {
    case ElementType.float16:
      return elementsOf(type, data).map((bits) => halfValue(Number(bits)));
    case ElementType.uint4:
      return halvesOf(data);
    case ElementType.int4:
      return halvesOf(data).map((value) => (value < 8 ? value : value - 16));
    default:
      return elementsOf(type, data).map(Number);
  }
}

/** Two elements lie in a byte, the first in the low half. */
function halvesOf(data: Uint8Array): number[] {
  return [...data].flatMap((byte) => [byte & 15, byte >> 4]);
}

export function halfValue(bits: number): number {
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  const sign = bits >> 15 === 0 ? 1 : -1;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
