import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { recordHeadWords, recordWord, taskHeadWords, taskWord } from '../abi/record.ts';
import { tickOutcomesTable } from './events.ts';
import { decodeMessage, encodeMessage } from './message.ts';
import { OutcomesEncoder } from './outcomes-encoder.ts';

const word = fc.oneof(fc.nat(200), fc.nat(20_000), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const taskArbitrary = fc.record({
  ran: fc.boolean(),
  agent: word,
  kind: fc.nat(127),
  outcome: fc.nat(127),
  fuelLow: word,
  fuelHigh: fc.oneof(fc.constant(0), fc.nat(2 ** 21 - 1)),
});
type Tasks = readonly (typeof taskArbitrary extends fc.Arbitrary<infer T> ? T : never)[];

/** As a transcript has them: heads, then records of the least size, or a zero. */
function laidOut(tasks: Tasks): readonly [Uint32Array, Int32Array] {
  const words = new Uint32Array(tasks.length * 11);
  const places = Int32Array.from(tasks, (_, i) => i * 11 + taskHeadWords);
  for (const [i, { ran, agent, kind, outcome, fuelLow, fuelHigh }] of tasks.entries()) {
    const at = places[i]!;
    words[at + taskWord.agent] = agent;
    words[at + taskWord.kind] = kind;
    words[at + recordWord.size] = ran ? recordHeadWords : 0;
    words[at + recordWord.outcome] = outcome;
    words[at + recordWord.fuelLow] = fuelLow;
    words[at + recordWord.fuelHigh] = fuelHigh;
  }
  return [words, places];
}

test('the bytes are those of the table, tick after tick', () => {
  const encoder = new OutcomesEncoder();
  const ticksArbitrary = fc.array(fc.tuple(fc.nat(), fc.array(taskArbitrary, { maxLength: 40 })), {
    maxLength: 4,
  });
  fc.assert(
    fc.property(ticksArbitrary, (ticks) => {
      for (const [tick, tasks] of ticks) {
        const ran = tasks.filter((task) => task.ran);
        const value = {
          tick,
          agent: ran.map(({ agent }) => agent),
          kind: ran.map(({ kind }) => kind),
          outcome: ran.map(({ outcome }) => outcome),
          fuel: ran.map(({ fuelLow, fuelHigh }) => fuelLow + fuelHigh * 2 ** 32),
        };
        const bytes = encoder.encode(tick, ...laidOut(tasks));
        assert.deepEqual(bytes, encodeMessage(tickOutcomesTable, value));
        assert.deepEqual(decodeMessage(tickOutcomesTable, bytes), value);
      }
    }),
  );
});

test('a kind that takes more than a byte is refused', () => {
  const task = { ran: true, agent: 1, kind: 128, outcome: 0, fuelLow: 0, fuelHigh: 0 };
  assert.throws(() => new OutcomesEncoder().encode(1, ...laidOut([task])), /one byte each/);
});
