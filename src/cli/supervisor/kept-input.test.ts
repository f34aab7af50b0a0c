// Standard input reaches the record whole, whatever happens to the processes that take it.

import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { KeptInput } from './kept-input.ts';

/** A process's end of the pipe. `slow`: it takes nothing until it is told to. */
class Sink extends Writable {
  readonly chunks: Buffer[] = [];
  #waiting: (() => void) | undefined;
  readonly #slow: boolean;

  constructor(slow = false) {
    super({ highWaterMark: 8 });
    this.#slow = slow;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  takeMore(): void {
    const go = this.#waiting;
    this.#waiting = undefined;
    go?.();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(chunk);
    if (this.#slow) this.#waiting = done;
    else done();
  }
}

function unreached(why: string): never {
  throw new Error(why);
}

test('each process gets every byte from where its record ends, and what is acknowledged is forgotten', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ maxLength: 60 }),
      fc.array(fc.record({ taken: fc.nat(20), acknowledged: fc.double({ min: 0, max: 1, noNaN: true }) }), {
        maxLength: 6,
      }),
      async (text, lives) => {
        const all = Buffer.from(text);
        const stdin = new PassThrough();
        const input = new KeptInput(() => stdin, unreached);
        let [fed, safe] = [0, 0];
        for (const { taken, acknowledged } of lives) {
          const sink = new Sink();
          assert.equal(input.give(safe, sink), true);
          const more = all.subarray(fed, fed + taken);
          fed += more.length;
          stdin.write(more);
          await turn();
          assert.deepEqual(Buffer.concat(sink.chunks), all.subarray(safe, fed));
          safe += Math.floor((fed - safe) * acknowledged);
          input.acknowledge(safe);
          assert.equal(input.size, fed - safe);
          input.detach();
        }
        const last = new Sink();
        assert.equal(input.give(safe, last), true);
        stdin.end(all.subarray(fed));
        await turn();
        await turn();
        assert.deepEqual(Buffer.concat(last.chunks), all.subarray(safe));
        assert.equal(last.writableEnded, true, 'the end is passed on');
      },
    ),
    { numRuns: 100 },
  );
});

test('nothing is read before it is asked for, and no more than what is taken', async () => {
  let opened = 0;
  const stdin = new PassThrough();
  const input = new KeptInput(() => {
    opened++;
    return stdin;
  }, unreached);
  assert.deepEqual([opened, input.isTaken], [0, false]);
  const sink = new Sink(true);
  input.give(0, sink);
  for (let i = 0; i < 5; i++) {
    stdin.write('0123456789');
    await turn();
  }
  assert.deepEqual([opened, input.isTaken, input.size], [1, true, 10]);
  sink.takeMore();
  await turn();
  await turn();
  assert.ok(input.size > 10);
});

test('input that ended is given again to the next process, with its end', async () => {
  const stdin = new PassThrough();
  const input = new KeptInput(() => stdin, unreached);
  input.give(0, new Sink());
  stdin.end('one\ntwo\n');
  await turn();
  await turn();
  input.detach();
  const next = new Sink();
  input.give(4, next);
  await turn();
  assert.deepEqual([next.text, next.writableEnded], ['two\n', true]);
});

test('what was acknowledged cannot be given again', () => {
  const stdin = new PassThrough();
  const input = new KeptInput(() => stdin, unreached);
  input.give(0, new Sink());
  stdin.write('0123456789');
  stdin.read();
  input.acknowledge(4);
  assert.equal(input.give(3, new Sink()), false);
  assert.equal(input.give(99, new Sink()), false);
});

test('input that cannot be read is told to each process', async () => {
  const stdin = new PassThrough();
  const told: string[] = [];
  const input = new KeptInput(
    () => stdin,
    (why) => told.push(why),
  );
  input.give(0, new Sink());
  stdin.destroy(new Error('EIO'));
  await turn();
  await turn();
  input.detach();
  input.give(0, new Sink());
  assert.deepEqual(told, ['EIO', 'EIO']);
});
