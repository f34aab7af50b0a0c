// Instrumented and compiled modules of this process, so that a run, its replay and its fork make them once. Never
// trusts a hash alone, and keeps nothing on disk: whoever could write there could run code that nothing meters.

import { bytesEqual } from '../../base/encoding.ts';
import type { InstrumentedModule } from '../../wasm/index.ts';

/** A module that is ready to be instantiated, here and in every worker: V8 shares what it has compiled of it. */
export interface PreparedModule extends Omit<InstrumentedModule, 'bytes'> {
  /** SHA-256 of the original bytes. */
  readonly hash: string;
  readonly compiled: WebAssembly.Module;
}

interface Entry {
  /** The original. */
  readonly bytes: Uint8Array;
  readonly prepared: Promise<PreparedModule>;
}

export class ModuleCache {
  readonly #bytesMax: number;
  /** By hash, the least recently used first. */
  readonly #entries: Map<string, Entry> = new Map();
  #bytes = 0;

  /** `bytesMax`: of originals; what is kept of them takes several times as much. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** What `prepare` makes of these bytes, or made of them before. What it throws is thrown, and not kept. */
  get(hash: string, bytes: Uint8Array, prepare: () => Promise<PreparedModule>): Promise<PreparedModule> {
    const known = this.#entries.get(hash);
    if (known !== undefined && bytesEqual(known.bytes, bytes)) {
      this.#entries.delete(hash);
      this.#entries.set(hash, known);
      return known.prepared;
    }
    this.#drop(hash);
    // A copy: the caller may change his own.
    const entry = { bytes: bytes.slice(), prepared: prepare() };
    this.#entries.set(hash, entry);
    this.#bytes += bytes.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#drop(oldest);
    }
    entry.prepared.catch(() => {
      if (this.#entries.get(hash) === entry) this.#drop(hash);
    });
    return entry.prepared;
  }

  #drop(hash: string): void {
    const entry = this.#entries.get(hash);
    if (entry === undefined) return;
    this.#entries.delete(hash);
    this.#bytes -= entry.bytes.length;
  }
}
