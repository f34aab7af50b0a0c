// Whatever is thrown ends in the exit code of its kind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError, type ErrorCode } from '../base/errors.ts';
import { reportFailure } from './failure.ts';

/** The exit code and what was written to standard error. */
function reported(error: unknown): [number, string] {
  const { write } = process.stderr;
  let err = '';
  process.stderr.write = (text: string | Uint8Array) => {
    err += String(text);
    return true;
  };
  try {
    return [reportFailure(error, false), err];
  } finally {
    process.stderr.write = write;
  }
}

test('each kind of error has its exit code', () => {
  const codes: [ErrorCode, number][] = [
    ['config-invalid', 1],
    ['run-failed', 1],
    ['usage', 2],
    ['replay-diverged', 3],
    ['record-damaged', 4],
    ['host-fault', 70],
    ['bug', 70],
  ];
  for (const [code, exitCode] of codes) {
    const [found, err] = reported(new EngineError(code, 'Cannot do it'));
    assert.equal(found, exitCode);
    assert.match(err, /error:.* Cannot do it\n/);
  }
});

test('where a model is missing the option that says where it lies is named', () => {
  const [exitCode, err] = reported(new EngineError('model-missing', 'Cannot load model "m/1": no folder'));
  assert.equal(exitCode, 1);
  assert.match(
    err,
    /no folder; --models <dir> says where models lie: <dir>\/<model>\/<version>\/model.onnx\n/,
  );
});

test('anything else that is thrown is a bug, and told without a stack trace', () => {
  for (const thrown of [new TypeError('x is not a function'), 'text', undefined]) {
    const [exitCode, err] = reported(thrown);
    assert.equal(exitCode, 70);
    assert.match(err, /This is a bug of wasm-engine; WASM_ENGINE_DEBUG=1 shows where\.\n$/);
    assert.doesNotMatch(err, /^\s+at /m);
  }
});

test('names and texts of others cannot move the cursor', () => {
  const [, err] = reported(new EngineError('usage', 'Cannot find "\u001b[2J\u009b"\n  second line'));
  assert.ok(err.endsWith(' Cannot find "\uFFFD[2J\uFFFD"\n  second line\n'));
});
