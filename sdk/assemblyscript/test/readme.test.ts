// The agents shown on the pages compile as they stand there.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileFile } from './compiled.ts';

const root = join(import.meta.dirname, '..', '..', '..');

for (const page of ['README.md', 'sdk/assemblyscript/README.md']) {
  const text = await readFile(join(root, page), 'utf8');
  const agents = [...text.matchAll(/```ts\r?\n([\s\S]*?)```/g)]
    .map((match) => match[1] ?? '')
    .filter((code) => code.includes('@wasm-engine/assemblyscript'));
  test(`${page} shows an agent`, () => assert.notEqual(agents.length, 0));
  for (const [index, code] of agents.entries()) {
    test(`agent ${index + 1} of ${page} compiles`, async () => {
      const folder = await mkdtemp(join(tmpdir(), 'wasm-engine-asc-'));
      try {
        await writeFile(join(folder, 'agent.ts'), code);
        const { bytes, messages } = await compileFile(join(folder, 'agent.ts'));
        assert.equal(messages, '');
        assert.notEqual(bytes, undefined);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
}
