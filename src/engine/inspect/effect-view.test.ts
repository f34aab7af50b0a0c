// Effects in words, from records of agents that asked for every kind of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EffectKind, wordsOf } from '../../abi/record.ts';
import { createState } from '../../scheduler/index.ts';
import { createSystem } from '../config/index.ts';
import { schedulerConfig } from '../modules/genesis.ts';
import { echoAgent } from '../testing/agents.ts';
import { effectText, payloadText, viewEffect } from './effect-view.ts';

const { config } = await createSystem({ agents: { echo: { module: echoAgent() } }, topics: { news: {} } });
const state = createState(schedulerConfig(config));

function words(kind: number, ...parts: (number | string)[]): Uint32Array {
  const list: number[] = [0];
  for (const part of parts) {
    if (typeof part === 'number') list.push(part >>> 0);
    else {
      const padded = Buffer.alloc(wordsOf(part.length) * 4);
      padded.write(part, 'latin1');
      for (let at = 0; at < padded.length; at += 4) list.push(padded.readUInt32LE(at));
    }
  }
  list[0] = kind | (list.length << 8);
  return Uint32Array.from(list);
}

const cases: readonly (readonly [Uint32Array, string])[] = [
  [words(EffectKind.send, 0, 1, 7, '{"a":1}'), 'send  to "0.1"  payload {"a":1}'],
  [words(EffectKind.publish, 0, 2, 'hi'), 'publish  topic "news"  payload "hi"'],
  [words(EffectKind.publishChannel, 3, 1, 'den', 'x'), 'publish-channel  channel "den"  payload "x"'],
  [words(EffectKind.subscribe, 0), 'subscribe  topic "news"'],
  [words(EffectKind.unsubscribe, 9), 'unsubscribe  topic "topic 9"'],
  [words(EffectKind.join, 3, 'den'), 'join  channel "den"'],
  [words(EffectKind.setTimer, 4, 10, -7), 'set-timer  timer 4  delayTicks 10  tag -7'],
  [words(EffectKind.cancelTimer, 4), 'cancel-timer  timer 4'],
  [words(EffectKind.log, 2, 3, 'hot'), 'log  level "warning"  payload "hot"'],
  [words(EffectKind.output, 4, '\u0001\0\0\0'), 'output  payload 0x01000000'],
  [words(EffectKind.spawn, 1, 0, 0), 'spawn  child 1  declaration "echo"  payload ""'],
  [words(EffectKind.infer, 3, 0, -1, 2, 'hi'), 'infer  request 3  model "model 0"  tag -1  payload "hi"'],
  [
    words(EffectKind.generate, 4, 0, -1, 2, 'hi'),
    'generate  request 4  model "model 0"  tag -1  payload "hi"',
  ],
  [words(EffectKind.terminate, 1, 2), 'terminate  agent "1.2"'],
  [words(EffectKind.refusal, 0, -1, 5), 'refusal  function "send"  reason "bad-pointer"  count 5'],
  [words(EffectKind.counters, 3, 1), 'counters  word 1 3  word 2 1'],
];

test('every kind of effect has its words, with names and payload', () => {
  for (const [effect, wanted] of cases) assert.equal(effectText(viewEffect(effect, state)), wanted);
  const shown = new Set(cases.map(([effect]) => effect[0]! & 0xff));
  assert.deepEqual(
    Object.values(EffectKind).filter((kind) => !shown.has(kind)),
    [EffectKind.leave],
  );
});

test('bytes that nobody reads as text are hexadecimal, and no payload takes more than its line', () => {
  assert.equal(payloadText(Uint8Array.of(0xff, 0)), '0xff00');
  assert.equal(payloadText(Buffer.from('a\nb')), '"a\\nb"');
  assert.equal(payloadText(Buffer.from('{"a":\n1}')), '"{\\"a\\":\\n1}"');
  assert.equal(payloadText(Buffer.from('71.25')), '"71.25"');
});
