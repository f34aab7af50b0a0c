// Requests that wait for their answers. An answer is an input of the tick in which the request is due, whenever it was
// there; who answers, and how, is not known here.

import { DropReason, TaskKind } from '../abi/envelope.ts';
import { decodeGenerationPiece, FinishReason } from '../abi/generation.ts';
import { EffectKind } from '../abi/record.ts';
import { decodeUtf8 } from '../base/encoding.ts';
import { assert } from '../base/errors.ts';
import { type Input, readAnswerDetail } from '../log/input.ts';
import { drop, enqueueUnbounded, moveOut, waitingTasks, withdraw } from './deliver.ts';
import { EventKind } from './event.ts';
import type { Agent, Payload, SchedulerState, Task } from './state.ts';

/** A model as requests see it. */
export interface ModelDeclaration {
  readonly name: string;
  /** Ticks from a request to its answer, at least 1. */
  readonly latencyTicks: number;
  /** Requests of all agents whose answers have not been taken. */
  readonly pendingMax: number;
  /** Of one agent. */
  readonly pendingPerAgentMax: number;
  /** Versions, as the system names them. */
  readonly versions: readonly string[];
  /** Index of the version in use from the start. */
  readonly version: number;
  /** What the input said that declared it; absent where the configuration does. */
  readonly detail?: Uint8Array;
}

export interface ModelState {
  readonly declaration: ModelDeclaration;
  /** Index of the version that new requests go to. */
  version: number;
  /** Requests whose answers have not been taken from a mailbox, by agent. */
  readonly pending: Map<Agent, number>;
  pendingCount: number;
}

export interface ModelRequest {
  readonly agent: Agent;
  readonly incarnation: number;
  /** Counted by the agent. */
  readonly number: number;
  /** Index of the model. */
  readonly model: number;
  /** Index of the model's version. */
  readonly version: number;
  readonly tag: number;
  /** The tick of the call. */
  readonly tick: number;
  /** One later where a tick had more answers than it takes. */
  dueTick: number;
  readonly payload: Payload;
  /** Of a text that comes in pieces; undefined: one answer is all. */
  readonly generation: GenerationState | undefined;
}

/** How far a text has come. One object as long as it goes on. */
export interface GenerationState {
  /** The piece that is due next, from 0. */
  part: number;
  /** Of the pieces that were given. */
  readonly tokens: number[];
}

/** The requests of one tick. There may be very many, made in any order and answered one by one. */
interface DueRequests {
  readonly list: ModelRequest[];
  /** Whether the list is by (tick of the request, agent, number). */
  isSorted: boolean;
  /** So many of its first are answered. */
  answered: number;
}

export interface RequestQueue {
  /** Those of the configuration, and behind them those that inputs declared. */
  readonly models: ModelState[];
  /** By the tick in which they are due. */
  readonly due: Map<number, DueRequests>;
  /** Made in the current tick, in commit order; before them those whose next piece is wanted. */
  made: ModelRequest[];
}

export function createRequestQueue(models: readonly ModelDeclaration[]): RequestQueue {
  return { models: models.map(createModelState), due: new Map(), made: [] };
}

function createModelState(declaration: ModelDeclaration): ModelState {
  return { declaration, version: declaration.version, pending: new Map(), pendingCount: 0 };
}

/** A model that the configuration does not have: agents may ask it from the current tick on. */
export function declareModel({ config, requests }: SchedulerState, detail: Uint8Array): void {
  const declaration = config.readModel?.(detail);
  assert(declaration !== undefined, 'whoever takes inputs that declare models reads them');
  const isKnown = requests.models.some((model) => model.declaration.name === declaration.name);
  assert(!isKnown, `a model is declared once, found "${declaration.name}" again`);
  requests.models.push(createModelState({ ...declaration, detail }));
}

/** Takes a request, or tells the agent by a notice that too many wait. */
export function addRequest(
  state: SchedulerState,
  request: Omit<ModelRequest, 'version' | 'dueTick'>,
  effectIndex: number,
): void {
  const { agent, tick, model: index } = request;
  const model = state.requests.models[index];
  assert(model !== undefined, 'a request names a model');
  const { latencyTicks, pendingMax, pendingPerAgentMax } = model.declaration;
  if (model.pendingCount >= pendingMax || (model.pending.get(agent) ?? 0) >= pendingPerAgentMax) {
    drop(state, null, agent, DropReason.requestLimit, {
      kind: request.generation === undefined ? EffectKind.infer : EffectKind.generate,
      tick,
      index: effectIndex,
      receiverOrigin: 0,
      receiverCounter: request.number,
    });
    return;
  }
  moveOut(request.payload);
  const dueTick = Math.max(tick + latencyTicks, state.tick + 1);
  const taken = { ...request, version: model.version, dueTick };
  restoreRequest(state, taken);
  state.requests.made.push(taken);
}

/** Puts a request where it waits. */
export function restoreRequest({ requests }: SchedulerState, request: ModelRequest): void {
  const { agent, dueTick, model } = request;
  const due = requests.due.get(dueTick) ?? { list: [], isSorted: true, answered: 0 };
  assert(due.answered === 0, 'a tick whose answers come gets no more requests');
  requests.due.set(dueTick, due);
  const last = due.list.at(-1);
  if (last !== undefined && comesBefore(request, last)) due.isSorted = false;
  due.list.push(request);
  count(requests.models[model]!, agent, 1);
}

function comesBefore(a: ModelRequest, b: ModelRequest): boolean {
  if (a.tick !== b.tick) return a.tick < b.tick;
  return a.agent === b.agent ? a.number < b.number : a.agent.number < b.agent.number;
}

/** The requests of a tick, in the order of their answers. */
function sortedDue({ due }: RequestQueue, tick: number): DueRequests | undefined {
  const all = due.get(tick);
  if (all === undefined || all.isSorted) return all;
  all.list.sort((a, b) => (comesBefore(a, b) ? -1 : 1));
  all.isSorted = true;
  return all;
}

function unanswered(requests: RequestQueue, tick: number): readonly ModelRequest[] {
  const { list, answered } = sortedDue(requests, tick) ?? { list: [], answered: 0 };
  return answered === 0 ? list : list.slice(answered);
}

function count(model: ModelState, agent: Agent, change: number): void {
  const pending = (model.pending.get(agent) ?? 0) + change;
  assert(pending >= 0, 'answers are taken once');
  if (pending === 0) model.pending.delete(agent);
  else model.pending.set(agent, pending);
  model.pendingCount += change;
}

/** The earliest tick in which an answer is due, or undefined. */
export function earliestRequestTick({ due }: RequestQueue): number | undefined {
  let earliest: number | undefined;
  for (const tick of due.keys()) if (earliest === undefined || tick < earliest) earliest = tick;
  return earliest;
}

/** The requests that are due at a tick, by (tick of the request, agent, number): the order of their answers. */
export function dueRequests({ requests, stopping }: SchedulerState, tick: number): readonly ModelRequest[] {
  return stopping ? [] : unanswered(requests, tick);
}

/** All that wait, in the order in which their answers will be given. */
export function waitingRequests(state: SchedulerState): ModelRequest[] {
  const ticks = [...state.requests.due.keys()].sort((a, b) => a - b);
  return ticks.flatMap((tick) => dueRequests(state, tick));
}

/** New requests go to another version of a model; those under way keep theirs. */
export function useModel({ requests }: SchedulerState, { name, detail }: Input): void {
  const model = requests.models.find(({ declaration }) => declaration.name === name);
  const version = model?.declaration.versions.indexOf(decodeUtf8(detail) ?? '') ?? -1;
  assert(model !== undefined && version >= 0, `an input names a version of a model, found "${name}"`);
  model.version = version;
}

/** Requests that are due in the current tick and were not answered in it are due in the next one, with their places. */
export function deferRequests({ requests, tick }: SchedulerState): void {
  const { due } = requests;
  const left = unanswered(requests, tick);
  if (left.length === 0) return;
  due.delete(tick);
  for (const request of left) request.dueTick = tick + 1;
  const next = due.get(tick + 1)?.list ?? [];
  due.set(tick + 1, { list: [...left, ...next], isSorted: false, answered: 0 });
}

/** Gives an answer to its agent. Answers come in the order of `dueRequests`. */
export function applyAnswer(state: SchedulerState, input: Input): void {
  const { due, models } = state.requests;
  const all = sortedDue(state.requests, state.tick);
  const request = all?.list[all.answered++];
  const { origin, counter, answer } = input;
  const { number } = readAnswerDetail(input);
  assert(all !== undefined && request !== undefined, 'an answer comes in the tick in which it is due');
  if (all.answered === all.list.length) due.delete(state.tick);
  const { agent, incarnation, model, tag } = request;
  assert(
    agent.origin === origin && agent.counter === counter && request.number === number,
    'answers come in the order of their requests',
  );
  assert(answer !== undefined, 'the bytes of an answer come with it');
  if ((agent.phase !== 'active' && agent.phase !== 'starting') || incarnation !== agent.incarnation) {
    count(models[model]!, agent, -1);
    dropAnswer(state, agent);
    return;
  }
  const payload = { bytes: answer, offset: 0, length: answer.length };
  const kind = request.generation === undefined ? TaskKind.inference : TaskKind.generation;
  const task = enqueueUnbounded(state, agent, kind, payload, request.number, tag);
  task.model = model;
  if (request.generation !== undefined) goOn(state, request, request.generation, answer);
}

/** Where a piece is not the last one, the next is due in the next tick. */
function goOn(
  state: SchedulerState,
  request: ModelRequest,
  generation: GenerationState,
  answer: Uint8Array,
): void {
  const piece = decodeGenerationPiece(answer);
  if (piece?.reason !== FinishReason.none) return;
  generation.part++;
  for (const token of piece.tokens) generation.tokens.push(token);
  const next = { ...request, dueTick: state.tick + 1 };
  restoreRequest(state, next);
  state.requests.made.push(next);
}

/** Whether a task brings what a model said. */
export function isAnswer({ kind }: Task): boolean {
  return kind === TaskKind.inference || kind === TaskKind.generation;
}

/** Counts a restored answer as one that has not been taken. */
export function countPending({ requests }: SchedulerState, { agent, model }: Task): void {
  count(requests.models[model]!, agent, 1);
}

/** An answer has been planned, or will never be. */
export function answerTaken({ requests }: SchedulerState, { agent, model }: Task): void {
  count(requests.models[model]!, agent, -1);
}

export function dropAnswer(state: SchedulerState, agent: Agent): void {
  state.events.push({ kind: EventKind.answerDropped, agent, other: null, reason: 0 });
}

/** Answers that wait for an instance which is gone. */
export function dropAnswers(state: SchedulerState, agent: Agent): void {
  for (const task of waitingTasks(agent)) {
    if (!isAnswer(task)) continue;
    answerTaken(state, task);
    withdraw(state, task);
    dropAnswer(state, agent);
  }
}
