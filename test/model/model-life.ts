// Birth, pause, failure, restart and end of the model's agents.

import { DropReason, TaskKind } from '../../src/abi/envelope.ts';
import { drop, enqueue, faultFields, originOf, tellOfFault } from './model-deliver.ts';
import { dropAnswers, isAnswer } from './model-requests.ts';
import {
  type Bytes,
  type Identity,
  isAlive,
  type Model,
  type ModelAgent,
  type ModelConfig,
  type ModelDeclaration,
  type ModelTask,
  type ModelTopic,
  removeFrom,
  report,
  takesSlot,
} from './model-state.ts';

export function createModel(config: ModelConfig): Model {
  const model: Model = {
    config,
    tick: 0,
    previousTick: 0,
    sequence: 0,
    agents: [],
    hostCounter: 0,
    topics: config.topics.map((topic) => ({ ...topic, channel: false, subscribers: [] })),
    channels: [],
    timers: [],
    requests: [],
    waitingInputs: [],
    waitingCalls: [],
    cursor: 0,
    stopping: false,
    events: [],
    outputs: [],
    texts: [],
    deliveredCount: 0,
    imaged: [],
  };
  for (const declaration of config.declarations) {
    const { name, count } = declaration;
    const names = count === null ? [name] : Array.from({ length: count }, (_, i) => `${name}/${i}`);
    for (const each of names) {
      model.hostCounter++;
      create(model, { origin: 0, counter: model.hostCounter }, each, declaration, '', null);
    }
  }
  return model;
}

export function channelOf(model: Model, name: string): ModelTopic {
  let channel = model.channels.find((each) => each.name === name);
  if (channel === undefined) {
    channel = {
      name,
      channel: true,
      maxWaiting: null,
      overflow: 'reject',
      refusedInitial: '',
      subscribers: [],
    };
    model.channels.push(channel);
  }
  return channel;
}

export function subscribe(agent: ModelAgent, topic: ModelTopic): void {
  if (!topic.subscribers.includes(agent)) topic.subscribers.push(agent);
}

function create(
  model: Model,
  { origin, counter }: Identity,
  name: string,
  declaration: ModelDeclaration,
  payload: Bytes,
  parent: ModelAgent | null,
): void {
  const agent: ModelAgent = {
    number: model.agents.length + 1,
    origin,
    counter,
    name,
    declaration,
    configuration: payload === '' ? declaration.configuration : payload,
    phase: 'starting',
    urgent: [],
    mailbox: [],
    held: [],
    paused: false,
    stepTick: 0,
    outbox: [],
    incarnation: 0,
    imageTick: 0,
    ranSinceImage: false,
    nextTimer: 0,
    nextChild: 1,
    nextRequest: 0,
    restartTick: 0,
    deliveries: 0,
    effectsThisTick: 0,
  };
  model.agents.push(agent);
  report(model, 'spawned', agent, parent);
  start(model, agent);
  for (const topic of declaredTopics(model, declaration)) subscribe(agent, topic);
}

/** Init first, then the configuration, then the mailbox. */
function start(model: Model, agent: ModelAgent): void {
  const { configuration } = agent;
  agent.phase = 'starting';
  enqueue(model, agent.urgent, agent, TaskKind.init);
  if (configuration !== '') {
    enqueue(model, agent.urgent, agent, TaskKind.configuration, { payload: configuration });
  }
}

/** Whether the spawn was refused. */
export function spawn(
  model: Model,
  identity: Identity,
  name: string,
  declaration: ModelDeclaration,
  payload: Bytes,
  parent: ModelAgent | null,
): boolean {
  const alive = model.agents.filter(isAlive);
  const pages = alive.reduce((sum, agent) => sum + agent.declaration.memoryPagesMax, 0);
  const { agentsMax, memoryPagesReservedMax } = model.config;
  if (model.stopping || alive.length >= agentsMax) return true;
  if (pages + declaration.memoryPagesMax > memoryPagesReservedMax) return true;
  create(model, identity, name, declaration, payload, parent);
  return false;
}

/** The agent's only task is its shutdown; one that has no instance ends at once. */
export function terminate(model: Model, agent: ModelAgent): void {
  if (!isAlive(agent) || agent.phase === 'stopping') return;
  const notBegun = agent.phase === 'starting' && agent.urgent.some(({ kind }) => kind === TaskKind.init);
  agent.urgent = [];
  if (notBegun || agent.phase === 'backing-off') {
    end(model, agent, 'stopped', 0, []);
    return;
  }
  agent.phase = 'stopping';
  report(model, 'stopping', agent);
  enqueue(model, agent.urgent, agent, TaskKind.shutdown);
}

/** @param unfinished tasks of its turn, the failed one included; they come before the mailbox */
export function end(
  model: Model,
  agent: ModelAgent,
  phase: 'stopped' | 'failed',
  fault: number,
  unfinished: readonly ModelTask[],
): void {
  agent.phase = phase;
  agent.imageTick = 0;
  agent.urgent = [];
  report(model, phase, agent, null, fault);
  clearTimers(model, agent);
  dropAnswers(model, agent);
  for (const topic of [...model.topics, ...model.channels]) removeFrom(topic.subscribers, agent);
  const waiting = agent.mailbox.sort((a, b) => b.priority - a.priority || a.sequence - b.sequence);
  agent.mailbox = [];
  for (const task of [...unfinished, ...waiting]) {
    if (takesSlot(task.kind)) drop(model, agent, agent, DropReason.receiverStopped, originOf(task));
  }
}

/** Timers go, and firings that wait in the mailbox. */
function clearTimers(model: Model, agent: ModelAgent): void {
  model.timers = model.timers.filter((timer) => timer.agent !== agent);
  agent.mailbox = agent.mailbox.filter(({ kind }) => kind !== TaskKind.timer);
}

/** A task of the turn that did not run, or a message that is tried again, takes its place in the mailbox. */
export function putBack(model: Model, task: ModelTask): void {
  const { agent, kind } = task;
  removeFrom(agent.held, task);
  if (kind === TaskKind.configuration || kind === TaskKind.timer) return;
  if (isAnswer(task)) {
    report(model, 'answer-dropped', agent);
    return;
  }
  if (kind === TaskKind.fault) {
    putBackFault(task);
    return;
  }
  const same = agent.mailbox.find((other) => other.kind === kind);
  if (same !== undefined && kind === TaskKind.again) return;
  if (same !== undefined && kind === TaskKind.notice) {
    removeFrom(agent.mailbox, same);
    task.count += same.count;
  }
  agent.mailbox.push(task);
}

/** One that tells of the agent itself comes anew with the next restart. */
function putBackFault(task: ModelTask): void {
  const { agent, sender } = task;
  if (sender === agent) return;
  const later = agent.mailbox.find((other) => other.kind === TaskKind.fault && other.sender === sender);
  if (later !== undefined) {
    removeFrom(agent.mailbox, later);
    task.count += later.count;
    task.payload = later.payload;
  }
  agent.mailbox.push(task);
}

/** A failed task: its agent waits for a restart, or stays failed; the message is tried again, or dead. */
export function fail(model: Model, task: ModelTask, fault: number, unfinished: readonly ModelTask[]): void {
  const { agent } = task;
  if (!restarts(agent)) {
    for (const each of [task, ...unfinished]) removeFrom(agent.held, each);
    for (const each of unfinished) if (isAnswer(each)) report(model, 'answer-dropped', agent);
    end(model, agent, 'failed', fault, [task, ...unfinished]);
    tellOfFault(model, agent, faultFields(model, agent, fault, 0));
    return;
  }
  if (takesSlot(task.kind)) {
    task.attempts++;
    if (task.attempts < agent.declaration.attemptsMax) putBack(model, task);
    else drop(model, agent, agent, DropReason.poison, originOf(task));
  }
  for (const each of unfinished) putBack(model, each);
  backOff(model, agent, fault);
}

export function restarts(agent: ModelAgent): boolean {
  const { policy, restartsMax } = agent.declaration.restart;
  return policy !== 'never' && agent.incarnation < restartsMax && agent.phase !== 'stopping';
}

/** What the agent made for itself is gone from here on; what its declaration gives it stays, in its place. */
function backOff(model: Model, agent: ModelAgent, fault: number): void {
  const { declaration } = agent;
  const { backoffTicks, backoffTicksMax } = declaration.restart;
  const ticks = Math.min(backoffTicks * 2 ** agent.incarnation, backoffTicksMax);
  agent.restartTick = model.tick + Math.max(1, ticks);
  const payload = faultFields(model, agent, fault, agent.restartTick);
  agent.ranSinceImage = false;
  agent.phase = 'backing-off';
  agent.urgent = [];
  report(model, 'backing-off', agent, null, fault);
  clearTimers(model, agent);
  dropAnswers(model, agent);
  const declared = declaredTopics(model, declaration);
  for (const topic of [...model.topics, ...model.channels]) {
    if (!declared.includes(topic)) removeFrom(topic.subscribers, agent);
  }
  for (const topic of declared) subscribe(agent, topic);
  if (agent.imageTick > 0) {
    enqueue(model, agent.urgent, agent, TaskKind.fault, { sender: agent, payload, count: 1 });
  }
  tellOfFault(model, agent, payload);
  agent.incarnation++;
}

/** What has run since its image is imaged anew, where a multiple of its ticks has been reached or passed. */
export function takeImages(model: Model): void {
  for (const agent of model.agents) {
    const { policy, imageTicks } = agent.declaration.restart;
    if (policy !== 'from-image' || !agent.ranSinceImage) continue;
    if (agent.phase !== 'active' || agent.urgent.length > 0) continue;
    const multiple = Math.floor(model.tick / imageTicks) * imageTicks;
    if (multiple <= model.previousTick) continue;
    agent.imageTick = model.tick;
    agent.ranSinceImage = false;
    model.imaged.push(agent.number);
  }
}

function declaredTopics(model: Model, { subscriptions, channels }: ModelDeclaration): ModelTopic[] {
  return [
    ...subscriptions.map((topic) => model.topics[topic]!),
    ...channels.map((name) => channelOf(model, name)),
  ];
}

export function restartDue(model: Model): void {
  const due = model.agents
    .filter((agent) => agent.phase === 'backing-off' && agent.restartTick <= model.tick)
    .sort((a, b) => a.restartTick - b.restartTick || a.number - b.number);
  for (const agent of due) {
    const isFromImage = agent.imageTick > 0;
    report(model, 'restarted', agent, null, isFromImage ? 1 : 0);
    if (isFromImage) agent.phase = 'active';
    else start(model, agent);
  }
}
