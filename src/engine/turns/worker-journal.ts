// What an executor has been told since its last checkpoint: enough to put another one in its place that holds the same
// agents. Bounded: a long journal is replaced by a checkpoint.

import { type MemorySpec, WordBuffer } from '../../sandbox/index.ts';
import type { Agent } from '../../scheduler/index.ts';

/** An agent as it was at the checkpoint. */
export interface SavedAgent {
  readonly agent: Agent;
  readonly memory: MemorySpec;
  readonly state: Uint32Array;
}

export interface JournalEntry {
  /** Memories handed over ahead of the stream. */
  readonly memories: readonly MemorySpec[];
  readonly stream: WordBuffer;
}

const bytesMax = 64 * 2 ** 20;
/** Streams that a journal holds at most. */
export const journalEntriesDefault = 20_000;

export class WorkerJournal {
  /** Agents at the checkpoint; what was before it is forgotten. */
  base: readonly SavedAgent[] = [];
  entries: JournalEntry[] = [];
  #memories: MemorySpec[] = [];
  #bytes = 0;
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  /** Whether a checkpoint is due. */
  get isLong(): boolean {
    return this.#bytes > bytesMax || this.entries.length > this.#entriesMax;
  }

  addMemory(spec: MemorySpec): void {
    this.#memories.push(spec);
  }

  /** Before the stream is run. The words are copied. */
  addStream(stream: WordBuffer): void {
    const copy = WordBuffer.copyOf(stream);
    this.entries.push({ memories: this.#memories, stream: copy });
    this.#memories = [];
    this.#bytes += copy.bytes.length;
  }

  checkpoint(agents: readonly SavedAgent[]): void {
    this.base = agents;
    this.entries = [];
    this.#bytes = 0;
  }
}
