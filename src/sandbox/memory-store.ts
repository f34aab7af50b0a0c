// The memories of all agents, made and owned by the orchestrator's side. Those given back whole are used again: a
// dropped one would stay alive until every isolate that saw it has collected.

import { assert, EngineError } from '../base/errors.ts';
import { collectGarbage } from './collect.ts';
import { fillMemory, type MemoryImage } from './memory-image.ts';

/** A memory that an agent needs. */
export interface MemorySpec {
  readonly agentNumber: number;
  readonly pagesMin: number;
  readonly pagesMax: number;
  /** What it holds; null: zeros. */
  readonly image: MemoryImage | null;
}

interface Held {
  readonly memory: WebAssembly.Memory;
  readonly executor: number;
  readonly pagesMax: number;
}

type CreateMemory = (agentNumber: number, pages: number, pagesMax: number) => WebAssembly.Memory;

const pageBytes = 65_536;
/** Memories that may be dropped and not collected yet before every thread is made to collect. */
const droppedMax = 1000;
/** Memories that wait to be used again, and pages of theirs together: what is beyond goes, the longest unasked first. */
const freeMax = 4096;
const freePagesMax = 16_384;

export class MemoryStore {
  readonly #create: CreateMemory;
  readonly #held: Map<number, Held> = new Map();
  /** Memories to use again, by executor, size and maximum; those last asked for or given stand last. */
  readonly #free: Map<string, WebAssembly.Memory[]> = new Map();
  #freeCount = 0;
  #freePages = 0;
  /** Memories that were dropped since all threads collected. */
  #droppedCount = 0;

  constructor(create: CreateMemory = createMemory) {
    this.#create = create;
  }

  /** Collects in this thread where many were dropped; answers whether the other threads should, too. */
  collect(): boolean {
    if (this.#droppedCount <= droppedMax) return false;
    this.#droppedCount = 0;
    collectGarbage();
    return true;
  }

  memoryOf(agentNumber: number): WebAssembly.Memory | undefined {
    return this.#held.get(agentNumber)?.memory;
  }

  /**
   * The memory of an agent, holding what the specification says and nothing else.
   * @throws EngineError `host-fault` where the host has none left
   */
  provide(executor: number, spec: MemorySpec): WebAssembly.Memory {
    const { agentNumber, pagesMax, image } = spec;
    const pages = image === null ? spec.pagesMin : image.byteLength / pageBytes;
    const used = this.#takeFree(keyOf(executor, pages, pagesMax), pages);
    const memory = used ?? this.#create(agentNumber, pages, pagesMax);
    fillMemory(memory, image, used === undefined);
    this.#held.set(agentNumber, { memory, executor, pagesMax });
    return memory;
  }

  /** The agent runs no more. `reuse`: its memory may serve another agent of the same executor. */
  release(agentNumber: number, reuse: boolean): void {
    const held = this.#held.get(agentNumber);
    if (held === undefined) return;
    this.#held.delete(agentNumber);
    if (!reuse) {
      this.#droppedCount++;
      return;
    }
    const pages = held.memory.buffer.byteLength / pageBytes;
    const key = keyOf(held.executor, pages, held.pagesMax);
    this.#touch(key).push(held.memory);
    this.#freeCount++;
    this.#freePages += pages;
    while (this.#freeCount > freeMax || this.#freePages > freePagesMax) this.#dropOldest();
  }

  #takeFree(key: string, pages: number): WebAssembly.Memory | undefined {
    if (!this.#free.has(key)) return undefined;
    const memory = this.#touch(key).pop();
    if (memory === undefined) return undefined;
    this.#freeCount--;
    this.#freePages -= pages;
    return memory;
  }

  /** The memories of a key, which are the last to be dropped from now on. */
  #touch(key: string): WebAssembly.Memory[] {
    const memories = this.#free.get(key) ?? [];
    this.#free.delete(key);
    this.#free.set(key, memories);
    return memories;
  }

  /** Agents grow and end in ever other sizes: memories that nobody asks for would only become more. */
  #dropOldest(): void {
    for (const [key, memories] of this.#free) {
      const memory = memories.pop();
      if (memories.length === 0) this.#free.delete(key);
      if (memory === undefined) continue;
      this.#freeCount--;
      this.#freePages -= memory.buffer.byteLength / pageBytes;
      this.#droppedCount++;
      return;
    }
  }

  /** A lost executor may go on writing for seconds: nothing that it could reach is used again. */
  forget(executor: number): void {
    for (const [agentNumber, held] of this.#held)
      if (held.executor === executor) this.#held.delete(agentNumber);
    for (const [key, memories] of [...this.#free]) {
      if (!key.startsWith(`${executor} `)) continue;
      this.#free.delete(key);
      this.#freeCount -= memories.length;
      for (const { buffer } of memories) this.#freePages -= buffer.byteLength / pageBytes;
    }
  }
}

function keyOf(executor: number, pages: number, pagesMax: number): string {
  return `${executor} ${pages} ${pagesMax}`;
}

function createMemory(agentNumber: number, initial: number, maximum: number): WebAssembly.Memory {
  assert(initial <= maximum, 'a memory begins within its maximum');
  try {
    return new WebAssembly.Memory({ initial, maximum, shared: true });
  } catch (error) {
    throw new EngineError(
      'host-fault',
      `Cannot give agent number ${agentNumber} a memory of ${initial} to ${maximum} pages: the host has none left`,
      { agentNumber, pagesMin: initial, pagesMax: maximum },
      error,
    );
  }
}
