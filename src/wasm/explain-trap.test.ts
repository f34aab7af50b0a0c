import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainTrap } from './explain-trap.ts';
import { SampleProgram } from './rewrite/sample-program.ts';
import { assemble, start, startPlain } from './test-module.ts';

/** Where a call traps: as V8 says of the plain module, and as is explained of the instrumented one. */
function frames(source: string | Uint8Array, name: string, values: readonly (number | bigint)[] = []) {
  const bytes = typeof source === 'string' ? assemble(source) : source;
  const stackOf = (call: () => unknown): string => {
    try {
      call();
      return '';
    } catch (error) {
      return (error as Error).stack!;
    }
  };
  const plain = startPlain(bytes);
  const wanted = [
    ...stackOf(() => plain.exports[name]!(...values)).matchAll(/wasm-function\[(\d+)\]:0x(\w+)/g),
  ];
  const running = start(bytes, { pagesMax: 3 });
  running.setFuel(1e9);
  const explained = explainTrap(
    running.module,
    stackOf(() => running.exports[name]!(...values)),
  );
  return {
    explained,
    places: explained.map(({ functionIndex, offset }) => [functionIndex, offset]),
    wanted: wanted.map(([, index, offset]) => [Number(index), Number.parseInt(offset!, 16)]),
  };
}

const nested = `(module (import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))
  (memory (export "memory") 1) (table funcref (elem $middle $deep)) (type $t (func (param i32) (result i32)))
  (func $deep (type $t) (local $i i32)
    (loop $again (call $note) (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
    (i32.load (i32.sub (local.get 0) (i32.const 8))))
  (func $note (drop (call $output (i32.const 0) (i32.const 0))))
  (func $middle (type $t) (if (result i32) (local.get 0) (then (i32.add (i32.const 1)
    (call_indirect (type $t) (local.get 0) (i32.const 1)))) (else (i32.div_s (i32.const 1) (local.get 0)))))
  (func (export "outer") (param i32) (result i32) (call $note) (i32.mul (i32.const 3) (call $middle (local.get 0))))
  (func (export "fill") (param i32) (memory.fill (i32.const 5) (i32.const 1) (i32.const 2)) (call $note)
    (memory.fill (i32.const 65530) (i32.const 1) (local.get 0)))
  (func (export "nan") (param i32) (result f64) (f64.store (i32.const 8) (f64.sqrt (f64.load (i32.const 16))))
    (f64.add (f64.sqrt (f64.convert_i32_s (local.get 0))) (f64.load (local.get 0)))))`;

for (const [name, value] of [
  ['outer', 0],
  ['outer', 5],
  ['fill', 100],
  ['nan', -1],
] as const) {
  test(`a trap in ${name}(${value}) is explained by function and offset of the author's module`, () => {
    const { places, wanted } = frames(nested, name, [value]);
    assert.ok(wanted.length > 0);
    assert.deepEqual(places, wanted);
  });
}

test('the frames of a trap have the names of the name section', () => {
  const { explained } = frames(nested, 'outer', [5]);
  assert.deepEqual(
    explained.map(({ name }) => name),
    ['deep', 'middle', undefined],
  );
});

test('a function of a large frame is explained, though its code stands elsewhere', () => {
  const text = `(module (memory 1) (func $first (export "first") (local ${'i64 '.repeat(9000)})
    (local.set 5 (i64.load (i32.const -1)))) (func $second (export "f") (call $first) (call $first)))`;
  const { places, wanted } = frames(text, 'f');
  assert.deepEqual(places, wanted);
  assert.equal(wanted.length, 2);
});

test('running out of fuel is explained by the loop that it happened in', () => {
  const text = '(module (func $spin (loop (br 0))) (func (export "f") (call $spin)))';
  const running = start(text);
  running.setFuel(1000);
  try {
    running.exports['f']!();
    assert.fail('it traps');
  } catch (error) {
    const names = explainTrap(running.module, (error as Error).stack!).map(({ name }) => name);
    assert.deepEqual(names, ['spin', undefined]);
  }
});

test('traps of random programs are explained as V8 says them of the plain module', () => {
  let trapped = 0;
  for (let seed = 2001; seed <= 2120; seed++) {
    const program = new SampleProgram(seed);
    const bytes = assemble(program.text());
    for (let index = 0; index < program.functionCount; index++) {
      const values = program.signature(index).params.map((type) => (type === 'i64' ? 3n : 3));
      const { places, wanted } = frames(bytes, `f${index}`, values);
      assert.deepEqual(places, wanted, `seed ${seed}, f${index}`);
      if (wanted.length > 0) trapped++;
    }
  }
  assert.ok(trapped > 20, `${trapped} trapped`);
});
