// Texts in the SDK against the shared vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiled } from './compiled.ts';
import { StubHost, textOf } from './stub-host.ts';

interface Piece {
  readonly part: number;
  readonly reason: number;
  readonly tokens: readonly number[];
  readonly text: string;
  readonly bytesHex: string;
}

interface Errors {
  readonly errors: readonly { readonly text: string; readonly bytesHex: string }[];
}

const folder = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors');
const vectors: { requests: readonly { readonly bytesHex: string }[]; pieces: readonly Piece[] } = JSON.parse(
  readFileSync(join(folder, 'abi-generation.json'), 'utf8'),
);
const { errors }: Errors = JSON.parse(readFileSync(join(folder, 'abi-tensors.json'), 'utf8'));

test('requests for texts have the bytes of the vectors', async () => {
  const host = new StubHost(await compiled('generation'));
  host.init();
  for (const [i, payload] of ['größe', 'tokens', 'messages'].entries()) {
    host.deliver({ kind: 1, payload });
    const [call] = host.take('generate');
    assert.equal(textOf(call?.args[0]), 'größe');
    assert.equal(Buffer.from(call?.args[1] as Uint8Array).toString('hex'), vectors.requests[i]!.bytesHex);
    assert.equal((call?.args.at(-1) as number) | 0, i === 0 ? 0 : -7);
  }
});

test('pieces are read from the bytes of the vectors, and so is why there are none', async () => {
  const host = new StubHost(await compiled('generation'));
  host.init();
  for (const { part, reason, tokens, text, bytesHex } of vectors.pieces) {
    host.deliver({ kind: 7, payload: Buffer.from(bytesHex, 'hex') });
    const ended = reason === 0 ? ' ' : `${['', 'stop', 'length'][reason]} last`;
    assert.equal(textOf(host.take('output')[0]?.args[0]), `0 ${part} [${tokens}] ${ended} ${text}`);
  }
  const [error] = errors;
  host.deliver({ kind: 7, payload: Buffer.from(error!.bytesHex, 'hex') });
  assert.equal(textOf(host.take('output')[0]?.args[0]), `2 0 []  last ${error!.text}`);
});
