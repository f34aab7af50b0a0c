// The fields of a protobuf message, one after another, as they stand in bytes that may be anything. Copies nothing.

import { EngineError } from '../../base/errors.ts';

export interface ProtoField {
  readonly number: number;
  /** How it is written: 0 a number, 2 with a length, 1 and 5 in 8 and 4 bytes. */
  readonly wire: 0 | 1 | 2 | 5;
  /** The value of a number; of a 64-bit one modulo 2^64, as a signed bigint. */
  readonly value: bigint;
  /** The content of a field with a length; empty for numbers. */
  readonly bytes: Uint8Array;
}

const noBytes = new Uint8Array(0);

/** @throws EngineError `model-refused` where the bytes are no protobuf message */
export function* protoFields(bytes: Uint8Array): Generator<ProtoField, void, undefined> {
  const reader = new Reader(bytes);
  while (!reader.ended) {
    const tag = reader.varint();
    const number = Number(tag >> 3n);
    const wire = Number(tag & 7n);
    if (number === 0 || number > 0x1fffffff) throw damaged(`a field has number ${number}`);
    if (wire === 0) yield { number, wire, value: BigInt.asIntN(64, reader.varint()), bytes: noBytes };
    else if (wire === 1) yield { number, wire, value: 0n, bytes: reader.take(8) };
    else if (wire === 2) yield { number, wire, value: 0n, bytes: reader.take(Number(reader.varint())) };
    else if (wire === 5) yield { number, wire, value: 0n, bytes: reader.take(4) };
    else throw damaged(`a field has wire type ${wire}`);
  }
}

/**
 * The fields that have a length. Where a message has no others, the rest is what every reader passes over: it must not
 * stand for a field of the same number.
 */
export function* protoParts(bytes: Uint8Array): Generator<ProtoField, void, undefined> {
  for (const field of protoFields(bytes)) if (field.wire === 2) yield field;
}

class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  varint(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low |= (byte & 127) << shift;
      if (byte < 128) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw damaged('a number is longer than ten bytes');
  }

  take(length: number): Uint8Array {
    const left = this.#bytes.length - this.#at;
    if (length > left) throw damaged(`a part of ${length} bytes begins where ${left} are left`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw damaged('it is cut off');
    return byte;
  }
}

function damaged(what: string): EngineError {
  return new EngineError('model-refused', `the file is no ONNX model: ${what}`);
}
