import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FrameSink, type Received, ReusedBuffer, WireReader, WireWriter } from './wire.ts';

interface Said {
  readonly count: number;
  readonly words: string;
}

/** What was written, each with the moment at which the socket is done with it. */
class KeptSocket implements FrameSink {
  readonly written: { frame: Buffer; readonly done: () => void }[] = [];

  write(frame: Buffer, done: () => void): boolean {
    this.written.push({ frame, done });
    return true;
  }

  /** The last one is on its way. */
  finish(): void {
    const last = this.written.at(-1)!;
    last.frame = Buffer.from(last.frame);
    last.done();
  }
}

/** Bytes where they would be sent from, or near. */
function placed(
  writer: WireWriter,
  bytes: Uint8Array,
  { how, size }: { readonly how: string; readonly size: number },
): Uint8Array {
  if (how === 'given') return bytes;
  const other = how === 'turned' ? writer.place(bytes.length) : undefined;
  if (how === 'dropped') writer.place(size).fill(1);
  const place = writer.place(bytes.length);
  other?.set(bytes);
  place.set(bytes);
  return other !== undefined && bytes.length % 2 === 0 ? other : place;
}

test('messages arrive whole and in order, however the bytes between are cut', () => {
  const message = fc.record({
    words: fc.oneof(
      { weight: 9, arbitrary: fc.string({ unit: 'grapheme' }) },
      { weight: 1, arbitrary: fc.constant('long'.repeat(20_000)) },
    ),
    bytes: fc.oneof(
      { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }) },
      fc.integer({ min: 4000, max: 9000 }).map((length) => Uint8Array.from({ length }, (_, i) => i * 7)),
    ),
    how: fc.constantFrom('given', 'placed', 'placed', 'turned', 'half', 'dropped'),
    size: fc.constantFrom(7, 8, 64, 100_000),
    count: fc.integer(),
  });
  const cuts = fc.infiniteStream(fc.integer({ min: 1, max: 40 }));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), cuts, fc.boolean(), (messages, sizes, isQuick) => {
      const socket = new KeptSocket();
      const writer = new WireWriter(socket, (message) => (message as Said).count % 2 === 0);
      for (const [place, each] of messages.entries()) {
        const given = [each.bytes.slice(0, 7), each.bytes.slice(7)];
        const parts = given.map((bytes, i) =>
          each.how === 'half' && i === 1 ? bytes : placed(writer, bytes, each),
        );
        const said = { words: each.words, count: each.count };
        writer.send({ ...said, parts: each.how === 'given' ? given : parts }, 2 ** 32 - 1 - place);
        // What was given may change at once, and the socket may be done at once or much later.
        for (const bytes of given) bytes.fill(255);
        if (isQuick) socket.finish();
      }
      const all = Buffer.concat(socket.written.map(({ frame }) => frame));
      const heard: (Received<Said> & { readonly number: number })[] = [];
      const buffer = new ReusedBuffer();
      const reader = new WireReader<Said>(
        ({ words, count, body }, number) => {
          heard.push({ words, count, body: body.slice(), number });
          buffer.release(body);
        },
        (size) => buffer.take(size),
      );
      const spare = new Uint8Array(64);
      for (let at = 0; at < all.length; ) {
        const target = reader.target(spare);
        // Where it may be put at once, much arrives together.
        const size = (sizes.next().value as number) * (target === spare ? 1 : 100);
        const chunk = all.subarray(at, at + Math.min(size, target.length));
        target.set(chunk);
        reader.read(target.subarray(0, chunk.length));
        at += chunk.length;
      }
      assert.deepEqual(
        heard.map(({ words, count, body, number }) => [words, count, [...body], number]),
        messages.map(({ words, count, bytes }, i) => [words, count, [...bytes], 2 ** 32 - 1 - i]),
      );
    }),
  );
});

test('a buffer that is in use is not given again', () => {
  const buffer = new ReusedBuffer();
  const first = buffer.take(10);
  const second = buffer.take(10);
  assert.notEqual(first.buffer, second.buffer);
  buffer.release(second);
  assert.notEqual(buffer.take(10).buffer, first.buffer);
  buffer.release(first);
  assert.equal(buffer.take(10).buffer, first.buffer);
  assert.equal(first.byteOffset % 8, 0);
});

test('what is taken begins where it was asked to, within the buffer', () => {
  const buffer = new ReusedBuffer();
  for (const size of [10, 1 << 16, 1 << 17, 1 << 18]) {
    const bytes = buffer.take(size, 8);
    assert.deepEqual([bytes.byteOffset, bytes.length], [8, size]);
    buffer.release(bytes);
  }
});
