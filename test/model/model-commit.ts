// The model's commit: slots, waiting outboxes, circles, then the effects and outcomes of the tick in plan order.

import { DropReason, TaskKind } from '../../src/abi/envelope.ts';
import { EffectKind } from '../../src/abi/record.ts';
import { blocks, deliver, drop, enqueue, type Letter, mayDeliver, type Origin } from './model-deliver.ts';
import {
  channelOf,
  end,
  fail,
  putBack,
  restarts,
  spawn,
  subscribe,
  takeImages,
  terminate,
} from './model-life.ts';
import { ask } from './model-requests.ts';
import {
  drawSequence,
  findAgent,
  isAlive,
  type Model,
  type ModelAgent,
  type ModelEffect,
  type ModelResult,
  type ModelTask,
  type ModelTopic,
  type ModelWaiting,
  outside,
  removeFrom,
  report,
  takesSlot,
} from './model-state.ts';

/** @param results one for each task of the plan; null where the turn had ended before it. */
export function commitTick(
  model: Model,
  plan: readonly ModelTask[],
  results: readonly (ModelResult | null)[],
): void {
  for (const [i, task] of plan.entries()) {
    const result = results[i]!;
    if (result !== null && !isTriedAgain(task, result)) removeFrom(task.agent.held, task);
  }
  retryOutboxes(model);
  breakCircles(model);
  for (const [i, task] of plan.entries()) {
    const result = results[i]!;
    if (result === null) continue;
    task.agent.ranSinceImage = true;
    for (const effect of result.effects) commitEffect(model, task.agent, effect);
    const unfinished = plan.filter(
      (other, at) => at > i && other.agent === task.agent && results[at] === null,
    );
    finishTask(model, task, result, unfinished);
  }
  takeImages(model);
}

/** A task that will be tried again keeps its slot. */
function isTriedAgain(task: ModelTask, { outcome }: ModelResult): boolean {
  const { agent, kind, attempts } = task;
  return (
    outcome === 'failed' && takesSlot(kind) && restarts(agent) && attempts + 1 < agent.declaration.attemptsMax
  );
}

function commitEffect(model: Model, agent: ModelAgent, effect: ModelEffect): void {
  if (effect.kind === 'counters') {
    agent.nextTimer = effect.nextTimer;
    agent.nextChild = effect.nextChild;
    agent.nextRequest = effect.nextRequest;
    return;
  }
  const index = agent.effectsThisTick++;
  const waiting = { effect, tick: model.tick, index, incarnation: agent.incarnation };
  const isFirst = agent.outbox.length === 0;
  if (isFirst && blockers(model, agent, effect).length === 0) {
    apply(model, agent, { ...waiting, sequence: 0 });
    return;
  }
  if (isFirst) report(model, 'blocked', agent);
  agent.outbox.push({ ...waiting, sequence: drawSequence(model) });
}

function finishTask(
  model: Model,
  task: ModelTask,
  { outcome, fault }: ModelResult,
  unfinished: readonly ModelTask[],
): void {
  const { agent } = task;
  if (outcome === 'failed') {
    fail(model, task, fault, unfinished);
  } else if (task.kind === TaskKind.shutdown) {
    end(model, agent, 'stopped', 0, []);
  } else {
    if (task.kind === TaskKind.init && agent.phase === 'starting') agent.phase = 'active';
    if (outcome === 'finished') {
      for (const each of unfinished) putBack(model, each);
      terminate(model, agent);
    } else if (outcome === 'again' && agent.phase === 'active') again(model, agent);
  }
}

function again(model: Model, agent: ModelAgent): void {
  if (agent.mailbox.some(({ kind }) => kind === TaskKind.again)) return;
  enqueue(model, agent.mailbox, agent, TaskKind.again);
}

/** The receivers of the effect that have no room and for which its sender must wait; who may not send, need not. */
function blockers(model: Model, sender: ModelAgent, effect: ModelEffect): ModelAgent[] {
  if (effect.kind === 'send') {
    const receiver = findAgent(model, effect);
    const spent = sender.deliveries >= sender.declaration.deliveriesPerTickMax;
    return receiver !== undefined && !spent && blocks(receiver, null, sender) ? [receiver] : [];
  }
  if (effect.kind === 'publish') {
    const topic = model.topics[effect.topic]!;
    if (breaksContract(topic, effect.payload)) return [];
    return topic.subscribers.filter((receiver) => blocks(receiver, topic, sender));
  }
  return [];
}

/** Applies the outbox from its head until one effect has to wait. */
function drain(model: Model, agent: ModelAgent): void {
  while (agent.outbox.length > 0) {
    const head = agent.outbox[0]!;
    if (blockers(model, agent, head.effect).length > 0) return;
    agent.outbox.shift();
    apply(model, agent, head);
  }
  report(model, 'unblocked', agent);
}

function blockedAgents(model: Model): ModelAgent[] {
  return model.agents
    .filter(({ outbox }) => outbox.length > 0)
    .sort((a, b) => a.outbox[0]!.sequence - b.outbox[0]!.sequence);
}

function retryOutboxes(model: Model): void {
  for (const agent of blockedAgents(model)) drain(model, agent);
}

/** The first effect of the agent with the lowest sequence on a circle is dropped, until there is no circle. */
function breakCircles(model: Model): void {
  for (;;) {
    const agent = blockedAgents(model).find((each) => reaches(model, each, each));
    if (agent === undefined) return;
    const head = agent.outbox.shift()!;
    const named = head.effect.kind === 'send' ? head.effect : outside;
    drop(model, null, named, DropReason.blockedCycle, originOfEffect(agent, head));
    drain(model, agent);
  }
}

/** Whether waiting leads from one agent to the other, over one agent or more. */
function reaches(model: Model, from: ModelAgent, to: ModelAgent): boolean {
  const seen = new Set<ModelAgent>();
  const open = [from];
  for (let agent = open.pop(); agent !== undefined; agent = open.pop()) {
    if (agent.outbox.length === 0) continue;
    for (const receiver of blockers(model, agent, agent.outbox[0]!.effect)) {
      if (receiver === to) return true;
      if (seen.has(receiver)) continue;
      seen.add(receiver);
      open.push(receiver);
    }
  }
  return false;
}

function originOfEffect(sender: ModelAgent, { effect, tick, index }: ModelWaiting): Origin {
  return { sender, tick, index, effectKind: EffectKind[effect.kind] };
}

function apply(model: Model, agent: ModelAgent, waiting: ModelWaiting): void {
  const { effect, incarnation } = waiting;
  const origin = originOfEffect(agent, waiting);
  const isCurrent = isAlive(agent) && incarnation === agent.incarnation;
  switch (effect.kind) {
    case 'send': {
      const receiver = findAgent(model, effect);
      if (receiver === undefined) drop(model, null, effect, DropReason.receiverUnknown, origin);
      else if (!mayDeliver(agent)) drop(model, receiver, effect, DropReason.deliveryBudget, origin);
      else deliver(model, receiver, letter(TaskKind.message, null, effect.payload), origin);
      return;
    }
    case 'publish':
      publish(model, agent, model.topics[effect.topic]!, effect.payload, origin);
      return;
    case 'publishChannel': {
      const channel = channelOf(model, effect.name);
      if (channel.subscribers.includes(agent)) publish(model, agent, channel, effect.payload, origin);
      else drop(model, null, outside, DropReason.notMember, origin);
      return;
    }
    case 'subscribe':
      if (isCurrent) subscribe(agent, model.topics[effect.topic]!);
      return;
    case 'unsubscribe':
      if (isCurrent) removeFrom(model.topics[effect.topic]!.subscribers, agent);
      return;
    case 'join':
      if (isCurrent) join(model, agent, effect.name, origin);
      return;
    case 'leave':
      if (isCurrent) removeFrom(channelOf(model, effect.name).subscribers, agent);
      return;
    case 'setTimer': {
      const dueTick = Math.max(waiting.tick + effect.delay, model.tick + 1);
      if (isCurrent) model.timers.push({ agent, number: effect.number, dueTick, tag: effect.tag });
      return;
    }
    case 'cancelTimer':
      if (isCurrent) cancelTimer(model, agent, effect.number);
      return;
    case 'log':
      model.texts.push({ agent: agent.number, payload: effect.payload, failed: effect.failed });
      return;
    case 'output':
      model.outputs.push({ agent: agent.number, payload: effect.payload });
      return;
    case 'spawn':
      spawnChild(model, agent, effect, origin);
      return;
    case 'infer':
    case 'generate':
      if (isCurrent) ask(model, agent, effect, waiting.tick, origin);
      return;
    case 'terminate': {
      const target = findAgent(model, effect);
      if (target !== undefined && isAlive(target)) terminate(model, target);
    }
  }
}

function letter(kind: TaskKind, topic: ModelTopic | null, payload: string): Letter {
  return { kind, topic, payload, priority: 0 };
}

function join(model: Model, agent: ModelAgent, name: string, origin: Origin): void {
  const channel = channelOf(model, name);
  const joined = model.channels.filter(({ subscribers }) => subscribers.includes(agent));
  if (joined.includes(channel) || joined.length < agent.declaration.channelsMax) subscribe(agent, channel);
  else drop(model, null, outside, DropReason.channelLimit, origin);
}

function breaksContract({ refusedInitial }: ModelTopic, payload: string): boolean {
  return refusedInitial !== '' && payload.startsWith(refusedInitial);
}

/** One dead letter speaks for all subscribers behind the end of the budget. */
function publish(model: Model, sender: ModelAgent, topic: ModelTopic, payload: string, origin: Origin): void {
  if (breaksContract(topic, payload)) {
    drop(model, null, outside, DropReason.contractBroken, origin);
    return;
  }
  for (const receiver of [...topic.subscribers]) {
    if (!mayDeliver(sender)) {
      drop(model, receiver, receiver, DropReason.deliveryBudget, origin);
      return;
    }
    deliver(model, receiver, letter(TaskKind.topic, topic, payload), origin);
  }
}

function cancelTimer(model: Model, agent: ModelAgent, number: number): void {
  model.timers = model.timers.filter((timer) => timer.agent !== agent || timer.number !== number);
  agent.mailbox = agent.mailbox.filter((task) => task.kind !== TaskKind.timer || task.detail !== number);
}

function spawnChild(
  model: Model,
  agent: ModelAgent,
  effect: ModelEffect & { kind: 'spawn' },
  origin: Origin,
): void {
  const declaration = model.config.declarations[effect.declaration]!;
  const identity = { origin: agent.number, counter: effect.counter };
  if (spawn(model, identity, declaration.name, declaration, effect.payload, agent))
    drop(model, null, identity, DropReason.spawnRefused, origin);
}
