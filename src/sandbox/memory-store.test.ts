// Memories that serve one agent after another hold nothing of the one before.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureImage, expandImage } from './memory-image.ts';
import { MemoryStore } from './memory-store.ts';

const spec = (agentNumber: number, pagesMin = 1) => ({ agentNumber, pagesMin, pagesMax: 4, image: null });
const bytesOf = (memory: WebAssembly.Memory): Uint8Array => new Uint8Array(memory.buffer);

test('a memory that is used again is all zero', () => {
  const store = new MemoryStore();
  const first = store.provide(0, spec(1));
  bytesOf(first).fill(0xc5);
  store.release(1, true);
  assert.equal(store.memoryOf(1), undefined);
  const second = store.provide(0, spec(2));
  assert.equal(second, first, 'it is the same one');
  assert.ok(bytesOf(second).every((byte) => byte === 0));
});

test('a memory serves again only where executor, size and maximum are the same', () => {
  const store = new MemoryStore();
  const first = store.provide(0, spec(1));
  store.release(1, true);
  assert.notEqual(store.provide(1, spec(2)), first);
  assert.notEqual(store.provide(0, spec(3, 2)), first);
  assert.notEqual(store.provide(0, { ...spec(4), pagesMax: 5 }), first);
  assert.equal(store.provide(0, spec(5)), first);
});

test('a memory that grew serves only those that begin with its size', () => {
  const store = new MemoryStore();
  const first = store.provide(0, spec(1));
  first.grow(1);
  bytesOf(first)[70_000] = 0xc5;
  store.release(1, true);
  assert.notEqual(store.provide(0, spec(2)), first);
  const again = store.provide(0, spec(3, 2));
  assert.deepEqual([again, bytesOf(again)[70_000]], [first, 0]);
});

test('nothing that a lost executor could reach is used again', () => {
  const store = new MemoryStore();
  const free = store.provide(0, spec(1));
  const held = store.provide(0, spec(2));
  const other = store.provide(1, spec(3));
  store.release(1, true);
  store.forget(0);
  assert.equal(store.memoryOf(2), undefined);
  assert.equal(store.memoryOf(3), other);
  for (const agentNumber of [4, 5, 6]) assert.ok(![free, held].includes(store.provide(0, spec(agentNumber))));
});

test('memories that nobody asks for again do not become more and more, and what is asked for is kept', () => {
  let made = 0;
  let freed = 0;
  const store = new MemoryStore((_, pages) => {
    made++;
    const memory = { buffer: new ArrayBuffer(0, { maxByteLength: pages * 65_536 }) };
    memory.buffer.resize(pages * 65_536);
    return memory as unknown as WebAssembly.Memory;
  });
  const takes = (pages: number, count: number): number => {
    const before = made;
    for (let agent = 1; agent <= count; agent++)
      store.provide(0, { agentNumber: agent, pagesMin: pages, pagesMax: 2000, image: null });
    for (let agent = 1; agent <= count; agent++) store.release(agent, true);
    return made - before;
  };
  assert.equal(takes(1, 100), 100);
  for (let pages = 2; pages <= 40; pages++) {
    assert.equal(takes(pages, 100), 100);
    assert.equal(takes(1, 100), 0, `memories of one page are kept beside those of ${pages}`);
    if (store.collect()) freed++;
  }
  assert.equal(takes(40, 100), 0, 'the last ones are kept');
  assert.equal(takes(2, 100), 100, 'the first ones are not');
  assert.ok(freed > 0, 'what was dropped is collected');
  store.forget(0);
  assert.equal(takes(1, 100), 100);
});

test('a memory that is not given back whole is not used again', () => {
  const store = new MemoryStore();
  const first = store.provide(0, spec(1));
  store.release(1, false);
  assert.notEqual(store.provide(0, spec(2)), first);
});

test('an image brings back what a memory held, over whatever was there', () => {
  const store = new MemoryStore();
  const memory = store.provide(0, spec(1, 2));
  const bytes = bytesOf(memory);
  bytes[0] = 1;
  bytes[4096 * 3 - 1] = 2;
  bytes[2 * 65_536 - 1] = 3;
  const image = captureImage(memory);
  assert.deepEqual(
    image.pages.map((kept) => kept!.length),
    [2 + 2 * 4096, 2 + 4096],
  );
  const whole = bytes.slice();
  assert.deepEqual(expandImage(image), whole);
  bytes.fill(0xc5);
  store.release(1, true);
  const restored = store.provide(0, { ...spec(2), image });
  assert.equal(restored, memory);
  assert.deepEqual(bytesOf(restored), whole);
});
