import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineExport, Status } from '../abi/guest-exports.ts';
import { instrument } from './index.ts';
import { assemble, start } from './test-module.ts';

const fibonacci = `
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))`;

test('an instrumented function gives the same answer and uses fuel', () => {
  const running = start(`(module ${fibonacci})`);
  const first = running.call('fib', [15]);
  assert.equal(first.value, 610);
  assert.equal(first.status, Status.none);
  assert.ok(first.used > 1000);
  assert.deepEqual(running.call('fib', [15]), first);
});

test('a loop without end runs out of fuel', () => {
  const running = start('(module (func (export "spin") (loop (br 0))))');
  const { trap, used, status } = running.call('spin', [], 1000);
  assert.match(trap!, /unreachable/);
  assert.equal(used, 1001);
  assert.equal(status, Status.outOfFuel);
});

test('recursion without end exhausts the stack', () => {
  const running = start('(module (func $down (export "down") (call $down)))');
  const { trap, status } = running.call('down');
  assert.match(trap!, /unreachable/);
  assert.equal(status, Status.stackExhausted);
});

test('active segments and the start function are applied by init alone', () => {
  const text = `(module (memory (export "memory") 1) (data (i32.const 8) "hi") (start $begin)
    (func $begin (i32.store8 (i32.const 9) (i32.add (i32.load8_u (i32.const 9)) (i32.const 1)))))`;
  const bare = start(text, { bare: true });
  const bytes = new Uint8Array(bare.memory.buffer);
  assert.deepEqual([...bytes.subarray(8, 10)], [0, 0]);
  bare.setFuel(1000);
  bare.exports[engineExport.init]!();
  assert.deepEqual([...bytes.subarray(8, 10)], [0x68, 0x6a]);
});

test('what is no module and no option is told by what was wanted', () => {
  const bytes = assemble('(module)');
  const call = instrument as (module: unknown, options?: unknown) => unknown;
  const cases: [unknown, unknown, RegExp][] = [
    [undefined, {}, /found undefined, wanted its bytes in a Uint8Array/],
    [bytes.buffer, {}, /found ArrayBuffer, wanted its bytes/],
    ['module.wasm', {}, /found string, wanted its bytes/],
    [bytes, null, /found null as options, wanted an object/],
    [
      bytes,
      { stackByteMax: 5 },
      /no option "stackByteMax", but name, stackBytesMax, agent, ownImports, protections/,
    ],
    [bytes, { constructor: 5 }, /no option "constructor"/],
    [bytes, { stackBytesMax: -1 }, /"stackBytesMax" as "-1", wanted a whole number from 0/],
    [bytes, { stackBytesMax: 2 ** 31 }, /wanted a whole number/],
    [bytes, { name: ['a'] }, /"name" as Array, wanted a text/],
    [bytes, { protections: ['nan'] }, /"protections" as Array, wanted an object/],
    [bytes, { protections: { fule: false } }, /no protection "fule", but fuel, stack, nan, growth/],
    [bytes, { protections: { fuel: undefined } }, /"fuel" as "undefined", wanted true or false/],
  ];
  for (const [module, options, message] of cases) {
    assert.throws(() => call(module, options), { code: 'config-invalid', message });
  }
  assert.doesNotThrow(() => call(bytes, { name: undefined, agent: false }));
});
