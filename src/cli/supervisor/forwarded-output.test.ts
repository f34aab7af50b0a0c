// What reaches standard output: every line whole, in order, and once, however processes die in between.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { OutputPlace } from '../../engine/index.ts';
import { ForwardedOutput } from './forwarded-output.ts';
import { isAfter, placeOf } from './output-place.ts';

function line(epoch: number, tick: number, index: number): string {
  return `{"epoch":${epoch},"tick":${tick},"index":${index},"agent":"a","payload":"${'x'.repeat(tick % 7)}"}\n`;
}

function collected(): { readonly out: ForwardedOutput; readonly delivered: OutputPlace[]; text(): string } {
  const written: Uint8Array[] = [];
  const delivered: OutputPlace[] = [];
  const write = (bytes: Uint8Array, onGone: () => void): void => {
    written.push(bytes);
    onGone();
  };
  const out = new ForwardedOutput(write, (place) => delivered.push(place));
  return { out, delivered, text: () => Buffer.concat(written).toString() };
}

test('lines are whole and come once, wherever the processes die and however much the next one repeats', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(3)), { maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(500), fc.nat(4), fc.integer({ min: 1, max: 50 })), { maxLength: 5 }),
      (steps, deaths) => {
        let [tick, index] = [1, -1];
        const lines = steps.map(([more, same]) => {
          [tick, index] = more === 0 ? [tick, index + 1] : [tick + more, same];
          return line(0, tick, index);
        });
        const { out, text, delivered } = collected();
        for (const [bytes, repeats, size] of deaths) {
          const done = text().split('\n').length - 1;
          const said = Buffer.from(lines.slice(Math.max(0, done - repeats)).join('')).subarray(0, bytes);
          for (let at = 0; at < said.length; at += size) out.take(said.subarray(at, at + size));
          out.engineEnded(true);
        }
        out.take(Buffer.from(`${lines.join('')}{"ticks":9}`));
        out.engineEnded(false);
        assert.equal(text(), `${lines.join('')}{"ticks":9}`);
        if (lines.length > 0) assert.deepEqual(delivered.at(-1), placeOf(Buffer.from(lines.at(-1)!)));
        assert.deepEqual(delivered.at(-1), out.place);
      },
    ),
  );
});

test('a new epoch is no repeat, whatever its ticks', () => {
  const { out, text } = collected();
  out.take(Buffer.from(line(0, 7, 0) + line(0, 8, 0)));
  out.engineEnded(true);
  out.take(Buffer.from(line(0, 8, 0) + line(1, 5, 0) + line(1, 8, 0)));
  assert.equal(text(), line(0, 7, 0) + line(0, 8, 0) + line(1, 5, 0) + line(1, 8, 0));
});

test('a line that is no output passes, and says nothing about how far the outputs are', () => {
  const { out, text } = collected();
  out.take(Buffer.from(`${line(0, 2, 0)}{"error":{}}\n`));
  assert.deepEqual(out.place, { epoch: 0, tick: 2, index: 0 });
  assert.match(text(), /"error"/);
});

test('places are read off lines of outputs only, and order by epoch, tick and index', () => {
  assert.deepEqual(placeOf(Buffer.from(line(3, 20, 1))), { epoch: 3, tick: 20, index: 1 });
  for (const other of ['', '{}', '{"ticks":1}', '{"epoch":1,"tick":2', ' {"epoch":1,"tick":2,"index":3,'])
    assert.equal(placeOf(Buffer.from(other)), undefined);
  const places = [
    [0, 1, 0],
    [0, 1, 1],
    [0, 2, 0],
    [1, 1, 0],
  ].map(([epoch, tick, index]) => ({ epoch, tick, index }) as OutputPlace);
  for (const [i, a] of places.entries())
    for (const [j, b] of places.entries()) assert.equal(isAfter(a, b), i > j);
});
