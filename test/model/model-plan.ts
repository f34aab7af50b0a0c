// The model's tick up to its plan: inputs, back-off ends, timers, every-tick steps, then what the policy picks.

import { DropReason, TaskKind } from '../../src/abi/envelope.ts';
import { blocks, deliver, drop, enqueue, fullReason, oldestOf, takesLetters } from './model-deliver.ts';
import { channelOf, restartDue, spawn, subscribe, terminate } from './model-life.ts';
import { applyAnswer, deferRequests } from './model-requests.ts';
import {
  effectivePriority,
  findAgent,
  isAlive,
  type Model,
  type ModelAgent,
  type ModelInput,
  type ModelTask,
  type ModelTopic,
  mailboxInOrder,
  outside,
  removeFrom,
  report,
} from './model-state.ts';

const fromOutside = { sender: null, tick: 0, index: 0, effectKind: 0 } as const;

export function openTick(model: Model, tick: number, inputs: readonly ModelInput[]): void {
  model.previousTick = model.tick;
  model.tick = tick;
  for (const agent of model.agents) {
    agent.deliveries = 0;
    agent.effectsThisTick = 0;
  }
  const waiting = [...model.waitingCalls, ...model.waitingInputs];
  model.waitingCalls = [];
  model.waitingInputs = [];
  for (const input of [...waiting, ...inputs]) applyInput(model, input);
  if (model.stopping) return;
  deferRequests(model);
  restartDue(model);
  fireTimers(model);
  everyTickSteps(model);
}

/**
 * Who gives more than its receiver takes has to wait, and so does what it gave behind it: the source of a line, or the
 * program that calls. Others are told by a dead letter.
 */
function mustWait(model: Model, input: Letterlike): boolean {
  const waiting = isLine(input) ? model.waitingInputs : model.waitingCalls;
  if (input.kind === 'publish') {
    if (waiting.length > 0) return true;
    const topic = findTopic(model, input.name);
    return topic?.subscribers.some((agent) => blocks(agent, topic, null)) === true;
  }
  const receiver = findAgent(model, input);
  if (receiver === undefined) return false;
  if (waiting.length > 0 || blocks(receiver, null, null)) return true;
  const isFull = takesLetters(receiver) && fullReason(receiver, null) !== 0;
  return isLine(input) && isFull && !receiver.paused && !makesRoom(receiver);
}

type Letterlike = Extract<ModelInput, { kind: 'message' | 'scheduled' | 'publish' }>;

/** Whether the policy finds something to drop. */
function makesRoom(receiver: ModelAgent): boolean {
  const { overflow } = receiver.declaration;
  return overflow === 'drop-newest' || (overflow === 'drop-oldest' && oldestOf(receiver, null) !== undefined);
}

function isLine(input: Letterlike): boolean {
  return input.kind !== 'scheduled' && input.waits;
}

function findTopic(model: Model, name: string): ModelTopic | undefined {
  const topics = [...model.topics, ...model.channels];
  return topics.find((topic) => topic.name === name && (!topic.channel || topic.subscribers.length > 0));
}

function applyInput(model: Model, input: ModelInput): void {
  const isLetter = input.kind === 'message' || input.kind === 'scheduled' || input.kind === 'publish';
  if (isLetter && mustWait(model, input)) {
    (isLine(input) ? model.waitingInputs : model.waitingCalls).push(input);
    report(model, 'input-waiting', input.kind === 'publish' ? null : findAgent(model, input)!);
    return;
  }
  switch (input.kind) {
    case 'publish':
      publishInput(model, input);
      return;
    case 'answer':
      applyAnswer(model, input);
      return;
    case 'stop':
      model.stopping = true;
      for (const agent of model.agents) terminate(model, agent);
      return;
    case 'spawn': {
      const declaration = model.config.declarations.find(({ name }) => name === input.name)!;
      model.hostCounter = Math.max(model.hostCounter, input.counter);
      if (spawn(model, input, input.name, declaration, input.payload, null))
        drop(model, null, outside, DropReason.spawnRefused, fromOutside);
      return;
    }
    default: {
      const agent = findAgent(model, input);
      if (agent !== undefined) applyToAgent(model, agent, input);
      else if (input.kind === 'message' || input.kind === 'scheduled')
        drop(model, null, input, DropReason.receiverUnknown, fromOutside);
    }
  }
}

function publishInput(model: Model, input: ModelInput & { kind: 'publish' }): void {
  const topic = findTopic(model, input.name);
  if (topic === undefined) {
    drop(model, null, outside, DropReason.receiverUnknown, fromOutside);
    return;
  }
  for (const receiver of [...topic.subscribers]) {
    const { payload, priority } = input;
    deliver(model, receiver, { kind: TaskKind.topic, topic, payload, priority }, fromOutside);
  }
}

type AgentInput = Exclude<ModelInput, { kind: 'publish' | 'stop' | 'spawn' | 'answer' }>;

function applyToAgent(model: Model, agent: ModelAgent, input: AgentInput): void {
  switch (input.kind) {
    case 'message':
    case 'scheduled': {
      const kind = input.kind === 'message' ? TaskKind.message : TaskKind.scheduled;
      const { payload, priority } = input;
      deliver(model, agent, { kind, topic: null, payload, priority }, fromOutside);
      return;
    }
    case 'terminate':
      terminate(model, agent);
      return;
    case 'pause':
      if (!isAlive(agent) || agent.phase === 'stopping' || agent.paused) return;
      agent.paused = true;
      report(model, 'paused', agent);
      return;
    case 'resume':
      if (!isAlive(agent) || !agent.paused) return;
      agent.paused = false;
      report(model, 'resumed', agent);
      return;
    case 'step':
      if (agent.paused) agent.stepTick = model.tick;
      return;
    case 'join':
      if (isAlive(agent)) subscribe(agent, channelOf(model, input.name));
      return;
    case 'leave':
      removeFrom(channelOf(model, input.name).subscribers, agent);
  }
}

function fireTimers(model: Model): void {
  const due = model.timers
    .filter(({ dueTick }) => dueTick <= model.tick)
    .sort((a, b) => a.dueTick - b.dueTick || a.agent.number - b.agent.number || a.number - b.number);
  for (const timer of due) {
    removeFrom(model.timers, timer);
    const { agent, number, tag } = timer;
    enqueue(model, agent.mailbox, agent, TaskKind.timer, { detail: number, tag });
  }
}

function everyTickSteps(model: Model): void {
  for (const agent of model.agents) {
    if (!agent.declaration.everyTick || agent.phase !== 'active' || agent.paused) continue;
    if (agent.mailbox.some(({ kind }) => kind === TaskKind.everyTick)) continue;
    enqueue(model, agent.mailbox, agent, TaskKind.everyTick);
  }
}

/** What the agent would run next, in order; nothing where it may not run. */
export function runnableTasks(model: Model, agent: ModelAgent): ModelTask[] {
  if (agent.phase === 'stopping') return agent.urgent;
  if (agent.phase !== 'starting' && agent.phase !== 'active') return [];
  if (model.stopping || agent.outbox.length > 0) return [];
  const tasks = [...agent.urgent, ...mailboxInOrder(model, agent)];
  if (!agent.paused) return tasks;
  return agent.stepTick === model.tick && agent.held.length === 0 ? tasks : [];
}

export function planTick(model: Model): ModelTask[] {
  const plan: ModelTask[] = [];
  while (plan.length < model.config.tasksPerTickMax) {
    const task = next(model);
    if (task === undefined) break;
    take(task);
    model.cursor = task.agent.number;
    plan.push(task);
  }
  return plan;
}

function next(model: Model): ModelTask | undefined {
  const heads = model.agents.flatMap((agent) => runnableTasks(model, agent).slice(0, 1));
  const { policy } = model.config;
  if (policy === 'round-robin') {
    return heads.find(({ agent }) => agent.number > model.cursor) ?? heads[0];
  }
  if (policy === 'priority')
    heads.sort(
      (a, b) => effectivePriority(model, b) - effectivePriority(model, a) || a.sequence - b.sequence,
    );
  else heads.sort((a, b) => a.sequence - b.sequence);
  return heads[0];
}

function take(task: ModelTask): void {
  const { agent } = task;
  removeFrom(agent.urgent, task);
  removeFrom(agent.mailbox, task);
  agent.held.push(task);
}

/** Whether the next tick has something to do without inputs and timers; every-tick steps alone do not count. */
export function hasRunnable(model: Model): boolean {
  if (model.waitingInputs.length + model.waitingCalls.length > 0) return true;
  if (model.agents.some(({ outbox }) => outbox.length > 0)) return true;
  return model.agents.some((agent) => {
    if (agent.phase === 'stopping') return true;
    const tasks = agent.paused ? [] : runnableTasks(model, agent);
    return tasks.some(({ kind }) => kind !== TaskKind.everyTick);
  });
}

/** The earliest tick in which a timer or an answer is due or a back-off ends, of agents for which it counts. */
export function nextDueTick(model: Model): number | undefined {
  const timers = model.timers.map(({ dueTick }) => dueTick);
  const restarts = model.agents
    .filter(({ phase }) => phase === 'backing-off')
    .map(({ restartTick }) => restartTick);
  const answers = model.requests.map(({ dueTick }) => dueTick);
  return [...timers, ...restarts, ...answers].sort((a, b) => a - b)[0];
}
