// Records and streams as words: nothing stale, nothing lost where a buffer grows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Outcome } from '../abi/record.ts';
import { CommandWriter } from './command-writer.ts';
import { Outbox } from './outbox.ts';
import { Op, taskHeadWords, turnWords } from './protocol.ts';
import type { Call } from './test-modules.ts';
import { TestSandbox, testTables, textWords, writeText } from './test-sandbox.ts';
import { copyBytes, WordBuffer } from './word-buffer.ts';

const canary = 0xc5;
const canaryWord = 0xc5c5c5c5;

test('no byte of an earlier record is ever in a later one, wherever its payloads end', () => {
  const sandbox = new TestSandbox();
  const loud = sandbox.create(1, (memory) => {
    new Uint8Array(memory.buffer).fill(canary, 0x8000, 0x9000);
  });
  const quiet = sandbox.create(2, (memory) => {
    ['abcdefghij', 'child', 'news', 'rooms'].forEach((text, i) => {
      writeText(memory, 0x100 + i * 0x40, text);
    });
  });
  for (let length = 0; length < 9; length++) {
    const fill = Array.from({ length: 20 }, (): Call => ['output', 0x8000, 0x200]);
    sandbox.calls(1, loud.memory, ...fill);
    const { record } = sandbox.calls(
      2,
      quiet.memory,
      ['send', 0, 1, 0x100, length],
      ['publish', 0x180, 4, 0x100, length],
      ['publish', 0x1c0, 5, 0x100, length],
      ['join', 0x1c0, 5],
      ['log', 0, 0x100, length],
      ['output', 0x100, length],
      ['spawn', 0x140, 5, 0x100, length, 0x300],
      ['subscribe', 0x180, 4],
      ['set_timer', 1, 1],
      ['cancel_timer', 0],
      ['terminate', 2, 1],
      ['output', -1, 9],
    );
    assert.equal(record.effects.length, 11);
    const bytes = new Uint8Array(Uint32Array.from(record.words).buffer);
    assert.ok(!bytes.includes(canary), `payloads of ${length} bytes`);
  }
});

test('an effect whose words do not fit any more is whole in the grown buffer', () => {
  const bufferWords = 16_384;
  const calls: readonly (readonly [Call, readonly number[]])[] = [
    [['subscribe', 0x140, 5], [1]],
    [['unsubscribe', 0x140, 5], [1]],
    [['cancel_timer', 1], [1]],
    [
      ['set_timer', 7, 9],
      [2, 7, 9],
    ],
    [
      ['send', 5, 6, 0x100, 3],
      [5, 6, 3, ...textWords('abc')],
    ],
    [
      ['join', 0x100, 3],
      [3, ...textWords('abc')],
    ],
    [
      ['terminate', 0, 1],
      [0, 1],
    ],
    [
      ['log', 1, 0x100, 3],
      [1, 3, ...textWords('abc')],
    ],
  ];
  for (const [call, wanted] of calls) {
    for (let left = 0; left < 8; left++) {
      const sandbox = new TestSandbox(testTables({ messageBytesMax: 65_536 }));
      const { memory } = sandbox.create(1, (memory) => {
        writeText(memory, 0x100, 'abc');
        writeText(memory, 0x140, 'other');
      });
      sandbox.calls(1, memory, ['set_timer', 99, 0], ['set_timer', 99, 0]);
      // Heads of turn, record and effect: 3, 7 and 2 words; the output fills up all but `left` words.
      const payload = (bufferWords - 3 - 7 - 2 - left) * 4;
      const { record } = sandbox.calls(1, memory, ['output', 0, payload], call);
      const [, ...words] = record.effects.at(-1)!;
      assert.deepEqual(words, wanted, `${call[0]} with ${left} words left`);
    }
  }
});

test('a failing record moves its texts together, in their order', () => {
  const outbox = new Outbox();
  outbox.beginRecord();
  for (const [kind, text] of [
    [10, 1],
    [11, 2],
    [10, 3],
    [1, 4],
    [10, 5],
  ] as const) {
    const at = outbox.addEffect(kind, 3);
    outbox.buffer.words[at + 1] = text;
    outbox.buffer.words[at + 2] = canaryWord;
  }
  outbox.endFailedRecord(4, -7, 2 ** 40 + 1, { nextTimer: 8, nextChild: 9, nextRequest: 0 });
  const text = (value: number): number[] => [10 | (3 << 8), value, canaryWord];
  assert.deepEqual(
    [...outbox.buffer.words.subarray(0, outbox.buffer.used)],
    [
      ...[19, Outcome.failed, 4, -7 >>> 0, 1, 256, 4],
      ...text(1),
      ...text(3),
      ...text(5),
      ...[15 | (3 << 8), 8, 9],
    ],
  );
});

test('commands are padded with zeros, though the buffer is used again', () => {
  const writer = new CommandWriter();
  writer.buffer.words.fill(canaryWord);
  writer.begin(1, 2, 0);
  const at = writer.buffer.used;
  writer.turn(4, 1);
  const bytes = new Uint8Array([9, 1, 2, 3, 4, 5]);
  writer.task(1, 2, 3, -4, 5, -6, new Uint8Array([7]), bytes, 1, 5);
  writer.end();
  const { words, used } = writer.buffer;
  assert.deepEqual(
    [...words.subarray(at, used)],
    [Op.turn, 4, 1, 12, 1, 2, 3, -4 >>> 0, 5, -6 >>> 0, 1, 5, 7, 0x04030201, 5],
  );
  assert.equal(used, at + turnWords + taskHeadWords + 3);
  assert.equal(words[0], used);
});

test('a word buffer keeps what it holds when it grows', () => {
  const buffer = new WordBuffer(2);
  for (let i = 0; i < 1000; i++) {
    const at = buffer.reserve(1);
    buffer.words[at] = i;
    buffer.used++;
  }
  assert.deepEqual(
    [...buffer.words.subarray(0, 1000)],
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.equal(buffer.bytes.buffer, buffer.words.buffer);
});

test('copyBytes() copies any range, and nothing beside it', () => {
  const ranges = fc.tuple(fc.nat(100), fc.nat(100), fc.nat(100));
  fc.assert(
    fc.property(ranges, ([fromOffset, toOffset, length]) => {
      const from = Uint8Array.from({ length: 200 }, (_, i) => i + 1);
      const to = new Uint8Array(200);
      copyBytes(from, fromOffset, to, toOffset, length);
      const wanted = new Uint8Array(200);
      wanted.set(from.slice(fromOffset, fromOffset + length), toOffset);
      assert.deepEqual(to, wanted);
    }),
  );
});
