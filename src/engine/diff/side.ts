// One of two runs that are executed again side by side, with what its agents called and where they trapped.

import { bytesEqual } from '../../base/encoding.ts';
import { EngineError } from '../../base/errors.ts';
import type { Input } from '../../log/index.ts';
import type { CallWatch } from '../../sandbox/index.ts';
import { explainTrap, moduleNames } from '../../wasm/index.ts';
import { callersText } from '../fault-place.ts';
import type { PreparedModule } from '../modules/module-cache.ts';
import type { LoadedRun } from '../record/load-run.ts';
import { type RecordedTick, recordedTicks } from '../replay/recorded-ticks.ts';
import { type Rewound, rewind } from '../replay/rewind.ts';
import type { Machine } from '../turns/machine.ts';
import { readTranscript, type TranscriptContent } from './transcript-reader.ts';

/** What one task did, as V8 knows it: the places of its effects and of its trap. */
interface WatchedTask {
  readonly effects: Error[];
  trap: unknown;
}

/** Keeps the places of one tick; an error writes its stack only when it is asked for. */
class Watcher implements CallWatch {
  readonly tasks: Map<number, WatchedTask[]> = new Map();

  task(agentNumber: number): void {
    const list = this.tasks.get(agentNumber) ?? [];
    list.push({ effects: [], trap: undefined });
    this.tasks.set(agentNumber, list);
  }

  effect(agentNumber: number, index: number, place: Error): void {
    this.tasks.get(agentNumber)!.at(-1)!.effects[index] = place;
  }

  trap(agentNumber: number, error: unknown): void {
    this.tasks.get(agentNumber)!.at(-1)!.trap = error;
  }
}

export class Side {
  readonly #run: LoadedRun;
  readonly #rewound: Rewound;
  readonly #watcher: Watcher;
  readonly #ticks: Iterator<RecordedTick>;
  #next: RecordedTick | undefined;

  private constructor(run: LoadedRun, rewound: Rewound, watcher: Watcher, tick: number) {
    this.#run = run;
    this.#rewound = rewound;
    this.#watcher = watcher;
    this.#ticks = recordedTicks(run.directory, tick);
    this.#advance();
  }

  /** A run that stands behind a tick that its record has. */
  static async open(run: LoadedRun, tick: number): Promise<Side> {
    const watcher = new Watcher();
    const rewound = await rewind(run, tick, { watch: watcher });
    return new Side(run, rewound, watcher, tick);
  }

  get machine(): Machine {
    return this.#rewound.machine;
  }

  get seed(): number {
    return this.#run.config.run.seed;
  }

  /** The tick that the record has next; undefined where it has ended. */
  get nextTick(): number | undefined {
    return this.#next?.tick;
  }

  /** Executes the next tick; answers what happened in it. */
  async step(): Promise<{ readonly inputs: readonly Input[]; readonly content: TranscriptContent }> {
    const { tick, inputs, digest } = this.#next!;
    this.#watcher.tasks.clear();
    const executed = await this.machine.step(tick, inputs);
    if (!bytesEqual(executed.digest, digest!)) {
      const { path } = this.#run.directory;
      const text = `Cannot compare "${path}": its tick ${tick} does not give the digest that it recorded; replay it`;
      throw new EngineError('replay-diverged', text, { tick, path });
    }
    this.#advance();
    return { inputs, content: readTranscript(executed.committed.transcript) };
  }

  /** What was sealed and not executed differs in nothing that happened. */
  #advance(): void {
    const { done, value } = this.#ticks.next();
    this.#next = done === true || value.digest === undefined ? undefined : value;
  }

  moduleOf(agentNumber: number): PreparedModule {
    const { modules, machine } = this.#rewound;
    const { declarationIndex } = machine.state.agents[agentNumber]!;
    return modules.list[modules.indexOfDeclaration[declarationIndex]!]!;
  }

  /** The author's bytes. */
  moduleBytes(agentNumber: number): Uint8Array {
    return this.#run.modules.get(this.moduleOf(agentNumber).hash)!.bytes;
  }

  /** Which function asked for an effect of the last tick; undefined where no call did. */
  effectPlace(agentNumber: number, task: number, effect: number): string | undefined {
    return this.#place(agentNumber, this.#watcher.tasks.get(agentNumber)?.[task]?.effects[effect]);
  }

  /** Which function a task of the last tick trapped in; undefined where it did not. */
  trapPlace(agentNumber: number, task: number): string | undefined {
    return this.#place(agentNumber, this.#watcher.tasks.get(agentNumber)?.[task]?.trap);
  }

  close(): Promise<void> {
    return this.#rewound.close();
  }

  #place(agentNumber: number, error: unknown): string | undefined {
    if (!(error instanceof Error)) return undefined;
    const bytes = this.moduleBytes(agentNumber);
    const { offsets } = this.moduleOf(agentNumber);
    const frames = explainTrap({ bytes, offsets }, error.stack ?? '');
    const [innermost] = frames;
    if (innermost === undefined) return undefined;
    return `${callersText(frames, moduleNames(bytes).functions)} at byte ${innermost.offset}`;
  }
}
