// Writes the command stream of one executor for one tick.

import { wordsOf } from '../abi/record.ts';
import {
  collectWords,
  commandHeadWords,
  commandWord,
  createWords,
  dropWords,
  modelWords,
  Op,
  restoreWords,
  saveWords,
  taskHeadWords,
  turnWords,
} from './protocol.ts';
import { copyBytes, WordBuffer } from './word-buffer.ts';

/** What an executor knows of an agent beside its state. */
export interface AgentKey {
  readonly number: number;
  readonly declarationIndex: number;
  readonly origin: number;
  readonly counter: number;
}

export class CommandWriter {
  readonly buffer: WordBuffer = new WordBuffer(16_384);
  #beginning = commandHeadWords;

  /** Whether any command that is not about models has been written since `begin`. */
  get isEmpty(): boolean {
    return this.buffer.used === this.#beginning;
  }

  begin(tick: number, timeMs: number, flags: number): void {
    this.buffer.used = 0;
    this.buffer.reserve(commandHeadWords);
    this.buffer.used = commandHeadWords;
    const { words } = this.buffer;
    words[commandWord.tickLow] = tick % 2 ** 32;
    words[commandWord.tickHigh] = Math.floor(tick / 2 ** 32);
    words[commandWord.timeLow] = timeMs % 2 ** 32;
    words[commandWord.timeHigh] = Math.floor(timeMs / 2 ** 32);
    words[commandWord.flags] = flags;
    this.#beginning = commandHeadWords;
  }

  /** Names a model that the tables do not. Comes before everything else. */
  model(index: number, name: Uint8Array): void {
    const nameWords = wordsOf(name.length);
    const at = this.#reserve(modelWords + nameWords);
    const { words, bytes } = this.buffer;
    words[at] = Op.model;
    words[at + 1] = index;
    words[at + 2] = name.length;
    words[at + modelWords + nameWords - 1] = 0;
    copyBytes(name, 0, bytes, (at + modelWords) * 4, name.length);
    this.#beginning = this.buffer.used;
  }

  end(): void {
    this.buffer.words[commandWord.size] = this.buffer.used;
  }

  create(
    agentNumber: number,
    module: number,
    declaration: number,
    origin: number,
    counter: number,
    nextTimer: number,
    nextChild: number,
    nextRequest: number,
    prng: Uint32Array,
  ): void {
    const at = this.#reserve(createWords);
    const { words } = this.buffer;
    words[at] = Op.create;
    words[at + 1] = agentNumber;
    words[at + 2] = module;
    words[at + 3] = declaration;
    words[at + 4] = origin;
    words[at + 5] = counter;
    words[at + 6] = nextTimer;
    words[at + 7] = nextChild;
    words[at + 8] = nextRequest;
    words.set(prng, at + 9);
  }

  /** Asks for an agent's state beside its memory. */
  save(agentNumber: number): void {
    const at = this.#reserve(saveWords);
    this.buffer.words[at] = Op.save;
    this.buffer.words[at + 1] = agentNumber;
  }

  /** Makes the executor collect its garbage. */
  collect(): void {
    const at = this.#reserve(collectWords);
    this.buffer.words[at] = Op.collect;
  }

  restore(agent: AgentKey, module: number, state: Uint32Array): void {
    const { number, declarationIndex, origin, counter } = agent;
    const at = this.#reserve(restoreWords + state.length);
    const { words } = this.buffer;
    words[at] = Op.restore;
    words[at + 1] = number;
    words[at + 2] = module;
    words[at + 3] = declarationIndex;
    words[at + 4] = origin;
    words[at + 5] = counter;
    words[at + 6] = 0;
    words[at + 7] = 0;
    words[at + 8] = 0;
    words[at + 9] = state.length;
    words.set(state, at + restoreWords);
  }

  drop(agentNumber: number): void {
    const at = this.#reserve(dropWords);
    this.buffer.words[at] = Op.drop;
    this.buffer.words[at + 1] = agentNumber;
  }

  /** Opens a turn; exactly `taskCount` calls of `task` follow. */
  turn(agentNumber: number, taskCount: number): void {
    const at = this.#reserve(turnWords);
    const { words } = this.buffer;
    words[at] = Op.turn;
    words[at + 1] = agentNumber;
    words[at + 2] = taskCount;
  }

  task(
    kind: number,
    senderOrigin: number,
    senderCounter: number,
    priority: number,
    detail: number,
    tag: number,
    topic: Uint8Array,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const topicWords = wordsOf(topic.length);
    const size = taskHeadWords + topicWords + wordsOf(length);
    const at = this.#reserve(size);
    const { words, bytes: target } = this.buffer;
    words[at] = size;
    words[at + 1] = kind;
    words[at + 2] = senderOrigin;
    words[at + 3] = senderCounter;
    words[at + 4] = priority;
    words[at + 5] = detail;
    words[at + 6] = tag;
    words[at + 7] = topic.length;
    words[at + 8] = length;
    const topicAt = (at + taskHeadWords) * 4;
    if (topic.length > 0) {
      words[at + taskHeadWords + topicWords - 1] = 0;
      copyBytes(topic, 0, target, topicAt, topic.length);
    }
    if (length > 0) {
      words[at + size - 1] = 0;
      copyBytes(bytes, offset, target, topicAt + topicWords * 4, length);
    }
  }

  #reserve(count: number): number {
    const at = this.buffer.reserve(count);
    this.buffer.used += count;
    return at;
  }
}
