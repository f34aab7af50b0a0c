// The table of codes and the shape of a fault.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError, errorCodes, assert as invariant, unreachable } from './errors.ts';

test('every code has a meaning in one sentence and one of the documented exit codes', () => {
  for (const [code, { meaning, exitCode }] of Object.entries(errorCodes)) {
    assert.match(meaning, /^[A-Z].*\.$/, code);
    assert.ok([1, 2, 3, 4, 70].includes(exitCode), code);
  }
});

test('an EngineError carries its code, its facts and its cause', () => {
  const cause = new Error('deeper');
  const error = new EngineError('config-invalid', 'Cannot do it', { line: 3 }, cause);
  assert.deepEqual(
    [error.name, error.code, error.message, error.details, error.cause],
    ['EngineError', 'config-invalid', 'Cannot do it', { line: 3 }, cause],
  );
  assert.ok(!('cause' in new EngineError('usage', 'Cannot')));
});

test('a broken invariant is a bug, and names itself', () => {
  invariant(true, 'holds');
  assert.throws(() => invariant(false, 'the queue is sorted'), {
    code: 'bug',
    message: /the queue is sorted/,
  });
  assert.throws(() => unreachable('odd' as never), { code: 'bug', message: /"odd"/ });
});
