// What a contract lets through is what its schema says of the payload alone.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileContract } from './contract.ts';
import type { JsonValue } from './json-value.ts';

function taken(contract: JsonValue, payloads: readonly string[]): string[] {
  const accepts = compileContract(contract);
  return payloads.filter((payload) => accepts(new TextEncoder().encode(payload)));
}

test('keys that every object of JavaScript has are keys like others', () => {
  const names = ['constructor', 'toString', 'hasOwnProperty', '__proto__'];
  for (const name of names) {
    const has = `{${JSON.stringify(name)}:1}`;
    assert.deepEqual(taken({ type: 'object', required: [name] }, ['{}', '{"x":1}', has]), [has]);
    // No configuration has a key of this name.
    if (name === '__proto__') continue;
    const properties = JSON.parse(`{${JSON.stringify(name)}:{"type":"number"}}`) as JsonValue;
    const closed = { type: 'object', properties, additionalProperties: false };
    assert.deepEqual(taken(closed, ['{}', '{"x":1}', has]), ['{}', has], name);
  }
});

test('what is no JSON in UTF-8 keeps no contract', () => {
  assert.deepEqual(taken(true, ['', '1', ' 1 ', '\ufeff1', '1 1', "'a'", 'NaN', 'undefined']), ['1', ' 1 ']);
  assert.equal(compileContract(true)(new Uint8Array([0x22, 0xff, 0x22])), false);
});
