// Every limit of the one table: at the limit a module is taken, instrumented and accepted by V8; one above, it is
// refused with what was found and what is taken.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { instrument } from '../../src/wasm/index.ts';
import { type LimitName, moduleLimits } from '../../src/wasm/parse/limits.ts';
import { refusalOf } from './judge.ts';
import { Sink } from './program-writer.ts';

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module of sections given by their ids and contents. */
function moduleOf(
  ...sections: readonly (readonly [number, Uint8Array | readonly number[]])[]
): Uint8Array<ArrayBuffer> {
  const pieces: (Uint8Array | readonly number[])[] = [header];
  for (const [id, content] of sections) {
    pieces.push([id, ...new Sink().u32(content.length).bytes], content);
  }
  const bytes = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** `count` times the same bytes, behind the count. */
function many(count: number, ...item: readonly number[]): number[] {
  const { bytes } = new Sink().u32(count);
  for (let index = 0; index < count; index++) for (const byte of item) bytes.push(byte);
  return bytes;
}

const emptyType = [1, 0x60, 0, 0];
const oneFunction = [1, 0];

/** A module of one function `() -> ()`, of this body without its size. */
function withBody(body: readonly number[] | Uint8Array): Uint8Array<ArrayBuffer> {
  const code = new Uint8Array(body.length + 6);
  const size = new Sink().u32(body.length).bytes;
  code.set([1, ...size]);
  code.set(body, 1 + size.length);
  return moduleOf([1, emptyType], [3, oneFunction], [10, code.subarray(0, 1 + size.length + body.length)]);
}

function filled(size: number, value: number, first: readonly number[], last: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(size).fill(value);
  bytes.set(first);
  bytes.set(last, size - last.length);
  return bytes;
}

function exportsOf(count: number): number[] {
  const sink = new Sink().u32(count);
  for (let index = 0; index < count; index++) sink.text(`e${index}`).u8(0, 0);
  return sink.bytes;
}

/** So many constructs of one kind, one in the other. */
const nested = (inner: number, kind: number): number[] => {
  const opened = Array.from({ length: inner * 2 }, (_, index) => (index % 2 === 0 ? kind : 0x40));
  return [0, ...opened, ...new Array<number>(inner + 1).fill(0x0b)];
};

/** By limit, a module that has so many; the limit is met where `count` is. */
const modules: Readonly<Record<LimitName, (count: number) => Uint8Array>> = {
  moduleBytesMax: (count) => {
    const content = new Uint8Array(count - 8 - 5);
    return moduleOf([0, content]);
  },
  typesMax: (count) => moduleOf([1, many(count, 0x60, 0, 0)]),
  importsMax: (count) => {
    const item = new Sink().text('wasm_engine').text('set_timer').u8(0, 0).bytes;
    return moduleOf([1, [1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f]], [2, many(count, ...item)]);
  },
  functionsMax: (count) => moduleOf([1, emptyType], [3, many(count, 0)], [10, many(count, 2, 0, 0x0b)]),
  parametersMax: (count) => moduleOf([1, [1, 0x60, ...many(count, 0x7f), 0]]),
  resultsMax: (count) => moduleOf([1, [1, 0x60, 0, ...many(count, 0x7f)]]),
  localsMax: (count) => withBody([1, ...new Sink().u32(count).bytes, 0x7f, 0x0b]),
  functionBytesMax: (count) => withBody(filled(count, 0x01, [0], [0x0b])),
  globalsMax: (count) => moduleOf([6, many(count, 0x7f, 0, 0x41, 0, 0x0b)]),
  mutableGlobalsMax: (count) => moduleOf([6, many(count, 0x7f, 1, 0x41, 0, 0x0b)]),
  tablesMax: (count) => moduleOf([4, many(count, 0x70, 0, 1)]),
  tableElementsMax: (count) => moduleOf([4, [1, 0x70, 0, ...new Sink().u32(count).bytes]]),
  segmentsMax: (count) => moduleOf([5, [1, 0, 1]], [11, many(count, 0, 0x41, 0, 0x0b, 1, 7)]),
  exportsMax: (count) =>
    moduleOf([1, emptyType], [3, oneFunction], [7, exportsOf(count)], [10, [1, 2, 0, 0x0b]]),
  nameBytesMax: (count) =>
    moduleOf([5, [1, 0, 1]], [7, new Sink().u32(1).text('n'.repeat(count)).u8(2, 0).bytes]),
  nestingMax: (count) => withBody(nested(count - 1, 0x02)),
  loopNestingMax: (count) => withBody(nested(count, 0x03)),
  branchTargetsMax: (count) => withBody([0, 0x41, 0, 0x0e, ...many(count, 0), 0, 0x0b]),
  memoryPagesMax: (count) => moduleOf([5, [1, 0, ...new Sink().u32(count).bytes]]),
};

for (const limit of Object.keys(modules) as LimitName[]) {
  const max = moduleLimits[limit];
  // A function's size counts after instrumentation, so only what is well below is taken for sure.
  const taken = limit === 'functionBytesMax' ? max - 200 : max;

  test(`a module at ${limit} is taken, and V8 accepts it instrumented`, () => {
    const bytes = modules[limit](taken);
    assert.equal(refusalOf(bytes), undefined);
    instrument(bytes);
  });

  test(`a module above ${limit} is refused with what was found`, () => {
    const bytes = modules[limit](max + 1);
    const refused = limit === 'functionBytesMax' ? () => instrument(bytes) : undefined;
    if (refused !== undefined)
      assert.throws(refused, /has 7000\d\d\d bytes after instrumentation, at most 7000000/);
    else
      assert.match(refusalOf(bytes) ?? 'accepted', new RegExp(`${max + 1}.*at most ${max}|more than ${max}`));
  });
}

test('the page of limits has each of them, and no other', () => {
  const page = readFileSync(new URL('../../docs/LIMITS.md', import.meta.url), 'utf8');
  const part = page.split('## A module\n')[1]!.split('\n## ')[0]!;
  const rows = [...part.matchAll(/^\| `(\w+)` \| ([\d,]+) \|/gm)].map(([, name, value]) => [
    name,
    Number(value!.replaceAll(',', '')),
  ]);
  assert.deepEqual(rows, Object.entries(moduleLimits));
});

test('element and data segments count together, since one function applies them all', () => {
  const far = [0x41, 0xff, 0xff, 0xff, 0xff, 0x07, 0x0b];
  const both = (elements: number, data: number) =>
    moduleOf(
      [1, emptyType],
      [3, oneFunction],
      [4, [1, 0x70, 0, 1]],
      [5, [1, 0, 1]],
      [9, many(elements, 0, ...far, 1, 0)],
      [10, [1, 2, 0, 0x0b]],
      [11, many(data, 0, ...far, 1, 7)],
    );
  const max = moduleLimits.segmentsMax;
  for (const elements of [max - 1, 1]) {
    assert.equal(refusalOf(both(elements, max - elements)), undefined);
    instrument(both(elements, max - elements));
  }
  assert.match(refusalOf(both(max, 1))!, new RegExp(`${max + 1} element and data segments, at most ${max}`));
});

test('modules whose instantiation can end the process are refused', () => {
  const huge = new Sink().u32(10_000_000).bytes;
  const tables = moduleOf([4, [2, 0x6f, 0, ...huge, 0x6f, 0, ...huge]]);
  assert.ok(WebAssembly.validate(tables), 'V8 refuses it by itself');
  assert.match(refusalOf(tables)!, /table of externref/);
  const functions = moduleOf([4, [2, 0x70, 0, ...huge, 0x70, 0, ...huge]]);
  assert.match(refusalOf(functions)!, /10000000 elements, at most 100000/);
  const max = moduleLimits.tableElementsMax;
  const kept = (count: number) =>
    moduleOf(
      [1, emptyType],
      [3, oneFunction],
      [9, [2, 1, 0, ...many(count - 1, 0), 1, 0, 1, 0]],
      [10, [1, 2, 0, 0x0b]],
    );
  assert.equal(refusalOf(kept(max)), undefined);
  assert.match(refusalOf(kept(max + 1))!, /element segments have 100001 elements, at most 100000/);
  const array = moduleOf([1, [1, 0x5e, 0x7f, 1]]);
  assert.match(refusalOf(array)!, /garbage-collected types/);
});
