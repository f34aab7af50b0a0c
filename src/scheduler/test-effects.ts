// For tests only: effects of a record and inputs of a tick, written by name.

import { createHash } from 'node:crypto';
import { EffectKind, wordsOf } from '../abi/record.ts';
import { answerDetail, type Input, InputKind } from '../log/input.ts';
import type { Agent } from './state.ts';

type Identity = Pick<Agent, 'origin' | 'counter'>;
type Words = readonly number[];

const encoder = new TextEncoder();

function words(text: string): number[] {
  const bytes = encoder.encode(text);
  const padded = new Uint32Array(wordsOf(bytes.length));
  new Uint8Array(padded.buffer).set(bytes);
  return [...padded];
}

function sizeOf(text: string): number {
  return encoder.encode(text).length;
}

function effect(kind: EffectKind, ...body: number[]): Words {
  return [kind | ((body.length + 1) << 8), ...body];
}

export const send = ({ origin, counter }: Identity, text = ''): Words =>
  effect(EffectKind.send, origin, counter, sizeOf(text), ...words(text));
export const publish = (topic: number, text = ''): Words =>
  effect(EffectKind.publish, topic, sizeOf(text), ...words(text));
export const publishChannel = (name: string, text = ''): Words =>
  effect(EffectKind.publishChannel, sizeOf(name), sizeOf(text), ...words(name), ...words(text));
export const subscribe = (topic: number): Words => effect(EffectKind.subscribe, topic);
export const unsubscribe = (topic: number): Words => effect(EffectKind.unsubscribe, topic);
export const join = (name: string): Words => effect(EffectKind.join, sizeOf(name), ...words(name));
export const leave = (name: string): Words => effect(EffectKind.leave, sizeOf(name), ...words(name));
export const setTimer = (number: number, delay: number, tag = 0): Words =>
  effect(EffectKind.setTimer, number, delay, tag);
export const cancelTimer = (number: number): Words => effect(EffectKind.cancelTimer, number);
export const log = (text: string, level = 1): Words =>
  effect(EffectKind.log, level, sizeOf(text), ...words(text));
export const output = (text: string): Words => effect(EffectKind.output, sizeOf(text), ...words(text));
export const spawn = (counter: number, declaration: number, text = ''): Words =>
  effect(EffectKind.spawn, counter, declaration, sizeOf(text), ...words(text));
export const terminate = ({ origin, counter }: Identity): Words =>
  effect(EffectKind.terminate, origin, counter);
export const infer = (number: number, model: number, tag: number, text: string): Words =>
  effect(EffectKind.infer, number, model, tag, sizeOf(text), ...words(text));
export const generate = (number: number, model: number, tag: number, text: string): Words =>
  effect(EffectKind.generate, number, model, tag, sizeOf(text), ...words(text));
export const refusal = (functionIndex: number, code: number, count: number): Words =>
  effect(EffectKind.refusal, functionIndex, code, count);

function input(kind: number, fields: Partial<Input>): Input {
  const none = new Uint8Array(0);
  const empty = { origin: 0, counter: 0, name: '', payload: none, priority: 0, detail: none, tick: 0 };
  return { kind, ...empty, waits: false, ...fields };
}

const identityOf = ({ origin, counter }: Identity): Identity => ({ origin, counter });

/** Inputs of the host. */
export const host = {
  message: (agent: Identity, text = '', fields: Partial<Input> = {}): Input =>
    input(InputKind.message, { ...identityOf(agent), payload: encoder.encode(text), ...fields }),
  task: (agent: Identity, text = '', fields: Partial<Input> = {}): Input =>
    input(InputKind.scheduledTask, { ...identityOf(agent), payload: encoder.encode(text), ...fields }),
  publish: (name: string, text = '', fields: Partial<Input> = {}): Input =>
    input(InputKind.publish, { name, payload: encoder.encode(text), ...fields }),
  spawn: (counter: number, name: string, text = ''): Input =>
    input(InputKind.spawn, { counter, name, payload: encoder.encode(text) }),
  terminate: (agent: Identity): Input => input(InputKind.terminate, identityOf(agent)),
  join: (agent: Identity, name: string): Input => input(InputKind.join, { ...identityOf(agent), name }),
  leave: (agent: Identity, name: string): Input => input(InputKind.leave, { ...identityOf(agent), name }),
  pause: (agent: Identity): Input => input(InputKind.pause, identityOf(agent)),
  resume: (agent: Identity): Input => input(InputKind.resume, identityOf(agent)),
  step: (agent: Identity): Input => input(InputKind.step, identityOf(agent)),
  answer: (
    { agent, number }: { readonly agent: Identity; readonly number: number },
    content: string | Uint8Array,
  ): Input => {
    const answer = typeof content === 'string' ? encoder.encode(content) : content;
    const detail = answerDetail(number, createHash('sha256').update(answer).digest());
    return input(InputKind.answer, { ...identityOf(agent), detail, answer });
  },
  quarantine: (agent: Identity): Input => input(InputKind.quarantine, identityOf(agent)),
  stop: (): Input => input(InputKind.stop, {}),
} as const;
