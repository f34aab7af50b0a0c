// The mark of a turn says whose it was, if it was not over, wherever the process died while it wrote.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodeStorage } from './node-storage.ts';
import { readTurnMarker, TurnMarker } from './turn-marker.ts';

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-marker-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const storage = nodeStorage(folder);

test('the last turn that was begun is told, and none once all are over', () => {
  assert.equal(readTurnMarker(storage), undefined);
  const marker = new TurnMarker(storage);
  for (const sync of [false, true]) {
    marker.begin(7, sync);
    assert.equal(readTurnMarker(storage), undefined);
    marker.mark(0, 3);
    assert.deepEqual(readTurnMarker(storage), { tick: 7, origin: 0, counter: 3 });
    marker.mark(2 ** 32 - 1, 12);
    assert.deepEqual(readTurnMarker(storage), { tick: 7, origin: 2 ** 32 - 1, counter: 12 });
    marker.done();
    assert.equal(readTurnMarker(storage), undefined);
  }
  marker.remove();
  marker.remove();
  assert.deepEqual(readdirSync(folder), []);
});

test('a mark that was cut off says nothing of its turn, and the turn before it was over', () => {
  const marker = new TurnMarker(storage);
  marker.begin(41, false);
  marker.mark(0, 1);
  marker.mark(0, 2);
  const path = join(folder, 'turn-marker');
  const whole = readFileSync(path);
  for (let cut = 0; cut <= whole.length; cut++) {
    writeFileSync(path, whole.subarray(0, cut));
    const expected = cut === whole.length ? 2 : cut === whole.length / 2 ? 1 : undefined;
    assert.equal(readTurnMarker(storage)?.counter, expected, `cut at ${cut}`);
  }
  marker.remove();
});
