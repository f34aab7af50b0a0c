// Files of a run that goes on, as they were when they were first opened.

import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { decodeUtf8 } from '../../base/encoding.ts';
import { readWhole } from '../files.ts';
import { nodeStorage } from '../node-storage.ts';
import type { Storage } from '../storage.ts';
import { holdFiles } from './held-files.ts';

function textOf(storage: Storage, name: string): string | undefined {
  const bytes = readWhole(storage, name);
  return bytes && decodeUtf8(bytes);
}

test('a file stays what it was, though it is removed or replaced, until it is let go', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);
  for (const name of ['a', 'b', 'new']) writeFileSync(at(name), name);
  const { storage, letGo, close } = holdFiles(nodeStorage(folder));
  const texts = (): unknown[] => ['a', 'b', 'c'].map((name) => textOf(storage, name));
  assert.deepEqual(texts(), ['a', 'b', undefined]);
  rmSync(at('a'));
  renameSync(at('new'), at('b'));
  writeFileSync(at('c'), 'c');
  assert.deepEqual(texts(), ['a', 'b', 'c']);
  letGo('a');
  letGo('b');
  assert.deepEqual(texts(), [undefined, 'new', 'c']);
  assert.throws(() => storage.remove('b'), /opened to be read/);
  close();
});
