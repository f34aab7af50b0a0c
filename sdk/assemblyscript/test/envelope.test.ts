// The shared vectors: what lies in memory is what an agent sees.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compiled } from './compiled.ts';
import { type Envelope, encodeEnvelope, StubHost, textOf } from './stub-host.ts';

interface Vector {
  readonly title: string;
  readonly kind: number;
  readonly tick: string;
  readonly timeMs: string;
  readonly self: [number, number];
  readonly sender: [number, number];
  readonly priority: number;
  readonly topic: string;
  readonly payloadHex: string;
  readonly timer: number;
  readonly tag: number;
  readonly notice?: {
    readonly count: number;
    readonly reason: number;
    readonly tick: string;
    readonly effectIndex: number;
    readonly effectKind: number;
    readonly receiver: [number, number];
  };
  readonly fault?: {
    readonly count: number;
    readonly fault: number;
    readonly tick: string;
    readonly agent: [number, number];
    readonly incarnation: number;
    readonly recovery: number;
    readonly restartTick: string;
    readonly imageTick: string;
  };
  readonly bytesHex: string;
}

const file = join(import.meta.dirname, '..', '..', '..', 'test', 'vectors', 'abi-envelope.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { address: number; cases: Vector[] };
const bytes = await compiled('probe');

const hooks: Record<number, string> = {
  1: 'message',
  2: 'message',
  3: 'notice',
  4: 'config',
  5: 'fault',
  16: 'step',
  17: 'timer',
  18: 'step',
  19: 'step',
};

function envelopeOf(vector: Vector): Envelope {
  return {
    kind: vector.kind,
    tick: BigInt(vector.tick),
    timeMs: BigInt(vector.timeMs),
    self: vector.self,
    sender: vector.sender,
    priority: vector.priority,
    topic: vector.topic,
    payload: Buffer.from(vector.payloadHex, 'hex'),
    detail: vector.timer,
    tag: vector.tag,
  };
}

/** 64-bit numbers above 2^53 as text, before JSON.parse rounds them. */
function parseSeen(text: string): Record<string, unknown> {
  return JSON.parse(text.replace(/([:[,])(\d{16,})(?=[,\]}])/g, '$1"$2"')) as Record<string, unknown>;
}

for (const vector of vectors.cases) {
  test(`an agent sees ${vector.title} as the vector says`, () => {
    const payload = Buffer.from(vector.payloadHex, 'hex');
    const topic = new TextEncoder().encode(vector.topic);
    const encoded = encodeEnvelope(envelopeOf(vector), vectors.address, topic, payload);
    assert.equal(Buffer.from(encoded).toString('hex'), vector.bytesHex);

    const host = new StubHost(bytes);
    assert.equal(host.init(), 0);
    host.take();
    assert.equal(host.deliver(envelopeOf(vector)), 0);
    const [call, ...more] = host.take();
    assert.equal(more.length, 0);
    const seen = parseSeen(textOf(call?.args[0]));
    const isOwn = vector.fault?.agent.join() === vector.self.join();
    assert.equal(seen['hook'], isOwn ? 'restart' : hooks[vector.kind]);
    assert.equal(String(seen['tick']), vector.tick);
    assert.equal(String(seen['timeMs']), vector.timeMs);
    assert.deepEqual(seen['self'], vector.self);
    if (vector.notice) {
      const { count, reason, tick, effectIndex, effectKind, receiver } = vector.notice;
      assert.deepEqual(seen['numbers'], [count, reason, Number(tick), effectIndex, effectKind]);
      assert.deepEqual(seen['sender'], receiver);
    } else if (vector.fault) {
      const { agent, ...rest } = vector.fault;
      const { count, fault, tick, incarnation, recovery, restartTick, imageTick } = rest;
      const numbers = [count, fault, tick, incarnation, recovery, restartTick, imageTick];
      assert.deepEqual((seen['numbers'] as unknown[]).map(String), numbers.map(String));
      assert.deepEqual(seen['sender'], agent);
    } else if (vector.kind === 17) {
      assert.deepEqual([seen['timer'], seen['tag']], [vector.timer, vector.tag]);
    } else {
      assert.deepEqual(seen['payload'], [...payload]);
      assert.equal(seen['priority'], vector.priority);
      assert.equal(seen['topic'], vector.topic);
      if (vector.kind < 16) assert.deepEqual(seen['sender'], vector.sender);
      else assert.equal(seen['kind'], vector.kind);
    }
  });
}
