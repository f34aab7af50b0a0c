// One generated system through the model and the scheduler, tick by tick: whatever can be seen must be the same.

import assert from 'node:assert/strict';
import { TaskKind } from '../../src/abi/envelope.ts';
import {
  type Agent,
  type CommittedTick,
  eventKindNames,
  nextTimerTick,
  dueRequests as realDueRequests,
  hasRunnable as realHasRunnable,
  type Task,
  waitingRequests,
  waitingTasks,
} from '../../src/scheduler/index.ts';
import { answerTo } from './answers.ts';
import type { GeneratedCase, GeneratedDeclaration } from './generated.ts';
import { commitTick } from './model-commit.ts';
import { payloadOf } from './model-deliver.ts';
import { createModel } from './model-life.ts';
import { hasRunnable, nextDueTick, openTick, planTick } from './model-plan.ts';
import { dueRequests } from './model-requests.ts';
import {
  isAlive,
  type Model,
  type ModelAgent,
  type ModelInput,
  type ModelResult,
  type ModelTask,
  mailboxInOrder,
  outside,
} from './model-state.ts';
import { RealSide } from './real-side.ts';
import { type Instance, runScript } from './scripts.ts';

/** What was met on the way, so that a test can show that the generator reaches the rules. */
export type Met = Map<string, number>;

export function compare({ config, ticks }: GeneratedCase, met: Met = new Map()): void {
  const model = createModel(config);
  const real = new RealSide(config);
  const instances: Instances = { now: new Map(), images: new Map() };
  const lines: ModelInput[] = [];
  let tick = 0;
  for (const sealed of ticks) {
    const given = pull(model, sealed, lines);
    tick = nextTick(model, real, tick, given.length > 0);
    const inputs = [...given, ...answers(model, real, given, tick)];
    openTick(model, tick, inputs);
    const plan = planTick(model);
    const label = `tick ${tick}`;
    assert.deepEqual(real.plan(tick, inputs).map(realTask), plan.map(modelTask), `${label}: plan`);
    const results = execute(plan, instances);
    commitTick(model, plan, results);
    const committed = real.commit(results);
    compareTick(model, real, committed, label);
    for (const number of model.imaged) {
      const agent = model.agents[number - 1]!;
      instances.images.set(agent, { ...instances.now.get(agent)! });
      count(met, 'image');
    }
    for (const { kind, reason } of model.events) {
      count(met, `event ${kind}`);
      if (kind === 'dropped') count(met, `drop ${reason}`);
    }
    for (const task of plan) count(met, `task ${task.kind}`);
    Object.assign(model, { events: [], outputs: [], texts: [], deliveredCount: 0, imaged: [] });
  }
}

function count(met: Met, what: string): void {
  met.set(what, (met.get(what) ?? 0) + 1);
}

/** While a line waits, its source gives nothing more; other inputs come all the same. */
function pull(model: Model, sealed: readonly ModelInput[], lines: ModelInput[]): ModelInput[] {
  const others: ModelInput[] = [];
  let counter = model.hostCounter;
  for (const input of sealed) {
    const isLine = (input.kind === 'message' || input.kind === 'publish') && input.waits;
    (isLine ? lines : others).push(input.kind === 'spawn' ? { ...input, counter: ++counter } : input);
  }
  return model.waitingInputs.length > 0 ? others : [...lines.splice(0), ...others];
}

/** The next tick, or a jump where nothing is there to do; both sides must see it so. */
function nextTick(model: Model, real: RealSide, tick: number, hasInputs: boolean): number {
  const runnable = hasRunnable(model);
  const due = nextDueTick(model);
  assert.equal(realHasRunnable(real.state), runnable, `after tick ${tick}: whether something is runnable`);
  assert.equal(nextTimerTick(real.state), due, `after tick ${tick}: the next tick in which something is due`);
  return runnable || hasInputs || due === undefined ? tick + 1 : Math.max(tick + 1, due);
}

/**
 * Answers that are due are the last inputs of their tick, as many as it takes; a tick that stops the run waits for none.
 */
function answers(
  model: Model,
  { state }: RealSide,
  given: readonly ModelInput[],
  tick: number,
): ModelInput[] {
  const due = dueRequests(model, tick);
  assert.deepEqual(
    realDueRequests(state, tick).map(({ agent, number, tag }) => [agent.number, number, tag]),
    due.map(({ agent, number, tag }) => [agent.number, number, tag]),
    `tick ${tick}: requests that are due`,
  );
  return given.some(({ kind }) => kind === 'stop')
    ? []
    : due.slice(0, model.config.answersPerTickMax).map(answerTo);
}

interface Instances {
  readonly now: Map<ModelAgent, Instance>;
  readonly images: Map<ModelAgent, Instance>;
}

/** Runs the scripts; a turn stops at its first failing or finishing task. */
function execute(plan: readonly ModelTask[], instances: Instances): (ModelResult | null)[] {
  const ended = new Set<ModelAgent>();
  return plan.map((task) => {
    const { agent } = task;
    if (ended.has(agent)) return null;
    if (task.kind === TaskKind.init) instances.now.set(agent, newInstance(agent));
    else if (instances.now.get(agent)!.incarnation !== agent.incarnation) {
      const { calls } = instances.images.get(agent)!;
      instances.now.set(agent, { ...newInstance(agent), calls });
    }
    const { acts } = agent.declaration as GeneratedDeclaration;
    const sender = task.sender ?? outside;
    const call = { kind: task.kind, sender, payload: payloadOf(task) };
    const result = runScript(acts, instances.now.get(agent)!, call);
    if (result.outcome === 'failed' || result.outcome === 'finished') ended.add(agent);
    return result;
  });
}

function newInstance(agent: ModelAgent): Instance {
  const { number, incarnation, nextTimer, nextChild, nextRequest } = agent;
  return { self: agent, number, incarnation, nextTimer, nextChild, nextRequest, calls: 0 };
}

function compareTick(
  model: Model,
  { state }: RealSide,
  { sink, messageCount }: CommittedTick,
  label: string,
): void {
  const events = state.events.map(({ kind, agent, other, reason }) => ({
    kind: eventKindNames[kind]!,
    agent: agent?.number ?? 0,
    other: other?.number ?? 0,
    reason,
  }));
  assert.deepEqual(events, model.events, `${label}: events`);
  const outputs = sink.outputs.map(({ agent, payload }) => ({
    agent: agent.number,
    payload: textOf(payload),
  }));
  assert.deepEqual(outputs, model.outputs, `${label}: outputs`);
  const texts = sink.texts.map(({ agent, text, failed }) => ({
    agent: agent.number,
    payload: textOf(text),
    failed,
  }));
  assert.deepEqual(texts, model.texts, `${label}: texts`);
  assert.equal(messageCount, model.deliveredCount, `${label}: deliveries`);
  assert.deepEqual(
    state.imaged.map(({ number }) => number),
    model.imaged,
    `${label}: images`,
  );
  assert.deepEqual(
    state.agents.slice(1).map(realAgent),
    model.agents.map((agent) => modelAgent(model, agent)),
    `${label}: agents`,
  );
  const members = [...state.topics, ...state.channels.values()].map(({ name, subscribers }) => [
    name,
    [...subscribers].map(({ number }) => number),
  ]);
  const modelMembers = [...model.topics, ...model.channels].map(({ name, subscribers }) => [
    name,
    subscribers.map(({ number }) => number),
  ]);
  assert.deepEqual(
    members.filter(hasMembers).sort(byName),
    modelMembers.filter(hasMembers).sort(byName),
    `${label}: members`,
  );
  assert.equal(state.waitingInputs.length, model.waitingInputs.length, `${label}: waiting lines`);
  assert.equal(state.waitingCalls.length, model.waitingCalls.length, `${label}: waiting calls`);
  const realWaiting = waitingRequests(state).map(({ dueTick, agent, number }) => [
    dueTick,
    agent.number,
    number,
  ]);
  const waiting = model.stopping
    ? []
    : model.requests.map(({ dueTick, agent, number }) => [dueTick, agent.number, number]);
  assert.deepEqual(
    realWaiting.map(String).sort(),
    waiting.map(String).sort(),
    `${label}: requests that wait`,
  );
  assert.equal(state.sequence, model.sequence, `${label}: sequence`);
  assert.equal(state.aliveCount, model.agents.filter(isAlive).length, `${label}: agents alive`);
}

function hasMembers([, members]: (string | number[])[]): boolean {
  return members!.length > 0;
}

/** No two agree in it. */
function byName([a]: (string | number[])[], [b]: (string | number[])[]): number {
  return String(a) < String(b) ? -1 : 1;
}

type Seen = Record<string, unknown>;

function realAgent(agent: Agent): Seen {
  return {
    number: agent.number,
    phase: agent.phase,
    paused: agent.paused,
    incarnation: agent.incarnation,
    imageTick: agent.imageTick,
    outbox: (agent.outbox ?? []).map(({ sequence }) => sequence),
    waiting: waitingTasks(agent).map(realTask).sort(bySequence),
    slotsUsed: agent.slotsUsed,
    timers: [...agent.timers.values()]
      .filter(({ task }) => task === null)
      .map(({ number, dueTick }) => [number, dueTick]),
  };
}

function modelAgent(model: Model, agent: ModelAgent): Seen {
  const waiting = [...agent.urgent, ...mailboxInOrder(model, agent)].map(modelTask).sort(bySequence);
  return {
    number: agent.number,
    phase: agent.phase,
    paused: agent.paused,
    incarnation: agent.incarnation,
    imageTick: agent.imageTick,
    outbox: agent.outbox.map(({ sequence }) => sequence),
    waiting,
    slotsUsed: agent.mailbox.filter(({ kind }) => kind < 3 || kind === TaskKind.scheduled).length,
    timers: model.timers
      .filter((timer) => timer.agent === agent)
      .map(({ number, dueTick }) => [number, dueTick]),
  };
}

function bySequence(a: Seen, b: Seen): number {
  return (a['sequence'] as number) - (b['sequence'] as number);
}

const realTask = (task: Task): Seen => seenTask(task, textOf(task));
const modelTask = (task: ModelTask): Seen => seenTask(task, payloadOf(task));

function seenTask(task: Task | ModelTask, payload: unknown): Seen {
  const { kind, agent, sequence, priority, sender, topic, detail, tag, attempts } = task;
  return {
    agent: agent.number,
    kind,
    sequence,
    priority,
    sender: sender?.number ?? 0,
    topic: topic?.name ?? '',
    payload,
    detail,
    tag,
    attempts,
  };
}

function textOf({ bytes, offset, length }: { bytes: Uint8Array; offset: number; length: number }): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
