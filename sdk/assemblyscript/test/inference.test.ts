// Tensors in the SDK against the shared vectors: what is read and written again has the same bytes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiled } from './compiled.ts';
import { StubHost, textOf } from './stub-host.ts';

interface Vectors {
  readonly lists: readonly { readonly title: string; readonly bytesHex: string }[];
  readonly errors: readonly { readonly title: string; readonly text: string; readonly bytesHex: string }[];
}

const file = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'abi-tensors.json');
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));

test('tensors of an answer are asked again with the bytes of the vectors', async () => {
  const host = new StubHost(await compiled('inference'));
  host.init();
  for (const { title, bytesHex } of vectors.lists) {
    host.deliver({ kind: 6, payload: Buffer.from(bytesHex, 'hex'), detail: 3, tag: -4 });
    const [call] = host.take('infer');
    assert.equal(textOf(call?.args[0]), 'größe');
    assert.equal(Buffer.from(call?.args[1] as Uint8Array).toString('hex'), bytesHex, title);
    assert.equal((call?.args.at(-1) as number) | 0, -7);
  }
});

test('an answer without a result says why', async () => {
  const host = new StubHost(await compiled('inference'));
  host.init();
  for (const [i, { text, bytesHex }] of vectors.errors.entries()) {
    host.deliver({ kind: 6, payload: Buffer.from(bytesHex, 'hex') });
    assert.equal(textOf(host.take('output')[0]?.args[0]), `${i === 0 ? 2 : 3} ${text}`);
  }
});
