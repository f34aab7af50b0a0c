// How far outputs have got survives the process, and a file of outputs goes on where its last whole line ends.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DeliveryMark, nothingDelivered, readDeliveryMark } from './delivery-mark.ts';
import { OutputFile } from './output-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-mark-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('a mark says what was noted last, also to the next process', () => {
  assert.equal(readDeliveryMark(folder), undefined);
  const mark = new DeliveryMark(folder);
  assert.deepEqual(readDeliveryMark(folder), nothingDelivered);
  const far = { epoch: 12, tick: Number.MAX_SAFE_INTEGER, index: 4_000_000 };
  mark.note(far);
  assert.deepEqual(readDeliveryMark(folder), far);
  mark.note({ epoch: 0, tick: 1, index: 0 });
  mark.close();
  new DeliveryMark(folder).close();
  assert.deepEqual(readDeliveryMark(folder), { epoch: 0, tick: 1, index: 0 });
});

test('a mark that cannot be read has delivered nothing', () => {
  for (const text of ['', 'x', '1 2', '1 2 3', '-1 2 3\n']) {
    writeFileSync(join(folder, 'outputs-delivered'), text);
    assert.deepEqual(readDeliveryMark(folder), nothingDelivered);
  }
});

function line(tick: number, size = 1): string {
  return `{"epoch":0,"tick":${tick},"index":0,"agent":"a","payload":"${'x'.repeat(size)}"}\n`;
}

test('a file of outputs that was cut off at any byte goes on behind its last whole line', () => {
  const path = join(folder, 'out.jsonl');
  const whole = line(1) + line(2, 200_000) + line(3);
  for (const cut of [
    0,
    1,
    8,
    30,
    line(1).length,
    line(1).length + 12,
    100_000,
    whole.length - 1,
    whole.length,
  ]) {
    writeFileSync(path, whole.slice(0, cut));
    const lines = whole.slice(0, cut).split('\n').length - 1;
    const file = new OutputFile(path, true);
    assert.equal(file.last?.tick, lines === 0 ? undefined : lines);
    for (let tick = lines + 1; tick <= 3; tick++)
      file.writeLine(line(tick, tick === 2 ? 200_000 : 1).trimEnd());
    file.close();
    assert.equal(readFileSync(path, 'utf8'), whole, `cut at ${cut}`);
  }
});

test('what is no output is left in a file as it is', () => {
  const path = join(folder, 'other.txt');
  writeFileSync(path, 'notes of somebody\nwithout an end');
  const file = new OutputFile(path, true);
  assert.equal(file.last, undefined);
  file.close();
  assert.equal(readFileSync(path, 'utf8'), 'notes of somebody\nwithout an end');
});
