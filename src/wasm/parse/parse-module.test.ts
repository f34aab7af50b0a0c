import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../base/errors.ts';
import { instrument } from '../index.ts';
import { assemble } from '../test-module.ts';

function refusalOf(bytes: Uint8Array): EngineError | undefined {
  try {
    instrument(bytes, { name: 'x.wasm' });
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'module-refused') return error;
    throw error;
  }
}

function messageOf(source: string | readonly number[]): string {
  const bytes = typeof source === 'string' ? assemble(source) : Uint8Array.from([...header, ...source]);
  return refusalOf(bytes)?.message ?? 'accepted';
}

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
/** A type section with `() -> ()` and one function of it. */
const oneFunction = [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0];

/** A module with one function whose code is these bytes. */
function withCode(...code: number[]): number[] {
  return [...oneFunction, 10, code.length + 4, 1, code.length + 2, 0, ...code, 0x0b];
}

function imports(what: string): string {
  return `(module (import ${what}))`;
}

const anHost = (name: string, type: string) => imports(`"wasm_engine" "${name}" (func ${type})`);

const refusals: readonly (readonly [string, string | readonly number[], RegExp])[] = [
  ['atomics', withCode(0xfe, 0x03, 0x00), /threads and atomics.*\(code section, offset 0x17\)/],
  ['relaxed SIMD', withCode(0xfd, 0x80, 0x02), /0xfd 0x100 \(relaxed SIMD\)/],
  ['exceptions', withCode(0x08, 0x00), /instruction throw \(exceptions\), which is not taken .*offset 0x17/],
  ['newer exceptions', withCode(0x1f, 0x40, 0x00, 0x0b), /instruction try_table \(exceptions\)/],
  ['fewer bodies than functions', [1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0], /1 functions and has 0 bodies .*0x12/],
  ['a tag section', [1, 4, 1, 0x60, 0, 0, 13, 3, 1, 0, 0], /tag section \(exceptions\)/],
  ['garbage collection', withCode(0xfb, 0x00), /garbage collection/],
  ['struct types', [1, 3, 1, 0x5f, 0], /garbage-collected types/],
  ['typed references', withCode(0x14, 0x00), /typed function references/],
  ['unknown opcodes', withCode(0x27), /unknown instruction 0x27/],
  ['unknown prefixed opcodes', withCode(0xfc, 0x12), /unknown instruction 0xfc 0x12/],
  ['reserved vector opcodes', withCode(0xfd, 0x9a, 0x01), /unknown instruction 0xfd 0x9a/],
  ['a shared memory', [5, 4, 1, 3, 1, 2], /shared memory \(threads\)/],
  ['memory64', [5, 3, 1, 4, 1], /memory64/],
  ['two memories', [5, 5, 2, 0, 1, 0, 1], /2 memories \(multi-memory\)/],
  ['an access to a second memory', withCode(0x41, 0, 0x28, 0x42, 0, 0, 0x1a), /multi-memory/],
  ['a memory minimum above its maximum', [5, 4, 1, 1, 2, 1], /minimum 2 above its maximum 1/],
  ['a memory above 65536 pages', '(module (memory 65537))', /65537 pages, at most 65536|wat/],
  ['an imported memory', imports('"wasm_engine" "m" (memory 1)'), /imports the memory "wasm_engine.m"/],
  ['an instrumented module', imports('"wasm-engine" "memory" (memory 1)'), /it is instrumented already/],
  ['an imported table', imports('"wasm_engine" "t" (table 1 funcref)'), /imports the table/],
  ['an imported global', imports('"wasm_engine" "g" (global i32)'), /imports the global/],
  ['another module', imports('"env" "abort" (func)'), /imports "env.abort", only imports from "wasm_engine"/],
  ['an unknown host function', anHost('sned', ''), /"wasm_engine.sned", which is no host function/],
  ['an inherited name', anHost('constructor', ''), /which is no host function/],
  ['request', anHost('request', ''), /which this version does not have/],
  [
    'a wrong import type',
    anHost('log', '(param i32 i64 i32) (result i32)'),
    /as \(i32, i64, i32\) -> i32, wanted/,
  ],
  ['an export of the engine', '(module (func (export "wasm-engine:init")))', /belong to the engine/],
  ['a table of externref', '(module (table 1 externref))', /table of externref/],
  ['externref anywhere', '(module (func (param externref)))', /uses externref/],
  ['a large table', '(module (table 100001 funcref))', /100001 elements, at most 100000/],
  ['large tables together', '(module (table 60000 funcref) (table 60000 funcref))', /120000 elements/],
  [
    'too many locals',
    [...oneFunction, 10, 8, 1, 6, 1, 0xd0, 0x86, 3, 0x7f, 0x0b],
    /50000 locals, at most 49000/,
  ],
  ['mutable references', '(module (global (mut funcref) (ref.null func)))', /mutable global of funcref/],
  ['extended constants', '(module (global i32 (i32.add (i32.const 1) (i32.const 2))))', /extended constant/],
  ['sections out of order', [3, 1, 0, 1, 1, 0], /type section is out of order/],
  ['a section twice', [1, 1, 0, 1, 1, 0], /there twice/],
  ['an unknown section', [14, 0], /section of the unknown id 14/],
  ['a section that is too long', [1, 2, 0, 0], /type section ends 1 bytes before its declared size/],
  ['a section past the end', [1, 9, 0], /truncated: the type section needs 9 bytes, 1 are left/],
  ['a function without a body', oneFunction, /declares 1 functions and has 0 bodies/],
  ['an unknown export', [7, 5, 1, 1, 0x61, 0, 0], /the function 0, which does not exist/],
  ['what is not valid', withCode(0x41, 0), /function 0, instruction 0x0b: 1 operands too many/],
  ['too few operands', withCode(0x6a), /too few operands/],
  ['an else without an if', withCode(0x05), /an else has no if/],
];

for (const [what, source, wanted] of refusals) {
  test(`a module is refused for ${what}`, () => {
    let message: string;
    try {
      message = messageOf(source);
    } catch {
      message = 'wat';
    }
    assert.match(message, wanted);
  });
}

test('bytes that are no module are refused at once', () => {
  assert.match(
    refusalOf(new Uint8Array(0))!.message,
    /^Cannot load module "x\.wasm": truncated: it has 0 bytes/,
  );
  assert.match(refusalOf(new TextEncoder().encode('#!/bin/sh'))!.message, /not a WebAssembly module/);
  assert.match(refusalOf(Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]))!.message, /of version 1/);
  assert.match(refusalOf(new Uint8Array(16_777_217))!.message, /16777217 bytes, at most 16777216/);
});

test('a refusal carries name, section and offset as facts', () => {
  const error = refusalOf(Uint8Array.from([...header, ...withCode(0xfe, 0x03, 0x00)]))!;
  assert.equal(error.details['name'], 'x.wasm');
  assert.equal(error.details['section'], 'code');
  assert.equal(error.details['offset'], 0x17);
});

/** One of everything that is taken. */
const everything = `(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "wasm_engine" "log" (func $log (param i32 i32 i32) (result i32)))
  (table $t 4 8 funcref) (table $u 2 funcref)
  (memory (export "memory") 1 3)
  (global $count (export "count") (mut i64) (i64.const -5)) (global $pi f64 (f64.const 3.25))
  (global $f funcref (ref.func $add)) (global (mut v128) (v128.const i64x2 1 2))
  (elem (i32.const 1) $add $log) (elem $passive funcref (ref.func $add) (ref.null func))
  (elem declare func $start) (elem (table $u) (i32.const 0) func $add)
  (data (i32.const 16) "abc") (data $later "xyz")
  (start $start)
  (func $start (drop (ref.func $start)) (memory.init $later (i32.const 0) (i32.const 0) (i32.const 3))
    (data.drop $later))
  (func $add (export "add") (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func $many (export "many") (param i32) (result i32 i64) (local v128 f32 f64)
    (block (param) (result i32 i64)
      (block $a (block $b (br_table $a $b (local.get 0))) (return (i32.const 1) (i64.const 2)))
      (i32.const 3) (i64.extend_i32_s (local.get 0))))
  (func (export "indirect") (param i32) (result i32)
    (if (result i32) (local.get 0) (then (call_indirect $t (type $binary) (i32.const 1) (i32.const 2) (local.get 0)))
      (else (return_call $add (i32.const 4) (i32.const 5)))))
  (func (export "vector") (result i32)
    (i8x16.extract_lane_s 3 (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (v128.load (i32.const 16))
      (i32x4.splat (i32.const 7)))))
  (func (export "tables") (result i32)
    (table.init $t $passive (i32.const 2) (i32.const 0) (i32.const 2)) (elem.drop $passive)
    (table.copy $t $u (i32.const 0) (i32.const 0) (i32.const 1))
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 1))
    (drop (table.grow $t (ref.null func) (i32.const 1)))
    (select (ref.is_null (table.get $t (i32.const 0))) (i32.const 9) (i32.const 1)))
  (func (export "memory_ops") (result i32)
    (memory.fill (i32.const 100) (i32.const 1) (i32.const 10)) (memory.copy (i32.const 200) (i32.const 100)
      (i32.const 10))
    (i32.add (memory.grow (i32.const 1)) (i32.trunc_sat_f64_u (f64.const 7)))))`;

test('a module with one of everything is taken', () => {
  assert.equal(messageOf(everything), 'accepted');
});

test('a module cut at any byte is refused, and nothing else happens', () => {
  const bytes = assemble(everything);
  for (let size = 0; size < bytes.length; size++) {
    const error = refusalOf(bytes.subarray(0, size));
    if (error === undefined) assert.ok(isWhole(bytes.subarray(0, size)), `cut at ${size} was taken`);
  }
});

/** A cut between trailing custom sections leaves a whole module. */
function isWhole(bytes: Uint8Array): boolean {
  return (
    globalThis as unknown as { WebAssembly: { validate(b: Uint8Array): boolean } }
  ).WebAssembly.validate(bytes);
}

test('changed bytes are taken or refused, and never break the pass', () => {
  const bytes = assemble(everything);
  const change = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const changed = bytes.slice();
      for (const { at, to } of changes) changed[at] = to;
      refusalOf(changed);
    }),
    { numRuns: 1500, seed: 7 },
  );
});

test('removed and repeated bytes are taken or refused, and never break the pass', () => {
  const bytes = assemble(everything);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(40), fc.nat(bytes.length - 1), (at, size, to) => {
      const piece = bytes.subarray(at, at + size);
      const changed = Uint8Array.from([
        ...bytes.subarray(0, to),
        ...piece,
        ...bytes.subarray(to + (size % 3)),
      ]);
      refusalOf(changed);
    }),
    { numRuns: 1000, seed: 8 },
  );
});
