// Which tick comes next, from states that the scheduler made.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createDeclaredAgents,
  createState,
  openTick,
  planTick,
  type SchedulerState,
} from '../../scheduler/index.ts';
import { addTimer } from '../../scheduler/timer-queue.ts';
import { createSystem } from '../config/index.ts';
import { schedulerConfig } from '../modules/genesis.ts';
import { counting, echo } from '../testing/create-run.ts';
import { nextTick } from './next-tick.ts';

const system = await createSystem({ agents: { echo, counting: { ...counting, everyTick: true } } });
const plainSystem = await createSystem({ agents: { echo } });

/** A state in which every agent has begun and nothing waits, at a tick. */
function idleState(everyTick: boolean, tick: number): SchedulerState {
  const state = createState(schedulerConfig(everyTick ? system.config : plainSystem.config));
  createDeclaredAgents(state);
  openTick(state, tick, []);
  planTick(state);
  for (const agent of state.agents.slice(1)) {
    agent.phase = 'active';
    agent.turnHead = null;
    agent.turnTail = null;
  }
  return state;
}

function withTimer(state: SchedulerState, dueTick: number): SchedulerState {
  const agent = state.agents[1]!;
  addTimer(state.timers, { agent, number: 0, dueTick, tag: 0, cancelled: false, task: null });
  return state;
}

const closed = { hasInputs: false, heldTick: undefined, keptOpen: false } as const;

test('agents that have not begun, and inputs, ask for the next tick', () => {
  const state = createState(schedulerConfig(plainSystem.config));
  createDeclaredAgents(state);
  assert.equal(nextTick({ state, ...closed }), 1);
  assert.equal(nextTick({ state: idleState(false, 8), ...closed, hasInputs: true }), 9);
});

test('nothing asks for a tick where nothing is left, whether or not something may still come', () => {
  assert.equal(nextTick({ state: idleState(false, 8), ...closed }), undefined);
  assert.equal(nextTick({ state: idleState(false, 8), ...closed, keptOpen: true }), undefined);
});

test('every-tick agents have work in each tick while something else keeps the run open, and only then', () => {
  assert.equal(nextTick({ state: idleState(true, 8), ...closed }), undefined);
  assert.equal(nextTick({ state: idleState(true, 8), ...closed, keptOpen: true }), 9);
  assert.equal(nextTick({ state: idleState(true, 8), ...closed, heldTick: 50 }), 9);
  assert.equal(nextTick({ state: withTimer(idleState(true, 8), 50), ...closed }), 9);
});

test('the clock jumps to the earlier of timer and held line, and never back', () => {
  const tick = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(
      tick,
      fc.option(tick, { nil: undefined }),
      fc.option(tick, { nil: undefined }),
      fc.boolean(),
      (now, timer, held, keptOpen) => {
        const state = idleState(false, now);
        if (timer !== undefined) withTimer(state, now + timer);
        const heldTick = held === undefined ? undefined : now + held;
        const next = nextTick({ state, hasInputs: false, heldTick, keptOpen });
        const candidates = [timer, held].filter((delay) => delay !== undefined);
        const wanted = candidates.length === 0 ? undefined : now + Math.min(...candidates);
        assert.equal(next, wanted);
      },
    ),
  );
});
