// Lines that are taken, lines that are refused, and that nothing is changed on the way.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { type InputLine, type MessageLine, parseInputLine } from './input-line.ts';

function anyInput(line: string): InputLine {
  const parsed = parseInputLine(Buffer.from(line), 1, 'in.jsonl');
  assert.ok(parsed.ok, parsed.ok ? '' : parsed.problem);
  return parsed.input;
}

function input(line: string): MessageLine {
  const found = anyInput(line);
  assert.ok('payload' in found);
  return found;
}

function problem(line: string | Uint8Array | undefined): string {
  const parsed = parseInputLine(line, 12, 'in.jsonl');
  assert.ok(!parsed.ok, `taken: ${line}`);
  return parsed.problem;
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

test('a line names a topic or an agent; priority is 0 and tick is open unless they are said', () => {
  assert.deepEqual(input('{"topic":"prices","payload":{"b":1,"a":[true,null]}}'), {
    tick: undefined,
    topic: 'prices',
    agent: undefined,
    payload: new Uint8Array(Buffer.from('{"a":[true,null],"b":1}')),
    priority: 0,
  });
  const { tick, agent, priority } = input('{"tick":7,"agent":"trader/3","payload":1,"priority":-2147483648}');
  assert.deepEqual({ tick, agent, priority }, { tick: 7, agent: 'trader/3', priority: -2147483648 });
});

test('a line asks for a version of a model, or declares one', () => {
  assert.deepEqual(anyInput('{"useModel":"m","version":"2","tick":3}'), {
    tick: 3,
    model: 'm',
    asks: { version: '2' },
  });
  assert.deepEqual(anyInput('{"declareModel":"m","description":{"folder":"f","versions":{"1":"ab"}}}'), {
    tick: undefined,
    model: 'm',
    asks: { description: { folder: 'f', versions: { 1: 'ab' } } },
  });
});

test('the payload is canonical JSON, whatever the layout of the line', () => {
  assert.equal(
    text(input('{"topic":"t","payload": { "z" : 1.0e2 , "a\\u0041" : "\\u00e9" } }').payload),
    '{"aA":"é","z":100}',
  );
  assert.equal(text(input('{"topic":"t","payload":-0}').payload), '0');
  assert.equal(text(input('{"topic":"t","payload":null}').payload), 'null');
  assert.equal(text(input('{"topic":"t","payload":{"__proto__":{"x":1}}}').payload), '{"__proto__":{"x":1}}');
});

test('{"$base64"} alone stands for bytes; with other keys it is JSON', () => {
  assert.deepEqual([...input('{"topic":"t","payload":{"$base64":"AP+A"}}').payload], [0, 255, 128]);
  assert.equal(input('{"topic":"t","payload":{"$base64":""}}').payload.length, 0);
  assert.equal(
    text(input('{"topic":"t","payload":{"$base64":"AP+A","x":1}}').payload),
    '{"$base64":"AP+A","x":1}',
  );
});

const refused: readonly [line: string | Uint8Array | undefined, wanted: RegExp][] = [
  ['{"topic":"t",', /^in\.jsonl:12: found \{"topic":"t",, wanted JSON$/],
  ['[1]', /found \[1\], wanted a JSON object/],
  ['null', /wanted a JSON object/],
  ['{"topic":"t","payload":1,"prioriti":2}', /unknown key "prioriti", wanted "tick", "topic"/],
  ['{"topic":"t","payload":1,"__proto__":2}', /unknown key "__proto__"/],
  ['{"topic":"t","agent":"a","payload":1}', /found both "topic" and "agent", wanted one/],
  ['{"payload":1}', /found none of "topic", "agent", "useModel", "declareModel", wanted one$/],
  ['{"topic":"t"}', /found no "payload"/],
  ['{"topic":"","payload":1}', /"topic": found "", wanted a name/],
  ['{"agent":3,"payload":1}', /"agent": found 3, wanted a name/],
  ['{"topic":"t","payload":1,"tick":-1}', /"tick": found -1, wanted a whole number from 0 to/],
  ['{"topic":"t","payload":1,"tick":1.5}', /"tick": found 1\.5/],
  ['{"topic":"t","payload":1,"tick":null}', /"tick": found null/],
  [
    '{"topic":"t","payload":1,"priority":2147483648}',
    /"priority": found 2147483648, wanted .* from -2147483648 to 2147483647/,
  ],
  ['{"topic":"t","payload":1e999}', /beyond the largest double/],
  [
    '{"topic":"t","payload":{"id":12345678901234567}}',
    /found 12345678901234567, which a JSON number does not hold exactly/,
  ],
  ['{"topic":"t","payload":"\\ud800"}', /half of a surrogate pair/],
  ['{"topic":"t","payload":{"\\udc00":1}}', /half of a surrogate pair/],
  [`{"topic":"t","payload":${'['.repeat(201)}${']'.repeat(201)}}`, /nested more than 200 deep/],
  [`{"topic":"t","payload":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, /nested more than 200 deep/],
  [`{"tick":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, /"tick"|found none of/],
  [`{"topic":"t","payload":${'['.repeat(1e5)}1234567890123456${']'.repeat(1e5)}}`, /in\.jsonl:12/],
  ['{"topic":"t","payload":{"$base64":"AP+"}}', /wanted base64/],
  ['{"topic":"t","payload":{"$base64":"AP-A"}}', /wanted base64/],
  ['{"topic":"t","payload":{"$base64":7}}', /found 7, wanted base64/],
  ['{"useModel":"m","version":"2","payload":1}', /found "payload" with "useModel", wanted "version"$/],
  ['{"useModel":"m"}', /found no "version"/],
  ['{"useModel":"m","version":2}', /"version": found 2, wanted a name/],
  ['{"declareModel":"m","version":"2"}', /found "version" with "declareModel", wanted "description"$/],
  ['{"declareModel":"m"}', /found no table "description"/],
  ['{"declareModel":"m","description":[]}', /found no table "description"/],
  ['{"declareModel":"","description":{}}', /"declareModel": found "", wanted a name/],
  ['{"useModel":"m","agent":"a","version":"2"}', /found both "agent" and "useModel"/],
  ['{"agent":"a","payload":1,"version":"2"}', /found "version" with "agent", wanted "payload", "priority"$/],
  [
    `{"declareModel":"m","description":{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}}`,
    /nested more than 200 deep/,
  ],
  [Uint8Array.of(0x22, 0xff, 0x22), /the line is not UTF-8/],
  [undefined, /longer than 17 MiB/],
  ['\u001b[31m', /found \uFFFD\[31m, wanted JSON/],
];
for (const [line, wanted] of refused) {
  test(`parseInputLine() refuses ${String(line).slice(0, 70)}`, () => assert.match(problem(line), wanted));
}

test('two hundred levels, large exact integers and long fractions are taken', () => {
  assert.equal(input(`{"topic":"t","payload":${'['.repeat(200)}${']'.repeat(200)}}`).payload.length, 400);
  assert.equal(
    text(input('{"topic":"t","payload":[9007199254740992,0.12345678901234567890]}').payload),
    '[9007199254740992,0.12345678901234568]',
  );
});

test('problems are the same on every version of the JSON parser, short, and printable', () => {
  const long = problem(`{"topic":${'x'.repeat(1000)}`);
  assert.ok(long.length < 120, long);
});

test('the payload of any JSON value is its canonical form', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false } as never), (value) => {
      const line = JSON.stringify({ topic: 't', payload: value });
      const parsed = parseInputLine(line, 1, 's');
      if (!parsed.ok) return /surrogate|exactly|base64/.test(parsed.problem);
      assert.ok('payload' in parsed.input);
      assert.equal(text(parsed.input.payload), canonicalize(JSON.parse(JSON.stringify(value))));
      return true;
    }),
  );
});

test('any bytes are taken or refused, never thrown at', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      (bytes) => typeof parseInputLine(bytes, 1, 's').ok === 'boolean',
    ),
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      (line) => typeof parseInputLine(line, 1, 's').ok === 'boolean',
    ),
  );
});
