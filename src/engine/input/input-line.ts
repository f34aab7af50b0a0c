// One line of JSON Lines to one input. A line is refused rather than changed: what an agent gets is what was written.

import { decodeUtf8 } from '../../base/encoding.ts';
import { canonicalBytes, type JsonValue, jsonDepthMax } from '../config/json-value.ts';
import { quote } from '../config/problems.ts';

/** An input from outside, not yet looked up: whether agent, topic or model exist is for the run to say. */
export type InputLine = MessageLine | ModelLine;

export interface MessageLine {
  /** The tick it wants to enter in; undefined: the one that pulls it. */
  readonly tick: number | undefined;
  /** Exactly one of topic and agent is there. */
  readonly topic: string | undefined;
  readonly agent: string | undefined;
  /** Canonical JSON (RFC 8785) of the line's payload, or the bytes of `{"$base64": …}`. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** -2^31 to 2^31 - 1; higher goes first under the policy `priority`. */
  readonly priority: number;
}

/** What the calls `useModel` and `declareModel` of the library say. */
export interface ModelLine {
  readonly tick: number | undefined;
  readonly model: string;
  /** From the next request on the version is asked; or the model is one that the system does not have. */
  readonly asks: { readonly version: string } | { readonly description: JsonValue };
}

export type ParsedLine =
  | { readonly ok: true; readonly input: InputLine }
  /** The problem is the same text on every host; it begins with `source:line`. */
  | { readonly ok: false; readonly problem: string };

const priorityMin = -(2 ** 31);
const priorityMax = 2 ** 31 - 1;
/** What a line is about, one of them, and the keys that go with it beside "tick". */
const subjects: Readonly<Record<string, readonly string[]>> = {
  topic: ['payload', 'priority'],
  agent: ['payload', 'priority'],
  useModel: ['version'],
  declareModel: ['description'],
};
const subjectNames: readonly string[] = Object.keys(subjects);
const knownKeys: ReadonlySet<string> = new Set(['tick', ...subjectNames, ...Object.values(subjects).flat()]);

class Refusal {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** Reads a line; `bytes` undefined is a line that was too long to be held. Never throws. */
export function parseInputLine(
  bytes: Uint8Array | string | undefined,
  lineNumber: number,
  source: string,
): ParsedLine {
  try {
    return { ok: true, input: readLine(bytes) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, problem: `${source}:${lineNumber}: ${error.message}` };
  }
}

function readLine(bytes: Uint8Array | string | undefined): InputLine {
  if (bytes === undefined) throw new Refusal('the line is longer than 17 MiB');
  const text = typeof bytes === 'string' ? bytes : decodeUtf8(bytes);
  if (text === undefined) throw new Refusal('the line is not UTF-8');
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refusal(`found ${excerpt(text)}, wanted a JSON object`);
  const line = value as Readonly<Record<string, JsonValue>>;
  for (const key of Object.keys(line)) {
    if (!knownKeys.has(key))
      throw new Refusal(`unknown key ${excerpt(JSON.stringify(key))}, wanted ${quoted([...knownKeys])}`);
  }
  const subject = subjectOf(line);
  const tick = readWhole(line, 'tick', 0, Number.MAX_SAFE_INTEGER);
  const name = readName(line, subject)!;
  if (subject === 'useModel') {
    const version = readName(line, 'version');
    if (version === undefined) throw new Refusal('found no "version", wanted the one to use');
    return { tick, model: name, asks: { version } };
  }
  if (subject === 'declareModel') {
    const { description } = line;
    if (typeof description !== 'object' || description === null || Array.isArray(description))
      throw new Refusal('found no table "description", wanted what [models.NAME] of a system file would say');
    checkJson(description, 0, 'description');
    return { tick, model: name, asks: { description } };
  }
  if (!Object.hasOwn(line, 'payload')) throw new Refusal('found no "payload", wanted any JSON value');
  return {
    tick,
    topic: subject === 'topic' ? name : undefined,
    agent: subject === 'agent' ? name : undefined,
    payload: payloadBytes(line.payload as JsonValue),
    priority: readWhole(line, 'priority', priorityMin, priorityMax) ?? 0,
  };
}

/** The key that says what the line is about. */
function subjectOf(line: Readonly<Record<string, JsonValue>>): string {
  let subject: string | undefined;
  for (const key of subjectNames) {
    if (!Object.hasOwn(line, key)) continue;
    if (subject !== undefined)
      throw new Refusal(`found both "${subject}" and "${key}", wanted one of ${quoted(subjectNames)}`);
    subject = key;
  }
  if (subject === undefined) throw new Refusal(`found none of ${quoted(subjectNames)}, wanted one`);
  const others = subjects[subject]!;
  for (const key of Object.keys(line)) {
    if (key !== 'tick' && key !== subject && !others.includes(key))
      throw new Refusal(`found "${key}" with "${subject}", wanted ${quoted(others)}`);
  }
  return subject;
}

function quoted(keys: readonly string[]): string {
  return keys.map((key) => `"${key}"`).join(', ');
}

/** The engine's words, not those of the JSON parser, which differ from one version to the next. */
function parseJson(text: string): unknown {
  try {
    // An integer that a double cannot hold would arrive as another one; sixteen digits are the shortest such.
    return /\d{16}/.test(text) ? JSON.parse(text, refuseInexact) : JSON.parse(text);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(`found ${excerpt(text)}, wanted JSON`);
  }
}

function refuseInexact(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== 'number' || source === undefined || !/^-?\d+$/.test(source)) return value;
  if (BigInt(value) !== BigInt(source))
    throw new Refusal(
      `found ${excerpt(source)}, which a JSON number does not hold exactly; write it as text in quotes`,
    );
  return value;
}

function readName(line: Readonly<Record<string, JsonValue>>, key: string): string | undefined {
  if (!Object.hasOwn(line, key)) return undefined;
  const value = line[key];
  if (typeof value === 'string' && value !== '' && value.isWellFormed()) return value;
  throw new Refusal(`"${key}": found ${excerpt(quote(value))}, wanted a name`);
}

function readWhole(
  line: Readonly<Record<string, JsonValue>>,
  key: string,
  min: number,
  max: number,
): number | undefined {
  if (!Object.hasOwn(line, key)) return undefined;
  const value = line[key];
  // Adding zero makes minus zero plain.
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max)
    return value + 0;
  throw new Refusal(`"${key}": found ${excerpt(quote(value))}, wanted a whole number from ${min} to ${max}`);
}

function payloadBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return base64Bytes(value) ?? jsonBytes(value);
}

/** `{"$base64": "…"}`, with no other key, stands for bytes that are not JSON. */
function base64Bytes(value: JsonValue): Uint8Array<ArrayBuffer> | undefined {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, '$base64')) return undefined;
  if (Object.keys(value).length !== 1) return undefined;
  const text = (value as Readonly<Record<string, JsonValue>>).$base64;
  if (typeof text === 'string') {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.toString('base64') === text) return Uint8Array.from(bytes);
  }
  throw new Refusal(`"payload": found ${excerpt(quote(text))}, wanted base64 with padding`);
}

function jsonBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  checkJson(value, 0, 'payload');
  return canonicalBytes(value);
}

/** What `JSON.parse` lets through and JSON does not carry. */
function checkJson(value: JsonValue, depth: number, within: string): void {
  if (typeof value === 'string') {
    if (!value.isWellFormed())
      throw new Refusal(`"${within}": found half of a surrogate pair, wanted Unicode text`);
  } else if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Refusal(`"${within}": found a number beyond the largest double`);
  } else if (typeof value === 'object' && value !== null) {
    if (depth >= jsonDepthMax) throw new Refusal(`"${within}": nested more than ${jsonDepthMax} deep`);
    if (Array.isArray(value))
      for (const item of value as readonly JsonValue[]) checkJson(item, depth + 1, within);
    else {
      for (const [key, item] of Object.entries(value as Readonly<Record<string, JsonValue>>)) {
        checkJson(key, depth + 1, within);
        checkJson(item, depth + 1, within);
      }
    }
  }
}

/** The beginning of a text, printable, for a message. */
function excerpt(text: string | undefined): string {
  const shown = (text ?? 'nothing').slice(0, 61);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced.
  const printable = shown.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f]/g, '\uFFFD');
  return printable.length > 60 ? `${printable.slice(0, 60)}…` : printable;
}
