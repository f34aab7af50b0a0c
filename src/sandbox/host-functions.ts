// The functions that guests call. Each checks every number it gets, copies once, and only then looks at what it copied.
// None throws for anything a guest can do: a refused call answers a negative code and leaves an event.

import { HostCode, type HostFunctionName, hostFunctionNames, hostKill } from '../abi/host-functions.ts';
import { EffectKind, wordsOf } from '../abi/record.ts';
import { decodeUtf8 } from '../base/encoding.ts';
import { prngNext } from '../base/prng.ts';
import { type Instance, isInside } from './instance.ts';
import type { Outbox } from './outbox.ts';
import type { LookupTables } from './tables.ts';

/** What the functions work on: the instance that is running, set before each task. */
export interface HostContext {
  instance: Instance;
  readonly outbox: Outbox;
  readonly tables: LookupTables;
}

type HostFunctions = Readonly<Record<HostFunctionName, (...values: number[]) => number>>;

const channelNameBytesMax = 64;
const logLevelMax = 3;

const index = Object.fromEntries(hostFunctionNames.map((name, i) => [name, i])) as Readonly<
  Record<HostFunctionName, number>
>;

/** The import object of `wasm_engine`, shared by all instances of one executor. */
export function createHostFunctions(context: HostContext): HostFunctions {
  const functions: HostFunctions = {
    ...messageFunctions(context),
    ...topicFunctions(context),
    ...timerFunctions(context),
    ...outputFunctions(context),
    ...agentFunctions(context),
    infer: (model, modelLength, tensors, length, tag) =>
      ask(context, 'infer', model! >>> 0, modelLength! >>> 0, tensors! >>> 0, length! >>> 0, tag!),
    generate: (model, modelLength, request, length, tag) =>
      ask(context, 'generate', model! >>> 0, modelLength! >>> 0, request! >>> 0, length! >>> 0, tag!),
  };
  return functions;
}

/** The mode check that every function begins with: 0 to go on, or what to answer. */
function gate(context: HostContext, name: HostFunctionName, inShutdown: boolean): number {
  const { mode } = context.instance;
  if (mode === 'normal') return 0;
  if (mode === 'forbidden') return hostKill;
  return inShutdown ? 0 : context.outbox.refuse(index[name], HostCode.notAllowed);
}

/** Whether the turn may have one more effect with this payload: 0, or the code to answer. */
function checkPayload(context: HostContext, name: HostFunctionName, pointer: number, length: number): number {
  const { instance, outbox } = context;
  const { limits } = instance;
  let code: number = HostCode.ok;
  if (length > limits.messageBytesMax) code = HostCode.tooLarge;
  else if (!isInside(instance, pointer, length)) code = HostCode.badPointer;
  else if (
    instance.turnEffects >= limits.effectsPerTurnMax ||
    instance.turnBytes + length > limits.effectBytesPerTurnMax
  ) {
    code = HostCode.quota;
  } else {
    instance.turnEffects++;
    instance.turnBytes += length;
    return 0;
  }
  return outbox.refuse(index[name], code);
}

function messageFunctions(context: HostContext): Pick<HostFunctions, 'send' | 'find'> {
  const { outbox, tables } = context;
  return {
    send(origin, counter, payload, length) {
      payload! >>>= 0;
      length! >>>= 0;
      const refused = gate(context, 'send', true) || checkPayload(context, 'send', payload!, length!);
      if (refused !== 0) return refused;
      const at = outbox.addEffect(EffectKind.send, 4 + wordsOf(length!));
      const { words } = outbox.buffer;
      words[at + 1] = origin!;
      words[at + 2] = counter!;
      words[at + 3] = length!;
      outbox.copyPayload(at + 4, context.instance.bytes, payload!, length!);
      return 0;
    },
    find(name, length, out) {
      const refused = gate(context, 'find', false);
      if (refused !== 0) return refused;
      const { instance } = context;
      name! >>>= 0;
      length! >>>= 0;
      out! >>>= 0;
      if (!isInside(instance, name!, length!) || !isInside(instance, out!, 8)) {
        return outbox.refuse(index.find, HostCode.badPointer);
      }
      const counter = tables.agents.find(instance.bytes, name!, length!);
      if (counter < 0) return outbox.refuse(index.find, HostCode.unknownName);
      writeIdentity(instance, out!, 0, counter);
      return 0;
    },
  };
}

function writeIdentity(instance: Instance, pointer: number, origin: number, counter: number): void {
  const view = new DataView(instance.memory.buffer);
  view.setUint32(pointer, origin, true);
  view.setUint32(pointer + 4, counter, true);
}

function topicFunctions(
  context: HostContext,
): Pick<HostFunctions, 'publish' | 'subscribe' | 'unsubscribe' | 'join' | 'leave'> {
  return {
    publish: (topic, topicLength, payload, length) =>
      publish(context, topic! >>> 0, topicLength! >>> 0, payload! >>> 0, length! >>> 0),
    subscribe: (topic, length) =>
      changeSubscription(context, 'subscribe', EffectKind.subscribe, topic! >>> 0, length! >>> 0),
    unsubscribe: (topic, length) =>
      changeSubscription(context, 'unsubscribe', EffectKind.unsubscribe, topic! >>> 0, length! >>> 0),
    join: (channel, length) =>
      changeMembership(context, 'join', EffectKind.join, channel! >>> 0, length! >>> 0),
    leave: (channel, length) =>
      changeMembership(context, 'leave', EffectKind.leave, channel! >>> 0, length! >>> 0),
  };
}

function publish(
  context: HostContext,
  topic: number,
  topicLength: number,
  payload: number,
  length: number,
): number {
  const { instance, outbox, tables } = context;
  const refused = gate(context, 'publish', true);
  if (refused !== 0) return refused;
  if (!isInside(instance, topic, topicLength)) return outbox.refuse(index.publish, HostCode.badPointer);
  const topicIndex = tables.topics.find(instance.bytes, topic, topicLength);
  if (topicIndex < 0 && !instance.mayUseChannels) return outbox.refuse(index.publish, HostCode.unknownName);
  if (topicIndex >= 0) {
    const code = checkPayload(context, 'publish', payload, length);
    if (code !== 0) return code;
    const at = outbox.addEffect(EffectKind.publish, 3 + wordsOf(length));
    outbox.buffer.words[at + 1] = topicIndex;
    outbox.buffer.words[at + 2] = length;
    outbox.copyPayload(at + 3, instance.bytes, payload, length);
    return 0;
  }
  const nameCode = channelNameCode(topicLength);
  if (nameCode !== 0) return outbox.refuse(index.publish, nameCode);
  const code = checkPayload(context, 'publish', payload, length);
  if (code !== 0) return code;
  const at = outbox.addEffect(EffectKind.publishChannel, 3 + wordsOf(topicLength) + wordsOf(length));
  outbox.buffer.words[at + 1] = topicLength;
  outbox.buffer.words[at + 2] = length;
  outbox.copyPayload(at + 3, instance.bytes, topic, topicLength);
  outbox.copyPayload(at + 3 + wordsOf(topicLength), instance.bytes, payload, length);
  return textCode(context, 'publish', at, at + 3, topicLength, length);
}

function channelNameCode(length: number): number {
  return length === 0 || length > channelNameBytesMax ? HostCode.badArgument : 0;
}

function changeSubscription(
  context: HostContext,
  name: 'subscribe' | 'unsubscribe',
  kind: EffectKind,
  topic: number,
  length: number,
): number {
  const { instance, outbox, tables } = context;
  const refused = gate(context, name, false);
  if (refused !== 0) return refused;
  if (!isInside(instance, topic, length)) return outbox.refuse(index[name], HostCode.badPointer);
  const topicIndex = tables.topics.find(instance.bytes, topic, length);
  if (topicIndex < 0) return outbox.refuse(index[name], HostCode.unknownName);
  const code = checkPayload(context, name, 0, 0);
  if (code !== 0) return code;
  const at = outbox.addEffect(kind, 2);
  outbox.buffer.words[at + 1] = topicIndex;
  return 0;
}

function changeMembership(
  context: HostContext,
  name: 'join' | 'leave',
  kind: EffectKind,
  channel: number,
  length: number,
): number {
  const { instance, outbox, tables } = context;
  const refused = gate(context, name, false);
  if (refused !== 0) return refused;
  const nameCode = channelNameCode(length);
  if (nameCode !== 0) return outbox.refuse(index[name], nameCode);
  if (!isInside(instance, channel, length)) return outbox.refuse(index[name], HostCode.badPointer);
  if (tables.topics.find(instance.bytes, channel, length) >= 0) {
    return outbox.refuse(index[name], HostCode.notAllowed);
  }
  const code = checkPayload(context, name, channel, length);
  if (code !== 0) return code;
  const at = outbox.addEffect(kind, 2 + wordsOf(length));
  outbox.buffer.words[at + 1] = length;
  outbox.copyPayload(at + 2, instance.bytes, channel, length);
  return textCode(context, name, at, at + 2, length);
}

/** Copied text must be UTF-8; where it is not, the effect is taken back, with what it took of the turn's quota. */
function textCode(
  context: HostContext,
  name: HostFunctionName,
  effectAt: number,
  textAt: number,
  length: number,
  payloadLength: number = length,
): number {
  const { instance, outbox } = context;
  const { bytes } = outbox.buffer;
  if (decodeUtf8(bytes.subarray(textAt * 4, textAt * 4 + length)) !== undefined) return 0;
  outbox.cancelEffect(effectAt);
  instance.turnEffects--;
  instance.turnBytes -= payloadLength;
  return outbox.refuse(index[name], HostCode.badArgument);
}

function timerFunctions(context: HostContext): Pick<HostFunctions, 'set_timer' | 'cancel_timer'> {
  const { outbox } = context;
  return {
    set_timer(delay, tag) {
      const refused = gate(context, 'set_timer', false);
      if (refused !== 0) return refused;
      const { instance } = context;
      if (delay === 0) return outbox.refuse(index.set_timer, HostCode.badArgument);
      if (instance.pendingTimers.size >= instance.limits.timersMax) {
        return outbox.refuse(index.set_timer, HostCode.quota);
      }
      const code = checkPayload(context, 'set_timer', 0, 0);
      if (code !== 0) return code;
      const number = instance.nextTimer++;
      instance.pendingTimers.add(number);
      const at = outbox.addEffect(EffectKind.setTimer, 4);
      const { words } = outbox.buffer;
      words[at + 1] = number;
      words[at + 2] = delay!;
      words[at + 3] = tag!;
      return number;
    },
    cancel_timer(number) {
      const refused = gate(context, 'cancel_timer', false);
      if (refused !== 0) return refused;
      const { instance } = context;
      number! >>>= 0;
      if (number! >= instance.nextTimer) return outbox.refuse(index.cancel_timer, HostCode.unknownName);
      const code = checkPayload(context, 'cancel_timer', 0, 0);
      if (code !== 0) return code;
      instance.pendingTimers.delete(number!);
      const at = outbox.addEffect(EffectKind.cancelTimer, 2);
      outbox.buffer.words[at + 1] = number!;
      return 0;
    },
  };
}

function outputFunctions(context: HostContext): Pick<HostFunctions, 'random' | 'log' | 'output'> {
  const { outbox } = context;
  return {
    random(destination, length) {
      const refused = gate(context, 'random', false);
      if (refused !== 0) return refused;
      destination! >>>= 0;
      length! >>>= 0;
      return fillRandom(context, destination!, length!);
    },
    log(level, text, length) {
      const refused = gate(context, 'log', true);
      if (refused !== 0) return refused;
      text! >>>= 0;
      length! >>>= 0;
      if (level! >>> 0 > logLevelMax) return outbox.refuse(index.log, HostCode.badArgument);
      const code = checkPayload(context, 'log', text!, length!);
      if (code !== 0) return code;
      const at = outbox.addEffect(EffectKind.log, 3 + wordsOf(length!));
      outbox.buffer.words[at + 1] = level!;
      outbox.buffer.words[at + 2] = length!;
      outbox.copyPayload(at + 3, context.instance.bytes, text!, length!);
      return textCode(context, 'log', at, at + 3, length!);
    },
    output(payload, length) {
      payload! >>>= 0;
      length! >>>= 0;
      const refused = gate(context, 'output', true) || checkPayload(context, 'output', payload!, length!);
      if (refused !== 0) return refused;
      const at = outbox.addEffect(EffectKind.output, 2 + wordsOf(length!));
      outbox.buffer.words[at + 1] = length!;
      outbox.copyPayload(at + 2, context.instance.bytes, payload!, length!);
      return 0;
    },
  };
}

/** Fills a range: one generator step for each four bytes, the last step cut where the length is no multiple. */
function fillRandom(context: HostContext, destination: number, length: number): number {
  const { instance, outbox } = context;
  if (length > instance.limits.messageBytesMax) return outbox.refuse(index.random, HostCode.tooLarge);
  if (!isInside(instance, destination, length)) return outbox.refuse(index.random, HostCode.badPointer);
  const { bytes, prng } = instance;
  let word = 0;
  for (let i = 0; i < length; i++) {
    if (i % 4 === 0) word = prngNext(prng);
    bytes[destination + i] = word & 0xff;
    word >>>= 8;
  }
  return 0;
}

function agentFunctions(context: HostContext): Pick<HostFunctions, 'spawn' | 'terminate'> {
  const { outbox } = context;
  return {
    spawn: (name, nameLength, payload, length, out) =>
      spawn(context, name! >>> 0, nameLength! >>> 0, payload! >>> 0, length! >>> 0, out! >>> 0),
    terminate(origin, counter) {
      const refused = gate(context, 'terminate', false);
      if (refused !== 0) return refused;
      const { instance } = context;
      origin! >>>= 0;
      counter! >>>= 0;
      const self = origin === instance.origin && counter === instance.counter;
      const child = origin === instance.number && counter! > 0 && counter! < instance.nextChild;
      if (!self && !child) return outbox.refuse(index.terminate, HostCode.notAllowed);
      const code = checkPayload(context, 'terminate', 0, 0);
      if (code !== 0) return code;
      const at = outbox.addEffect(EffectKind.terminate, 3);
      outbox.buffer.words[at + 1] = origin!;
      outbox.buffer.words[at + 2] = counter!;
      return 0;
    },
  };
}

function spawn(
  context: HostContext,
  name: number,
  nameLength: number,
  payload: number,
  length: number,
  out: number,
): number {
  const { instance, outbox, tables } = context;
  const refused = gate(context, 'spawn', false);
  if (refused !== 0) return refused;
  if (!isInside(instance, name, nameLength) || !isInside(instance, out, 8)) {
    return outbox.refuse(index.spawn, HostCode.badPointer);
  }
  const declaration = tables.declarations.find(instance.bytes, name, nameLength);
  if (declaration < 0) return outbox.refuse(index.spawn, HostCode.unknownName);
  const code = checkPayload(context, 'spawn', payload, length);
  if (code !== 0) return code;
  const counter = instance.nextChild++;
  const at = outbox.addEffect(EffectKind.spawn, 4 + wordsOf(length));
  const { words } = outbox.buffer;
  words[at + 1] = counter;
  words[at + 2] = declaration;
  words[at + 3] = length;
  outbox.copyPayload(at + 4, instance.bytes, payload, length);
  writeIdentity(instance, out, instance.number, counter);
  return 0;
}

/** Both functions that ask a model. */
function ask(
  context: HostContext,
  what: 'infer' | 'generate',
  name: number,
  nameLength: number,
  request: number,
  length: number,
  tag: number,
): number {
  const { instance, outbox, tables } = context;
  const refused = gate(context, what, false);
  if (refused !== 0) return refused;
  if (!isInside(instance, name, nameLength)) return outbox.refuse(index[what], HostCode.badPointer);
  const model = tables.models.find(instance.bytes, name, nameLength);
  if (model < 0) return outbox.refuse(index[what], HostCode.unknownName);
  const code = checkPayload(context, what, request, length);
  if (code !== 0) return code;
  const number = instance.nextRequest++;
  const at = outbox.addEffect(EffectKind[what], 5 + wordsOf(length));
  const { words } = outbox.buffer;
  words[at + 1] = number;
  words[at + 2] = model;
  words[at + 3] = tag;
  words[at + 4] = length;
  outbox.copyPayload(at + 5, instance.bytes, request, length);
  return number;
}
