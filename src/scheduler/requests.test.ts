// Requests and their answers: when they are due, in which order, and what becomes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DropReason, noticeOffset } from '../abi/envelope.ts';
import { encodeGenerationPiece, FinishReason } from '../abi/generation.ts';
import { dueRequests, nextTimerTick, restoreState, saveState, waitingRequests } from './index.ts';
import type { GenerationState, ModelDeclaration } from './requests.ts';
import type { SchedulerState } from './state.ts';
import { generate, host, infer, send } from './test-effects.ts';
import { type Script, TestSystem } from './test-system.ts';

const model: ModelDeclaration = {
  name: 'm',
  latencyTicks: 1,
  pendingMax: 100,
  pendingPerAgentMax: 50,
  versions: ['1', '2'],
  version: 0,
};

function begun(models: readonly Partial<ModelDeclaration>[] = [{}], agents = { a: {}, b: {} }): TestSystem {
  const system = new TestSystem({ agents, models: models.map((each) => ({ ...model, ...each })) });
  system.tick();
  return system;
}

/** Messages ask: `MODEL TAG TEXT` for each request, in lines; for a text in pieces where TEXT is "write". */
const asks: Script = ({ kind, bytes, offset, length, agent }) => {
  if (kind !== 1) return undefined;
  const lines = new TextDecoder().decode(bytes.slice(offset, offset + length)).split('\n');
  return {
    effects: lines.map((line) => {
      const [index = '0', tag = '0', text = ''] = line.split(' ');
      const effect = text === 'write' ? generate : infer;
      return effect(agent.nextRequest++, Number(index), Number(tag), text);
    }),
  };
};

/** The piece that is due: two tokens of a text of three pieces. */
function piece({ part, tokens }: GenerationState): Uint8Array {
  assert.equal(tokens.length, part * 2);
  const reason = part === 2 ? FinishReason.stop : FinishReason.none;
  const hashes = new Uint8Array(32);
  return encodeGenerationPiece({ part, reason, sampler: 1, tokens: [part, 9], hashes, text: `${part}` });
}

function answer(system: TestSystem, tick: number, script: Script = asks, others = [] as const) {
  const answers = dueRequests(system.state, tick).map((request) =>
    host.answer(
      request,
      request.generation === undefined ? `to ${request.number}` : piece(request.generation),
    ),
  );
  return system.tick([...others, ...answers], script, tick);
}

test('an answer comes latencyTicks after the call, in the tick itself, before timers', () => {
  const system = begun([{ latencyTicks: 3 }]);
  const a = system.agent('a');
  system.tick([host.message(a, '0 7 x')], asks);
  assert.equal(nextTimerTick(system.state), 5);
  const { plan } = answer(system, 5);
  assert.deepEqual(plan, ['a inference to 0']);
  assert.equal(nextTimerTick(system.state), undefined);
});

test('answers that are due come by (tick of the request, agent, number), whatever the order of the calls', () => {
  const system = begun([{ latencyTicks: 4 }, { latencyTicks: 2 }, { latencyTicks: 3 }]);
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(b, '0 1'), host.message(a, '0 2')], asks);
  system.tick([host.message(b, '2 3')], asks);
  system.tick([host.message(b, '1 4\n1 5'), host.message(a, '1 6')], asks);
  const due = dueRequests(system.state, 6).map(
    ({ tick, agent, number }) => `${tick} ${agent.name} ${number}`,
  );
  assert.deepEqual(due, ['2 a 0', '2 b 0', '3 b 1', '4 a 1', '4 b 2', '4 b 3']);
});

test('answers that a tick does not take come in the next one, before those that are due there, also after a restore', () => {
  const system = begun([{ latencyTicks: 3 }, { latencyTicks: 1 }]);
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(b, '0 1\n0 2'), host.message(a, '0 3')], asks);
  system.tick();
  system.tick([], asks, 4);
  const answers = dueRequests(system.state, 5).map((request) => host.answer(request, `to ${request.number}`));
  const { plan } = system.tick([host.message(a, '1 4'), answers[0]!], asks, 5);
  assert.deepEqual(plan, ['a message 1 4', 'a inference to 0']);
  assert.equal(nextTimerTick(system.state), 6);
  const due = (state: SchedulerState): string[] =>
    dueRequests(state, 6).map(
      ({ tick, dueTick, agent, number }) => `${tick} ${dueTick} ${agent.name} ${number}`,
    );
  const wanted = ['2 6 b 0', '2 6 b 1', '5 6 a 1'];
  assert.deepEqual(due(system.state), wanted);
  assert.deepEqual(due(restoreState(system.state.config, saveState(system.state))), wanted);
  assert.deepEqual(answer(system, 6).plan, ['b inference to 0', 'b inference to 1', 'a inference to 1']);
});

test('an answer for an earlier incarnation or an agent that ended is dropped with an event', () => {
  const restart = { policy: 'from-init', restartsMax: 9, backoffTicks: 1, backoffTicksMax: 1 } as const;
  const system = begun([{ latencyTicks: 4 }], { a: { restart }, b: {} } as never);
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a, '0 0'), host.message(b, '0 0')], asks);
  system.tick([host.message(a, 'x'), host.terminate(b)], () => ({ outcome: 'failed' }));
  system.tick();
  system.tick();
  const { plan, events } = answer(system, 6);
  assert.deepEqual(plan, []);
  assert.deepEqual(events, ['answer-dropped a', 'answer-dropped b']);
});

test('an answer that waits is dropped when its agent fails, and is no poison', () => {
  const restart = { policy: 'from-init', restartsMax: 9, backoffTicks: 1, backoffTicksMax: 1 } as const;
  const system = begun([{}], { a: { restart }, b: {} } as never);
  const a = system.agent('a');
  system.tick([host.message(a, '0 0\n0 1\n0 2')], asks);
  const { events } = answer(system, 3, () => ({ outcome: 'failed' }));
  assert.deepEqual(events, ['answer-dropped a', 'answer-dropped a', 'backing-off a: 8']);
  system.tick();
  assert.deepEqual(system.tick([host.message(a, '0 0')], asks).events, []);
});

test('answers behind the failing task of a turn are dropped with an event, whether the agent restarts or not', () => {
  const restart = { policy: 'from-init', restartsMax: 1, backoffTicks: 1, backoffTicksMax: 1 } as const;
  for (const each of [{}, { restart }]) {
    const system = begun([{}], { a: each, b: {} } as never);
    system.tick([host.message(system.agent('a'), '0 0\n0 1\n0 2')], asks);
    const { events } = answer(system, 3, () => ({ outcome: 'failed' }));
    assert.deepEqual(events.slice(0, 2), ['answer-dropped a', 'answer-dropped a']);
    assert.equal(events.filter((event) => event.startsWith('answer-dropped')).length, 2);
  }
});

test('a text comes piece by piece from the tick in which it is due, and ends with its last piece', () => {
  const system = begun([{ latencyTicks: 2 }]);
  const a = system.agent('a');
  system.tick([host.message(a, '0 7 write\n0 8')], asks);
  const plans = [4, 5, 6].map((tick) => {
    assert.equal(nextTimerTick(system.state), tick);
    return answer(system, tick).plan.map((each) => each.split(' ').slice(0, 2).join(' '));
  });
  assert.deepEqual(plans, [['a generation', 'a inference'], ['a generation'], ['a generation']]);
  assert.equal(nextTimerTick(system.state), undefined);
  assert.equal(system.state.requests.models[0]!.pendingCount, 0);
});

test('the text of an agent that failed goes no further, and neither does one that cannot be given', () => {
  const system = begun();
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a, '0 7 write'), host.message(b, '0 7 write')], asks);
  const failing: Script = ({ agent, kind }) =>
    kind === 7 && agent === a ? { outcome: 'failed' } : undefined;
  const [first, second] = dueRequests(system.state, 3);
  const refusal = new Uint8Array(8);
  refusal[0] = 3;
  system.tick([host.answer(first!, piece(first!.generation!)), host.answer(second!, refusal)], failing);
  assert.equal(dueRequests(system.state, 4).length, 1);
  const { plan, events } = answer(system, 4);
  assert.deepEqual(plan, []);
  assert.equal(events.length, 1);
  assert.equal(nextTimerTick(system.state), undefined);
});

test('a request beyond pendingPerAgentMax or pendingMax is a drop that its agent is told of', () => {
  const system = begun([{ pendingPerAgentMax: 2, pendingMax: 3 }]);
  const [a, b] = [system.agent('a'), system.agent('b')];
  system.tick([host.message(a, '0 0\n0 1\n0 2'), host.message(b, '0 0\n0 1')], asks);
  assert.equal(waitingRequests(system.state).length, 3);
  for (const agent of [a, b]) {
    const { bytes } = agent.notice!.task;
    assert.equal(new DataView(bytes.buffer).getUint32(noticeOffset.reason, true), DropReason.requestLimit);
    assert.equal(agent.notice!.count, 1);
  }
  // Whoever takes its answers may ask again.
  answer(system, 3);
  system.tick([host.message(a, '0 0\n0 1')], asks);
  assert.equal(waitingRequests(system.state).length, 2);
});

test('a request behind a waiting effect is due at its own tick, at the earliest one after the release', () => {
  const system = begun([{ latencyTicks: 2 }], {
    a: {},
    b: { overflow: 'block', limits: { mailboxMessagesMax: 1 } },
  } as never);
  const [a, b] = [system.agent('a'), system.agent('b')];
  const script: Script = (task) =>
    task.agent === a ? { effects: [send(b, '1'), send(b, '2'), infer(0, 0, 0, '')] } : undefined;
  system.tick([host.message(a)], script);
  assert.deepEqual(waitingRequests(system.state), []);
  system.tick();
  assert.deepEqual(
    waitingRequests(system.state).map(({ tick, dueTick }) => [tick, dueTick]),
    [[2, 4]],
  );
});

test('a state that was saved goes on with its requests, its answers and its counts', () => {
  const step = fc.array(fc.tuple(fc.nat(1), fc.nat(2)), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 8 }), fc.nat(7), (steps, savedAt) => {
      const models = [{ latencyTicks: 3, pendingPerAgentMax: 4 }, { latencyTicks: 1 }, { pendingMax: 2 }];
      const run = (savesAt: number): string[] => {
        const system = begun(models);
        const told: string[] = [];
        steps.forEach((asked, i) => {
          if (i === savesAt) {
            const state = restoreState(system.state.config, structuredClone(saveState(system.state)));
            Object.assign(system, { state });
          }
          const tick = system.state.tick + 1;
          const agents = [system.agent('a'), system.agent('b')];
          const messages = asked.map(([agent, index]) =>
            host.message(agents[agent]!, `${index} 0${(index + i) % 2 === 0 ? ' write' : ''}`),
          );
          const { plan, events } = answer(system, tick, asks, messages as never);
          told.push(...plan, ...events, Buffer.from(system.digest).toString('hex'));
        });
        return told;
      };
      assert.deepEqual(run(savedAt), run(-1));
    }),
    { numRuns: 60 },
  );
});
