// Puts an envelope, its topic and its payload into the inbox buffer of an agent.

import { envelopeOffset, envelopeSize } from '../abi/envelope.ts';
import { type Instance, isInside } from './instance.ts';
import { commandWord } from './protocol.ts';
import { copyBytes } from './word-buffer.ts';

const inboxBytesMin = 512;
const headWords = envelopeSize / 4;
const scratch = new Int32Array(headWords);
const scratchBytes = new Uint8Array(scratch.buffer);

/** Topic bytes are padded so that the payload keeps the alignment of the buffer. */
function paddedTopic(length: number): number {
  return (length + 7) & ~7;
}

/**
 * Writes the envelope of the task at word `at` and returns its address, or -1 where the guest offered a buffer that
 * does not lie inside its memory. May run `agent_alloc`, on the fuel of the task.
 */
export function writeEnvelope(
  instance: Instance,
  commands: Uint32Array,
  bytes: Uint8Array,
  at: number,
  topicOffset: number,
  topicLength: number,
  payloadOffset: number,
  payloadLength: number,
): number {
  const topicAt = envelopeSize;
  const payloadAt = topicAt + paddedTopic(topicLength);
  const size = payloadAt + payloadLength;
  if (size > instance.inboxBytes && !askForInbox(instance, size)) return -1;
  const pointer = instance.inboxPointer;
  const aligned = (pointer & 3) === 0;
  const [head, first] = aligned ? [instance.words, pointer >>> 2] : [scratch, 0];
  fillHead(head, first, instance, commands, at);
  head[first + envelopeOffset.topicPointer / 4] = topicLength === 0 ? 0 : pointer + topicAt;
  head[first + envelopeOffset.topicLength / 4] = topicLength;
  head[first + envelopeOffset.payloadPointer / 4] = payloadLength === 0 ? 0 : pointer + payloadAt;
  head[first + envelopeOffset.payloadLength / 4] = payloadLength;
  head[first + envelopeOffset.reserved / 4] = 0;
  const memory = instance.bytes;
  if (!aligned) memory.set(scratchBytes, pointer);
  if (topicLength > 0) copyBytes(bytes, topicOffset, memory, pointer + topicAt, topicLength);
  if (payloadLength > 0) copyBytes(bytes, payloadOffset, memory, pointer + payloadAt, payloadLength);
  return pointer;
}

function fillHead(
  head: Int32Array,
  first: number,
  instance: Instance,
  commands: Uint32Array,
  at: number,
): void {
  head[first + envelopeOffset.size / 4] = envelopeSize;
  head[first + envelopeOffset.kind / 4] = commands[at + 1]!;
  head[first + envelopeOffset.tick / 4] = commands[commandWord.tickLow]!;
  head[first + envelopeOffset.tick / 4 + 1] = commands[commandWord.tickHigh]!;
  head[first + envelopeOffset.timeMs / 4] = commands[commandWord.timeLow]!;
  head[first + envelopeOffset.timeMs / 4 + 1] = commands[commandWord.timeHigh]!;
  head[first + envelopeOffset.selfOrigin / 4] = instance.origin;
  head[first + envelopeOffset.selfCounter / 4] = instance.counter;
  head[first + envelopeOffset.senderOrigin / 4] = commands[at + 2]!;
  head[first + envelopeOffset.senderCounter / 4] = commands[at + 3]!;
  head[first + envelopeOffset.priority / 4] = commands[at + 4]!;
  head[first + envelopeOffset.detail / 4] = commands[at + 5]!;
  head[first + envelopeOffset.tag / 4] = commands[at + 6]!;
}

/** Asks the guest for a larger buffer; host functions are not allowed meanwhile. Traps reach the caller. */
function askForInbox(instance: Instance, size: number): boolean {
  let capacity = inboxBytesMin;
  while (capacity < size) capacity *= 2;
  const { mode } = instance;
  instance.mode = 'forbidden';
  instance.fuelSet(instance.taskFuel);
  const pointer = instance.guest.agent_alloc(capacity) >>> 0;
  instance.mode = mode;
  instance.taskFuel = instance.fuelGet();
  if (pointer === 0 || !isInside(instance, pointer, capacity)) return false;
  instance.inboxPointer = pointer;
  instance.inboxBytes = capacity;
  return true;
}
