import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport, Status } from '../../abi/guest-exports.ts';
import { ByteWriter } from '../binary/byte-writer.ts';
import { instrument } from '../index.ts';
import { assemble, outcomeOf, start } from '../test-module.ts';

declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array): object;
    imports(module: object): { module: string; name: string; kind: string }[];
    exports(module: object): { name: string; kind: string }[];
    customSections(module: object, name: string): ArrayBuffer[];
  };
};

test('the memory is imported, shared, and of the least size that the module wants', () => {
  const { bytes, memory } = instrument(assemble('(module (memory (export "memory") 2 7))'));
  const module = new WebAssembly.Module(bytes);
  assert.deepEqual(WebAssembly.Module.imports(module), [
    { module: 'wasm-engine', name: 'memory', kind: 'memory' },
  ]);
  assert.deepEqual(memory, { pagesMin: 2, pagesMax: 7 });
  assert.deepEqual(instrument(assemble('(module (memory 2))')).memory, { pagesMin: 2, pagesMax: 65_536 });
  assert.deepEqual(instrument(assemble('(module)')).memory, { pagesMin: 0, pagesMax: 0 });
});

test("the module's own exports come first, and the engine's after them", () => {
  const module = new WebAssembly.Module(
    instrument(assemble('(module (func (export "f")) (global (export "g") i32 (i32.const 1)))')).bytes,
  );
  const names = WebAssembly.Module.exports(module).map((item) => item.name);
  assert.deepEqual(names.slice(0, 2), ['f', 'g']);
  const { receive, step, ...others } = engineExport;
  assert.deepEqual(names.slice(2).sort(), Object.values(others).sort());
  assert.ok(![receive, step].some((name) => names.includes(name)), 'entries are those of agents');
});

function withCustom(bytes: Uint8Array, name: string, payload: readonly number[]): Uint8Array {
  const section = new ByteWriter().text(name).u8(...payload);
  return new ByteWriter().bytes(bytes).u8(0).sized(section).result();
}

test('custom sections are kept, but for those that count bytes of code', () => {
  const named = assemble('(module (func $first) (func $second (export "f") (unreachable)))');
  const kept = ['producers', 'target_features', 'name.debug_info', 'sourceMappingURLs'];
  const left = [
    'metadata.code.branch_hint',
    '.debug_line',
    'reloc.CODE',
    'sourceMappingURL',
    'external_debug_info',
  ];
  const source = [...kept, ...left].reduce<Uint8Array>(
    (bytes, name) => withCustom(bytes, name, [1, 2]),
    named,
  );
  const module = new WebAssembly.Module(instrument(source).bytes);
  const sections = (name: string) => WebAssembly.Module.customSections(module, name);
  for (const name of kept) assert.deepEqual([...new Uint8Array(sections(name)[0]!)], [1, 2], name);
  for (const name of left) assert.equal(sections(name).length, 0, name);
});

test('names in stack traces stay those of the author', () => {
  const running = start(
    '(module (func $first) (func $the_culprit (export "f") (i32.load (i32.const -1)) (drop)) (memory 1))',
  );
  running.setFuel(100);
  try {
    running.exports['f']!();
    assert.fail('it traps');
  } catch (error) {
    assert.match((error as Error).stack!, /the_culprit/);
  }
});

const initial = `(module (memory (export "memory") 1) (table (export "table") 4 funcref)
  (data (i32.const 0) "aaaa") (data (i32.const 2) "bb") (elem (i32.const 1) $f) (start $begin)
  (func $f) (func $begin (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1)))))`;

test('init applies segments in order, then the start function; instantiation alone applies nothing', () => {
  const running = start(initial, { bare: true });
  const bytes = new Uint8Array(running.memory.buffer);
  assert.deepEqual([...bytes.subarray(0, 4)], [0, 0, 0, 0]);
  running.setFuel(1000);
  running.exports[engineExport.init]!();
  assert.equal(String.fromCharCode(...bytes.subarray(0, 4)), 'babb');
});

test('init is charged by length and ends without fuel', () => {
  const text = (size: number) =>
    `(module (memory (export "memory") 1) (data (i32.const 0) "${'x'.repeat(size)}"))`;
  const used = (size: number) => {
    const running = start(text(size), { bare: true });
    running.setFuel(1000);
    running.exports[engineExport.init]!();
    return 1000 - running.fuel();
  };
  assert.equal(used(800) - used(0), 100);
  const poor = start(text(800), { bare: true });
  poor.setFuel(99);
  assert.match(outcomeOf(() => poor.exports[engineExport.init]!()).trap!, /unreachable/);
  assert.equal(poor.status(), Status.outOfFuel);
  assert.equal(new Uint8Array(poor.memory.buffer)[0], 0);
});

test('init traps out of bounds as instantiation would, after the segments before', () => {
  const text =
    '(module (memory (export "memory") 1) (data (i32.const 0) "ok") (data (i32.const 65535) "no"))';
  const running = start(text, { bare: true });
  running.setFuel(1000);
  assert.match(outcomeOf(() => running.exports[engineExport.init]!()).trap!, /memory access out of bounds/);
  assert.equal(new Uint8Array(running.memory.buffer)[0], 'o'.charCodeAt(0));
  const table = start('(module (table 1 funcref) (elem (i32.const 1) $f) (func $f))', { bare: true });
  table.setFuel(1000);
  assert.match(
    outcomeOf(() => table.exports[engineExport.init]!()).trap!,
    /table index is out of bounds|out of bounds/,
  );
});

test('a start function without end is bounded by fuel and stack', () => {
  const spin = start('(module (start $s) (func $s (loop (br 0))))', { bare: true });
  spin.setFuel(1000);
  assert.match(outcomeOf(() => spin.exports[engineExport.init]!()).trap!, /unreachable/);
  assert.equal(spin.status(), Status.outOfFuel);
  const dive = start('(module (start $s) (func $s (call $s)))', { bare: true });
  dive.setFuel(1e9);
  assert.match(outcomeOf(() => dive.exports[engineExport.init]!()).trap!, /unreachable/);
  assert.equal(dive.status(), Status.stackExhausted);
});

test('an agent without an export of the ABI is refused by the name of it', () => {
  const good = `(memory (export "memory") 1) (func (export "agent_init") (result i32) (i32.const 0))
    (func $one (export "agent_step") (export "agent_receive") (export "agent_alloc") (param i32) (result i32)
      (i32.const 0))`;
  const shutdown = '(func (export "agent_shutdown") (result i32) (i32.const 0))';
  const load = (text: string) => () =>
    instrument(assemble(`(module ${text})`), { name: 'a.wasm', agent: true });
  assert.doesNotThrow(load(good + shutdown));
  assert.throws(load(good), /Cannot load module "a\.wasm": it exports no function "agent_shutdown"/);
  assert.throws(
    load(`${good}(func (export "agent_shutdown"))`),
    /"agent_shutdown" as \(\) -> \(\), wanted \(\) -> i32/,
  );
  assert.throws(load(`${good}${shutdown}`.replace('(export "memory")', '')), /exports no memory "memory"/);
});
