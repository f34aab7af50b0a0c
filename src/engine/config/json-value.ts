// JSON values at the engine's edges: what counts as one, and its canonical bytes (RFC 8785).
// Never changes a value quietly: what JSON cannot carry is refused by name.

import canonicalize from 'canonicalize';
import { encodeUtf8 } from '../../base/encoding.ts';

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Arrays and objects within each other; more is refused, so that no reader of ours can run out of stack. */
export const jsonDepthMax = 200;

export type JsonTable = Readonly<Record<string, JsonValue>>;

export type JsonPath = readonly (string | number)[];

/** Told of each part of a value that is not JSON. */
export type JsonComplaint = (path: JsonPath, message: string) => void;

/**
 * A copy of `value` made of plain data only: arrays, prototype-less objects, and finite numbers. What JSON cannot
 * carry is left out and complained about. `__proto__` is no key that a configuration may have.
 */
export function copyJson(
  value: unknown,
  complain: JsonComplaint,
  path: JsonPath = [],
): JsonValue | undefined {
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'string') {
    if (value.isWellFormed()) return value;
    complain(path, 'found half of a surrogate pair, wanted Unicode text');
    return undefined;
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return Object.is(value, -0) ? 0 : value;
    complain(path, `found ${value}, wanted a finite number`);
    return undefined;
  }
  if (typeof value !== 'object') {
    complain(path, `found ${value === undefined ? 'undefined' : `a ${typeof value}`}, wanted a JSON value`);
    return undefined;
  }
  if (path.length >= jsonDepthMax) {
    complain(path, `nested more than ${jsonDepthMax} deep`);
    return undefined;
  }
  if (Array.isArray(value)) {
    return Array.from(value, (item, index) => copyJson(item, complain, [...path, index]) ?? null);
  }
  return copyObject(value, complain, path);
}

function copyObject(value: object, complain: JsonComplaint, path: JsonPath): JsonValue | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    complain(path, `found a ${value.constructor?.name || 'class instance'}, wanted a JSON value`);
    return undefined;
  }
  const copy: Record<string, JsonValue> = Object.create(null);
  for (const [key, item] of Object.entries(value)) {
    const inner = [...path, key];
    if (key === '__proto__') {
      complain(inner, 'unknown key "__proto__"');
      continue;
    }
    if (!key.isWellFormed()) {
      complain(inner, 'the key holds half of a surrogate pair, wanted Unicode text');
      continue;
    }
    // An option left undefined is an option left out, as everywhere in JavaScript.
    if (item === undefined) continue;
    const copied = copyJson(item, complain, inner);
    if (copied !== undefined) copy[key] = copied;
  }
  return copy;
}

/** Canonical JSON (RFC 8785) as UTF-8. The value must be JSON, as `copyJson` or `JSON.parse` give it. */
export function canonicalBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return encodeUtf8(canonicalize(value) ?? 'null');
}

/** The value as an object, if it is one. */
export function asTable(value: JsonValue | undefined): JsonTable | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as JsonTable;
}
