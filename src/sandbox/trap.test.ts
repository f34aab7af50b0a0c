// Every way in which V8 can trap, on the version that runs the tests, has a fault of its own name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Status } from '../abi/guest-exports.ts';
import { EngineError } from '../base/errors.ts';
import { compile, type GuestParts, guest } from './test-modules.ts';
import { TestSandbox } from './test-sandbox.ts';
import { classifyTrap } from './trap.ts';

const table = `(type $plain (func (result i32))) (type $other (func (param i64)))
  (table $t 4 4 funcref) (elem (table $t) (i32.const 0) func $f)
  (func $f (result i32) i32.const 0)`;
const passive = '(data $d "abcd") (elem $e func $f)';

const traps: Readonly<Record<string, readonly [string, GuestParts | string]>> = {
  unreachable: ['unreachable', 'unreachable'],
  'a load behind memory': ['memory-out-of-bounds', '(i32.load (i32.const 65533))'],
  'a load at a wrapped address': ['memory-out-of-bounds', '(i32.load offset=8 (i32.const -4))'],
  'a load far out': ['memory-out-of-bounds', '(i32.load (i32.const 0x7fffffff))'],
  'a store behind memory': [
    'memory-out-of-bounds',
    '(i64.store (i32.const 65529) (i64.const 1)) i32.const 0',
  ],
  'a vector load behind memory': [
    'memory-out-of-bounds',
    '(i32x4.extract_lane 0 (v128.load (i32.const 65521)))',
  ],
  'memory.fill': [
    'memory-out-of-bounds',
    '(memory.fill (i32.const 65530) (i32.const 1) (i32.const 7)) i32.const 0',
  ],
  'memory.copy': [
    'memory-out-of-bounds',
    '(memory.copy (i32.const 0) (i32.const 65530) (i32.const 7)) i32.const 0',
  ],
  'memory.init behind memory': [
    'memory-out-of-bounds',
    {
      before: table + passive,
      receive: '(memory.init $d (i32.const 65534) (i32.const 0) (i32.const 4)) i32.const 0',
    },
  ],
  'memory.init behind its segment': [
    'memory-out-of-bounds',
    {
      before: table + passive,
      receive: '(memory.init $d (i32.const 0) (i32.const 2) (i32.const 4)) i32.const 0',
    },
  ],
  'memory.init of a dropped segment': [
    'memory-out-of-bounds',
    {
      before: table + passive,
      receive: '(data.drop $d) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) i32.const 0',
    },
  ],
  'call_indirect behind the table': [
    'table-out-of-bounds',
    { before: table, receive: '(call_indirect $t (type $plain) (i32.const 4))' },
  ],
  'call_indirect at -1': [
    'table-out-of-bounds',
    { before: table, receive: '(call_indirect $t (type $plain) (i32.const -1))' },
  ],
  'call_indirect of null': [
    'indirect-call-mismatch',
    { before: table, receive: '(call_indirect $t (type $plain) (i32.const 3))' },
  ],
  'call_indirect of another type': [
    'indirect-call-mismatch',
    { before: table, receive: '(call_indirect $t (type $other) (i64.const 1) (i32.const 0)) i32.const 0' },
  ],
  'table.get': [
    'table-out-of-bounds',
    { before: table, receive: '(ref.is_null (table.get $t (i32.const 4)))' },
  ],
  'table.set': [
    'table-out-of-bounds',
    { before: table, receive: '(table.set $t (i32.const 4) (ref.null func)) i32.const 0' },
  ],
  'table.fill': [
    'table-out-of-bounds',
    { before: table, receive: '(table.fill $t (i32.const 2) (ref.null func) (i32.const 3)) i32.const 0' },
  ],
  'table.copy': [
    'table-out-of-bounds',
    { before: table, receive: '(table.copy $t $t (i32.const 0) (i32.const 2) (i32.const 3)) i32.const 0' },
  ],
  'table.init behind the table': [
    'table-out-of-bounds',
    {
      before: table + passive,
      receive: '(table.init $t $e (i32.const 4) (i32.const 0) (i32.const 1)) i32.const 0',
    },
  ],
  'table.init behind its segment': [
    'table-out-of-bounds',
    {
      before: table + passive,
      receive: '(table.init $t $e (i32.const 0) (i32.const 1) (i32.const 1)) i32.const 0',
    },
  ],
  'i32.div_s by zero': ['divide-by-zero', '(i32.div_s (i32.const 1) (i32.const 0))'],
  'i32.div_u by zero': ['divide-by-zero', '(i32.div_u (i32.const 1) (i32.const 0))'],
  'i32.rem_s by zero': ['divide-by-zero', '(i32.rem_s (i32.const 1) (i32.const 0))'],
  'i64.rem_u by zero': ['divide-by-zero', '(i32.wrap_i64 (i64.rem_u (i64.const 1) (i64.const 0)))'],
  'i64.div_s by zero': ['divide-by-zero', '(i32.wrap_i64 (i64.div_s (i64.const 1) (i64.const 0)))'],
  'i32.div_s of the least by -1': ['integer-overflow', '(i32.div_s (i32.const 0x80000000) (i32.const -1))'],
  'i64.div_s of the least by -1': [
    'integer-overflow',
    '(i32.wrap_i64 (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))',
  ],
  'i32.trunc of NaN': ['integer-overflow', '(i32.trunc_f64_s (f64.const nan))'],
  'i64.trunc of infinity': ['integer-overflow', '(i32.wrap_i64 (i64.trunc_f32_u (f32.const inf)))'],
  'i32.trunc of too much': ['integer-overflow', '(i32.trunc_f32_s (f32.const 2147483648))'],
  'endless recursion': [
    'stack-exhausted',
    { before: '(func $r (result i32) (i32.add (call $r) (i32.const 1)))', receive: '(call $r)' },
  ],
  'an endless loop': ['out-of-fuel', '(loop $l (br $l)) i32.const 0'],
};

for (const [what, [fault, parts]] of Object.entries(traps)) {
  test(`${what} is the fault ${fault}`, () => {
    const sandbox = new TestSandbox();
    sandbox.addModule(1, compile(guest(typeof parts === 'string' ? { receive: parts } : parts)));
    const { init } = sandbox.create(1, undefined, 1);
    assert.equal(init.fault, '');
    const [record] = sandbox.turn(1, {});
    assert.deepEqual([record!.outcome, record!.fault], ['failed', fault]);
  });
}

test('active segments that do not fit are faults of init', () => {
  for (const [before, fault] of [
    ['(data (i32.const 65534) "abcd")', 'memory-out-of-bounds'],
    ['(data (i32.const -1) "a")', 'memory-out-of-bounds'],
    ['(table 1 funcref) (elem (i32.const 1) func $f) (func $f)', 'table-out-of-bounds'],
    ['(func $f unreachable) (start $f)', 'unreachable'],
  ] as const) {
    const sandbox = new TestSandbox();
    sandbox.addModule(1, compile(guest({ before })));
    assert.equal(sandbox.create(1, undefined, 1).init.fault, fault, before);
  }
});

test('what no version of V8 was known to say stops the engine', () => {
  const unknown = new WebAssembly.RuntimeError('something new');
  assert.throws(() => classifyTrap(unknown, Status.none, 'a'), {
    code: 'host-fault',
    message: /"something new"/,
  });
  assert.throws(() => classifyTrap(new RangeError('Maximum call stack size exceeded'), Status.none, 'a'), {
    code: 'host-fault',
  });
  assert.throws(() => classifyTrap(new Error('unreachable'), Status.none, 'a'), { code: 'host-fault' });
  assert.throws(() => classifyTrap('unreachable', Status.none, 'a'), { code: 'host-fault' });
});

test('growth that the host could not serve is a fault of the host, not of the agent', () => {
  const trap = new WebAssembly.RuntimeError('unreachable');
  assert.throws(() => classifyTrap(trap, Status.growthFailed, 'a'), { code: 'host-fault', message: /"a"/ });
});

test('a fault of the engine below a guest stays what it is', () => {
  const fault = new EngineError('bug', 'Invariant broken');
  assert.throws(() => classifyTrap(fault, Status.none, 'a'), fault);
});
