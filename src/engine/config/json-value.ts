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
  if (typeof value !== 'object' || value === null) {
    const problem = plainProblem(value);
    if (problem === undefined) return Object.is(value, -0) ? 0 : (value as JsonValue);
    complain(path, problem);
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

/** What keeps a value that is no object from being JSON. */
function plainProblem(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : 'found half of a surrogate pair, wanted Unicode text';
    case 'number':
      return Number.isFinite(value) ? undefined : `found ${value}, wanted a finite number`;
    case 'boolean':
      return undefined;
    default:
      if (value === null) return undefined;
      return `found ${value === undefined ? 'undefined' : `a ${typeof value}`}, wanted a JSON value`;
  }
}

/** What keeps an object from being a table of JSON. */
function classProblem(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return undefined;
  return `found a ${value.constructor?.name || 'class instance'}, wanted a JSON value`;
}

function copyObject(value: object, complain: JsonComplaint, path: JsonPath): JsonValue | undefined {
  const problem = classProblem(value);
  if (problem !== undefined) {
    complain(path, problem);
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

/**
 * Why a value is not JSON, and where in it; undefined where it is. Stops at the first reason, so that a value which
 * holds itself is told soon, too.
 */
export function jsonProblem(value: unknown): string | undefined {
  const path: (string | number)[] = [];
  const problem = problemWithin(value, path);
  return problem === undefined || path.length === 0 ? problem : `${path.join('.')}: ${problem}`;
}

/** Where there is a problem, `path` is left at its place. */
function problemWithin(value: unknown, path: (string | number)[]): string | undefined {
  if (typeof value !== 'object' || value === null) return plainProblem(value);
  if (path.length >= jsonDepthMax) return `nested more than ${jsonDepthMax} deep`;
  const isList = Array.isArray(value);
  const ownProblem = isList ? undefined : classProblem(value);
  if (ownProblem !== undefined) return ownProblem;
  for (const [key, item] of isList ? value.entries() : Object.entries(value)) {
    if (!isList && item === undefined) continue;
    path.push(key);
    const problem = problemWithin(item, path) ?? (isList ? undefined : problemWithin(key, path));
    if (problem !== undefined) return problem;
    path.pop();
  }
  return undefined;
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
