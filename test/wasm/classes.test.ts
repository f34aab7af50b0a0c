// Every class of instructions, one fixture each in classes/: the instrumented module computes what the plain one does, on
// operands from the edges of their types, by bits. NaN of arithmetic are the one that the pass makes.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { ByteReader } from '../../src/wasm/binary/byte-reader.ts';
import { bulkBase, opcodeInfo, simdBase } from '../../src/wasm/binary/opcodes.ts';
import { valueType } from '../../src/wasm/binary/types.ts';
import { readInstruction } from '../../src/wasm/parse/instruction.ts';
import { parseModule } from '../../src/wasm/parse/parse-module.ts';
import { type ParsedModule, typeOfFunction } from '../../src/wasm/parse/parsed-module.ts';
import { assemble, outcomeOf, start, startPlain } from '../../src/wasm/test-module.ts';

type Value = number | bigint;

/** Small numbers, edges of integers and of memory, bits of floats: zeros, infinities, NaN of every kind. */
const words = [0, 1, 2, 3, 7, 31, 100, -1, -2147483648, 2147483647, 65_520, 65_533, 65_536].concat(
  [
    0x3fc00000, 0xbf000000, 0x4f000000, 0xcf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc01234,
    0x7fa00001, 1,
  ].map((bits) => bits | 0),
);
const doubles = [1.5, -0.5, 2 ** 31, -(2 ** 63), 2 ** 64, 1e308, Infinity, -Infinity, -0].map(bitsOf);
const wides = [
  0n,
  1n,
  -1n,
  63n,
  1n << 63n,
  (1n << 63n) - 1n,
  0x0123_4567_89ab_cdefn,
  0xff80_7f00_8000_ff7fn,
].concat(doubles, [
  0x7ff8_0000_0000_0000n,
  0xfff8_0000_0000_1234n,
  0x7ff4_0000_0000_0001n,
  0x7fc0_0000_ffa0_0001n,
  0x3f80_0000_7f80_0000n,
]);

function bitsOf(value: number): bigint {
  return new BigInt64Array(Float64Array.of(value).buffer)[0]!;
}

/** Calls of one function: every value of each parameter, the pairs of the first two, and shifted rows of the others. */
function operands(params: readonly number[]): Value[][] {
  const domains = params.map((type) => (type === valueType.i64 ? wides : words));
  const [first, second] = domains;
  if (first === undefined) return [[]];
  if (second === undefined) return first.map((value) => [value]);
  return first.flatMap((a, row) =>
    second.map((b, column) => [
      a,
      b,
      ...domains.slice(2).map((domain, place) => domain[(row * 5 + column * 3 + place * 7) % domain.length]!),
    ]),
  );
}

const makesNaN =
  /^(f32|f64|f32x4|f64x2)\.(add|sub|mul|div|min|max|sqrt|ceil|floor|trunc|nearest|demote\w*|promote\w*)$/;

/** A result as 32-bit words, where the operation makes NaN of this width all of them canonical. */
function shown(name: string, value: unknown): string {
  const list = (Array.isArray(value) ? value : [value]) as (Value | undefined)[];
  const made = makesNaN.exec(name)?.[1];
  return list
    .map((item) => {
      if (made === undefined || item === undefined) return String(item);
      return made.startsWith('f32') ? canonicalSingles(item) : canonicalDouble(BigInt(item));
    })
    .join();
}

function canonicalSingles(value: Value): string {
  const floats = new Float32Array(
    typeof value === 'bigint' ? BigInt64Array.of(value).buffer : Int32Array.of(value).buffer,
  );
  return [...floats]
    .map((item, lane) => (Number.isNaN(item) ? 'nan' : new Int32Array(floats.buffer)[lane]))
    .join(':');
}

function canonicalDouble(value: bigint): string {
  return Number.isNaN(new Float64Array(BigInt64Array.of(value).buffer)[0]!) ? 'nan' : String(value);
}

function bytesOf(memory: unknown): Buffer {
  const buffer = (memory as { buffer?: ArrayBufferLike } | undefined)?.buffer;
  return buffer === undefined ? Buffer.alloc(0) : Buffer.from(new Uint8Array(buffer));
}

function* opcodesOf({ bytes, bodies, types }: ParsedModule): Generator<number, void, undefined> {
  const reader = new ByteReader(bytes, 'fixture');
  for (const { start: first, end } of bodies) {
    reader.offset = first;
    while (reader.offset < end) yield readInstruction(reader, types).code;
  }
}

const fixtures = globSync(join(import.meta.dirname, 'classes', '*.wat')).sort();
const seen = new Set<number>();

for (const path of fixtures) {
  test(`${basename(path, '.wat')}: instrumented as plain`, () => {
    const bytes = assemble(readFileSync(path, 'utf8'));
    const module = parseModule(bytes, basename(path));
    for (const code of opcodesOf(module)) seen.add(code);
    const plain = startPlain(bytes);
    const running = start(bytes, { pagesMax: 3 });
    let calls = 0;
    for (const { name, kind, index } of module.exports) {
      if (kind !== 'function') continue;
      const { params } = typeOfFunction(module, index)!;
      for (const values of operands(params)) {
        const expected = plain.call(name, values);
        running.setFuel(1e9);
        const found = outcomeOf(() => running.exports[name]!(...values));
        const call = `${name}(${values.join(', ')})`;
        assert.equal(found.trap, expected.trap, call);
        assert.equal(shown(name, found.value), shown(name, expected.value), call);
        calls++;
      }
      assert.ok(
        bytesOf(plain.exports['memory']).equals(bytesOf(running.memory)) || module.memory === undefined,
        name,
      );
    }
    assert.ok(calls > 3);
  });
}

test('the fixtures hold every instruction that is taken', () => {
  const missing: string[] = [];
  for (let code = 0; code < simdBase + 0x100; code++) {
    if (opcodeInfo(code) !== undefined && !seen.has(code)) missing.push(hexOf(code));
  }
  assert.deepEqual(missing, []);
});

function hexOf(code: number): string {
  if (code >= simdBase) return `0xfd ${code - simdBase}`;
  return code >= bulkBase ? `0xfc ${code - bulkBase}` : `0x${code.toString(16)}`;
}
