// A little torture, as part of every test run: `npm run torture` for more of it.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { torture } from './torture.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-torture-'));
after(() => rmSync(root, { recursive: true, force: true }));

for (const seed of [1, 2, 3]) {
  test(`a run whose processes are killed again and again comes to what it comes to without that (seed ${seed})`, {
    skip: process.platform === 'win32',
  }, async () => {
    await torture(seed, join(root, String(seed)), join(root, 'cache'));
  });
}
