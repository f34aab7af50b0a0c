// The lines shown on docs/formats/lines.md are lines that the engine reads and writes, and every key is on the page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { encodeUtf8 } from '../src/base/encoding.ts';
import { outputLine } from '../src/cli/output-lines.ts';
import { parseInputLine } from '../src/engine/input/input-line.ts';

const page = readFileSync(join(dirname(import.meta.dirname), 'docs', 'formats', 'lines.md'), 'utf8');
const [inputs = [], outputs = []] = [...page.matchAll(/^```jsonl\n([\s\S]*?)^```$/gm)].map((match) =>
  match[1]!.trim().split('\n'),
);

test('the input lines of the page are taken, and every key that lines may have is told', () => {
  for (const line of inputs) assert.deepEqual(parseInputLine(line, 1, 'page').ok, true, line);
  const refused = parseInputLine('{"what": 1}', 1, 'page');
  assert.ok(!refused.ok);
  const keys = [...refused.problem.matchAll(/"(\w+)"/g)].map((match) => match[1]!).slice(1);
  assert.equal(keys.length, 9);
  for (const key of keys) assert.match(page, new RegExp(`^\\|.*\`${key}\`.*\\|$`, 'm'), key);
});

test('the output lines of the page are what the command writes', () => {
  const bytes = [
    encodeUtf8('{"sensor":"boiler","value":71.25}'),
    encodeUtf8('sold'),
    Uint8Array.of(0, 1, 2, 255),
  ];
  for (const [index, line] of outputs.entries())
    assert.equal(outputLine({ ...JSON.parse(line), payload: bytes[index] }), line);
  assert.equal(outputs.length, bytes.length);
});
