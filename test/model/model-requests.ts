// What the model knows of requests: when their answers are due, who gets them, and who is told that too many wait.

import { DropReason, TaskKind } from '../../src/abi/envelope.ts';
import { drop, enqueue, type Origin } from './model-deliver.ts';
import {
  type Model,
  type ModelAgent,
  type ModelEffect,
  type ModelInput,
  type ModelRequest,
  type ModelTask,
  removeFrom,
  report,
} from './model-state.ts';

export function isAnswer({ kind }: ModelTask): boolean {
  return kind === TaskKind.inference || kind === TaskKind.generation;
}

/** Requests of a model whose answers have not been planned. */
function pending(model: Model, index: number, agents: readonly ModelAgent[]): number {
  const asked = model.requests.filter((each) => each.model === index && agents.includes(each.agent));
  const waiting = agents.flatMap(({ mailbox }) => mailbox).filter((task) => task.model === index);
  return asked.length + waiting.length;
}

type Ask = Extract<ModelEffect, { kind: 'infer' | 'generate' }>;

/** @param calledTick when the agent asked, which may be before its effect takes place */
export function ask(model: Model, agent: ModelAgent, effect: Ask, calledTick: number, origin: Origin): void {
  if (agent.phase === 'stopping' || model.stopping) return;
  const { latencyTicks, pendingMax, pendingPerAgentMax } = model.config.models[effect.model]!;
  const isFull = pending(model, effect.model, model.agents) >= pendingMax;
  if (isFull || pending(model, effect.model, [agent]) >= pendingPerAgentMax) {
    drop(model, null, { origin: 0, counter: effect.number }, DropReason.requestLimit, origin);
    return;
  }
  model.requests.push({
    agent,
    incarnation: agent.incarnation,
    number: effect.number,
    model: effect.model,
    tag: effect.tag,
    tick: calledTick,
    dueTick: Math.max(calledTick + latencyTicks, model.tick + 1),
    part: effect.kind === 'generate' ? 0 : null,
  });
}

/** By (tick of the call, agent, number); none once the run stops. */
export function dueRequests(model: Model, tick: number): ModelRequest[] {
  if (model.stopping) return [];
  return model.requests
    .filter(({ dueTick }) => dueTick === tick)
    .sort((a, b) => a.tick - b.tick || a.agent.number - b.agent.number || a.number - b.number);
}

/** Those whose answers the tick did not take. */
export function deferRequests(model: Model): void {
  for (const request of model.requests) if (request.dueTick === model.tick) request.dueTick++;
}

export function applyAnswer(model: Model, { payload, more }: Extract<ModelInput, { kind: 'answer' }>): void {
  const request = dueRequests(model, model.tick)[0]!;
  const { agent, number, tag, part } = request;
  removeFrom(model.requests, request);
  const takes = agent.phase === 'active' || agent.phase === 'starting';
  if (!takes || request.incarnation !== agent.incarnation) {
    report(model, 'answer-dropped', agent);
    return;
  }
  const kind = part === null ? TaskKind.inference : TaskKind.generation;
  enqueue(model, agent.mailbox, agent, kind, { payload, detail: number, tag, model: request.model });
  if (part !== null && more) model.requests.push({ ...request, dueTick: model.tick + 1, part: part + 1 });
}

/** Answers that wait in the mailbox of an agent that fails or ends. */
export function dropAnswers(model: Model, agent: ModelAgent): void {
  for (const task of agent.mailbox) if (isAnswer(task)) report(model, 'answer-dropped', agent);
  agent.mailbox = agent.mailbox.filter((task) => !isAnswer(task));
}
