// Lines as the inputs of ticks: how many, at which tick, and in which place.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { decodeUtf8 } from '../../base/encoding.ts';
import { type Input, InputKind } from '../../log/index.ts';
import { isCode } from '../testing/create-run.ts';
import { fedSource, newFolder } from '../testing/runs.ts';
import { createInput } from './host-inputs.ts';
import { type LineSource, openInput } from './index.ts';
import { LineInputs, type LineInputsOptions } from './line-inputs.ts';

function file(lines: readonly string[]): LineSource {
  const path = `${newFolder()}.jsonl`;
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return openInput(path);
}

function line(payload: unknown, tick?: number): string {
  return JSON.stringify({ agent: 'echo', payload, tick });
}

function open(
  source: LineSource,
  more: Partial<LineInputsOptions> = {},
): { inputs: LineInputs; bad: string[] } {
  const bad: string[] = [];
  const inputs = new LineInputs({
    source,
    inputsPerTickMax: 3,
    live: false,
    strict: false,
    resolve: (line) => {
      if ('model' in line) return later(line.model);
      const { agent, payload, tick = 0 } = line;
      if (agent === 'ghost') return 'it is a ghost';
      return createInput(InputKind.message, { payload, tick, waits: true });
    },
    reportBad: (problem) => bad.push(problem),
    ...more,
  });
  return { inputs, bad };
}

/** A model that is loaded, or not, in its own time. */
async function later(model: string): Promise<Input | string> {
  await pause(1);
  return model === 'none' ? 'there is no such model' : createInput(InputKind.useModel, { name: model });
}

function payloads(inputs: readonly Input[] | Promise<readonly Input[]>): (string | undefined)[] {
  assert.ok(!(inputs instanceof Promise), 'a file answers at once');
  return inputs.map(({ payload }) => decodeUtf8(payload));
}

test('a tick takes exactly so many lines, bad ones and all, and the end is known after a short pull', () => {
  const { inputs, bad } = open(
    file([line(1), 'bad', line(2), line(3), '{"agent":"ghost","payload":0}', line(4)]),
  );
  assert.deepEqual(payloads(inputs.gather(1)), ['1', '2']);
  assert.deepEqual(payloads(inputs.gather(2)), ['3', '4']);
  assert.equal(inputs.ended, false);
  assert.deepEqual(payloads(inputs.gather(3)), []);
  assert.equal(inputs.ended, true);
  assert.deepEqual(
    bad.map((problem) => problem.replace(/^.*jsonl/, '')),
    [':2: found bad, wanted JSON', ':5: it is a ghost'],
  );
  inputs.close();
});

test('a line for a later tick closes the pull until then, and the cursor stands before it', () => {
  const { inputs } = open(file([line(1), line(2, 5), line(3)]));
  assert.deepEqual(payloads(inputs.gather(1)), ['1']);
  const held = inputs.cursor;
  assert.deepEqual([inputs.heldTick, held.line, held.ended], [5, 1, false]);
  for (const tick of [2, 3, 4]) assert.deepEqual(payloads(inputs.gather(tick)), []);
  assert.deepEqual(inputs.cursor, held);
  assert.deepEqual(payloads(inputs.gather(5)), ['2', '3']);
  assert.deepEqual([inputs.heldTick, inputs.ended], [undefined, true]);
  inputs.close();
});

test('a line for this tick is taken, one for a past tick is refused with both', () => {
  const { inputs, bad } = open(file([line(1, 4), line(2, 3), line(3, 4)]));
  assert.deepEqual(payloads(inputs.gather(4)), ['1', '3']);
  assert.match(bad[0]!, /:2: found tick 3, which is past; wanted 4 or later$/);
  inputs.close();
});

test('lines that name one tick and do not fit into it come in the next, those that go back are refused', () => {
  const lines = [line(1, 4), line(2, 4), line(3, 4), line(4, 4), line(5, 3), line(6, 4)];
  const { inputs, bad } = open(file(lines), { inputsPerTickMax: 2 });
  assert.deepEqual(payloads(inputs.gather(4)), ['1', '2']);
  assert.deepEqual(payloads(inputs.gather(5)), ['3', '4']);
  assert.deepEqual(payloads(inputs.gather(6)), ['6']);
  assert.deepEqual(bad.length, 1);
  inputs.close();
  const later = open(file([line(1, 4)]), { namedTick: 4 });
  assert.deepEqual(payloads(later.inputs.gather(9)), ['1']);
  later.inputs.close();
});

test('a strict run is told its first bad line as an error', () => {
  const { inputs } = open(file([line(1), 'bad', line(2)]), { strict: true });
  assert.throws(() => inputs.gather(1), isCode('input-invalid', /^Cannot take an input line: .*:2: /));
  inputs.close();
});

test('a pulled stream is awaited for its lines, a live one gives what is there', async () => {
  const pulled = fedSource();
  const waiting = open(pulled.source);
  const gathered = waiting.inputs.gather(1);
  assert.ok(gathered instanceof Promise);
  pulled.feed.push(`${line(1)}\n${line(2)}\n`);
  await new Promise((resolve) => setImmediate(resolve));
  pulled.feed.push(`${line(3)}\n${line(4)}\n`);
  assert.deepEqual(payloads(await gathered), ['1', '2', '3']);
  waiting.inputs.close();
  const live = fedSource();
  const { inputs } = open(live.source, { live: true });
  assert.deepEqual(payloads(inputs.gather(1)), []);
  const arrival = inputs.arrival();
  live.feed.push(`${line(1)}\n`);
  await arrival;
  assert.deepEqual(payloads(inputs.gather(1)), ['1']);
  live.feed.push(null);
  await inputs.arrival();
  assert.deepEqual([payloads(inputs.gather(2)), inputs.ended], [[], true]);
  inputs.close();
});

test('a source that goes on at any cursor gives the rest, as if it had never stopped', () => {
  const wanted = fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined, freq: 3 });
  fc.assert(
    fc.property(
      fc.array(wanted, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 40 }),
      (wants, stopAt) => {
        const source = file(wants.map((tick, index) => line(index, tick)));
        const whole = open(source);
        const resumed: string[] = [];
        const first = open(openInput(source.name));
        let second: ReturnType<typeof open> | undefined;
        // What the record says of the lines that became inputs.
        let namedTick = 0;
        for (let tick = 1; tick <= 60; tick++) {
          if (tick === stopAt) {
            const again = openInput(source.name);
            again.seek(first.inputs.cursor);
            second = open(again, { namedTick });
          }
          const gathered = (second ?? first).inputs.gather(tick);
          const texts = payloads(gathered);
          for (const input of gathered as readonly Input[]) namedTick = input.tick || namedTick;
          resumed.push(`${tick} ${texts}`);
          assert.equal(`${tick} ${payloads(whole.inputs.gather(tick))}`, resumed.at(-1));
        }
        assert.deepEqual([...first.bad, ...(second?.bad ?? [])], whole.bad);
        for (const { inputs } of [whole, first, ...(second === undefined ? [] : [second])]) inputs.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('lines behind one that takes time come after it, and a line for a later tick still closes the pull', async () => {
  const model = (name: string): string => JSON.stringify({ useModel: name, version: '2' });
  const { inputs, bad } = open(
    file([line(1), model('m'), line(2), model('none'), line(3, 4), model('n'), line(5)]),
    { inputsPerTickMax: 9 },
  );
  const told = async (tick: number): Promise<string[]> =>
    (await inputs.gather(tick)).map(({ name, payload }) => name || (decodeUtf8(payload) ?? ''));
  assert.deepEqual(await told(1), ['1', 'm', '2']);
  assert.equal(inputs.heldTick, 4);
  assert.deepEqual(
    bad.map((problem) => problem.replace(/^.*jsonl/, '')),
    [':4: there is no such model'],
  );
  assert.deepEqual(await told(4), ['3', 'n', '5']);
  assert.equal(inputs.heldTick, undefined);
  const strict = open(file([model('none')]), { strict: true });
  await assert.rejects(
    async () => strict.inputs.gather(1),
    isCode('input-invalid', /:1: there is no such model/),
  );
});
