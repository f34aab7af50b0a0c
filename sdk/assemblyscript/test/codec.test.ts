// JSON through an agent and back, and memory over many messages.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compiled } from './compiled.ts';
import { StubHost, textOf } from './stub-host.ts';

const bytes = await compiled('codec');

function started(): StubHost {
  const host = new StubHost(bytes);
  host.init();
  return host;
}

function answer(host: StubHost, topic: string, payload: string): string {
  assert.equal(host.deliver({ kind: topic === '' ? 1 : 2, topic, payload }), 0);
  return textOf(host.take('output')[0]?.args[0]);
}

const base = {
  text: 'a',
  yes: true,
  small: -128,
  large: -9007199254740991,
  huge: 9007199254740991,
  float: 0.1,
  list: [1, -2, 3],
  texts: ['x', '', '"\\/'],
  leaf: { name: 'n', note: 'y' },
  leaves: [{ name: 'a' }, { name: 'b', note: '' }],
  floats: [1, 2.5],
};

test('a value with every kind of field survives the round trip', () => {
  assert.deepEqual(JSON.parse(answer(started(), '', JSON.stringify(base))), base);
});

test('keys in another order, white space and unknown keys do not disturb', () => {
  const shuffled = {
    extra: { deep: [1, { a: null }] },
    ...Object.fromEntries(Object.entries(base).reverse()),
  };
  assert.deepEqual(JSON.parse(answer(started(), '', JSON.stringify(shuffled, undefined, 3))), base);
});

test('64-bit integers keep every digit', () => {
  const text = '{"large":-9223372036854775808,"huge":18446744073709551615}';
  const back = answer(started(), '', text);
  assert.match(back, /"large":-9223372036854775808,"huge":18446744073709551615/);
});

test('strings of any Unicode survive the round trip, wherever a surrogate pair falls', () => {
  const host = started();
  for (let before = 0; before < 20; before++) {
    for (const middle of ['😀', 'é', '"', '\\', '\n', '\u0000', '\u007f', '\u2028', '😀😀', 'é😀é']) {
      const value = `${'a'.repeat(before)}${middle}${'b'.repeat(9)}`;
      assert.equal(JSON.parse(answer(host, 'string', JSON.stringify(value))), value);
    }
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
      assert.equal(JSON.parse(answer(host, 'string', JSON.stringify(value))), value);
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('text passes as it is', () => {
  assert.equal(answer(started(), 'text', 'größe 世界 😀'), 'größe 世界 😀');
});

test('a float is the nearest to its text, and its text gives the same float back', () => {
  const host = started();
  const known = [
    '0.1',
    '1e21',
    '5e-324',
    '1.7976931348623157e308',
    '-2.5',
    '123456789.123',
    '2.2250738585072014e-308',
  ];
  for (const text of known) assert.equal(Number(answer(host, 'float', text)), Number(text), text);
  const usual = fc.double({ min: 1e-5, max: 1e21, noNaN: true });
  fc.assert(
    fc.property(usual, fc.boolean(), (size, negative) => {
      const value = negative ? -size : size;
      assert.equal(Number(answer(host, 'float', JSON.stringify(value))), value);
    }),
    { numRuns: 1000, seed: 7 },
  );
});

test('a float far from one is at most one unit in the last place beside its text', () => {
  const host = started();
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const back = Number(answer(host, 'float', JSON.stringify(value)));
      assert.ok(
        Math.abs(back - value) <= Math.max(Math.abs(value) * 2 ** -52, Number.MIN_VALUE),
        String(value),
      );
    }),
    { numRuns: 1000, seed: 7 },
  );
});

const malformed = [
  '',
  'nope',
  '{"text":"x"',
  '{"text":"x"}}',
  '{"text":1}',
  '[]',
  '{"text":"\\q"}',
  '{"list":[1,]}',
  '{"a":01}',
];
for (const payload of malformed) {
  test(`a payload that is not the JSON wanted fails the task: ${JSON.stringify(payload)}`, () => {
    assert.throws(() => started().deliver({ kind: 1, payload }), WebAssembly.RuntimeError);
  });
}

test('the inbox grows for a big payload and is used again', () => {
  const host = started();
  for (const size of [10, 1000, 60_000, 100, 1_000_000]) {
    const value = 'é'.repeat(size);
    assert.equal(JSON.parse(answer(host, 'string', JSON.stringify(value))), value);
  }
  assert.equal(host.allocations, 4);
});

test('memory stays bounded over 10,000 messages', () => {
  const host = started();
  const payload = (i: number) => JSON.stringify({ ...base, large: i, text: `message ${i}` });
  for (let i = 0; i < 1000; i++) answer(host, '', payload(i));
  const before = host.memory.buffer.byteLength;
  for (let i = 0; i < 10_000; i++) answer(host, '', payload(i));
  assert.equal(host.memory.buffer.byteLength, before);
  assert.ok(before <= 16 * 65_536, `${before} bytes`);
});
