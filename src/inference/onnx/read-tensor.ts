// A tensor that lies in a model: its name, the file that holds its data where that is another, and its value where it
// is one whole number. A value is told only where no runtime can see another one.

import { ElementType } from '../../abi/tensor-list.ts';
import { type ProtoField, protoFields, protoParts } from './proto-fields.ts';
import { refused, text } from './refused.ts';

interface TensorFacts {
  readonly name: string;
  /** Undefined where it is anything else than one number of type int64, or one bool. */
  readonly scalar: bigint | undefined;
}

/** @param externalFiles files of data are added to it */
export function readTensor(bytes: Uint8Array, externalFiles: Set<string>): TensorFacts {
  let name = '';
  let type = 0;
  let isHere = true;
  let elements = 1n;
  const numbers64: (bigint | undefined)[] = [];
  const bools: (bigint | undefined)[] = [];
  for (const field of protoFields(bytes)) {
    const { number, wire, value, bytes: content } = field;
    if (number === 1) for (const dim of numbers(field)) elements *= dim;
    else if (number === 2 && wire === 0) type = Number(value);
    else if (number === 5) bools.push(...numbers(field));
    else if (number === 7) numbers64.push(...numbers(field));
    else if (number === 8 && wire === 2) name = text(content);
    else if (number === 9 && wire === 2) {
      numbers64.push(rawInt64(content));
      bools.push(rawBool(content));
    }
    // A runtime goes by either of these two and passes over the data that stand here.
    else if (number === 13 || (number === 14 && value !== 0n)) isHere = false;
    if (number === 13 && wire === 2) addExternal(content, externalFiles);
  }
  const values = type === ElementType.int64 ? numbers64 : type === ElementType.bool ? bools : [];
  const isScalar = isHere && elements === 1n && values.length === 1;
  return { name, scalar: isScalar ? values[0] : undefined };
}

function rawBool(bytes: Uint8Array): bigint | undefined {
  return bytes.length === 1 ? BigInt(bytes[0]!) : undefined;
}

function rawInt64(bytes: Uint8Array): bigint | undefined {
  return bytes.length === 8 ? new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0, true) : undefined;
}

/** The numbers of a field that may hold many, packed or one by one; of many, the first of them. */
function numbers({ wire, value, bytes }: ProtoField): bigint[] {
  if (wire === 0) return [value];
  const found: bigint[] = [];
  let [number, shift] = [0n, 0n];
  for (const byte of bytes.subarray(0, 256)) {
    number |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte >= 128) continue;
    found.push(BigInt.asIntN(64, number));
    [number, shift] = [0n, 0n];
  }
  return found;
}

function addExternal(bytes: Uint8Array, externalFiles: Set<string>): void {
  let key = '';
  let value = '';
  for (const { number, bytes: content } of protoParts(bytes)) {
    if (number === 1) key = text(content);
    else if (number === 2) value = text(content);
  }
  if (key !== 'location') return;
  const parts = value.replace(/^\.\//, '');
  // A name and no path: files of a model lie in one folder, and nothing outside it is ever opened.
  if (parts === '' || parts === '.' || parts === '..' || /[\\/:\0]/.test(parts)) {
    throw refused(`it names weights in ${JSON.stringify(value)}, wanted a file of its own folder`);
  }
  externalFiles.add(parts);
}
