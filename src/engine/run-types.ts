// What a run is asked for and what it answers.

import type { EngineError } from '../base/errors.ts';
import type { JsonValue } from './config/json-value.ts';
import type { HostConfig, Pace, System } from './config/system-config.ts';
import type { LineSource } from './input/index.ts';
import type { OutputPlace } from './output-place.ts';
import type { OutputSink } from './record/durable-log.ts';
import type { CarefulOptions } from './turns/careful-mode.ts';

export interface OrchestratorOptions {
  /** A checked system, from `loadSystem` or `createSystem`. */
  readonly system: System;
  /** A new or empty folder for the record. */
  readonly runDirectory: string;
  /** Worker threads; 0: turns run in the caller's thread. By default what the system says, else 0. */
  readonly workers?: number;
  /** Where outputs go, each once its tick is durable. */
  readonly outputs?: OutputSink;
  /** Whether the caller's thread may sleep while workers run; only for programs that own their process. */
  readonly blocking?: boolean;
}

export interface ResumeOptions extends Omit<OrchestratorOptions, 'system'> {
  /** A folder that holds the folder NAME of each model; by default they are looked for where the run had them. */
  readonly modelsDirectory?: string;
  /** Progress while the record is executed again. */
  readonly onReplayedTick?: (tick: number) => void;
  /** Told where a crash left bytes behind what was durable: they were cut off, and copied to a file of the directory. */
  readonly onTailCut?: (cut: { readonly bytes: number; readonly file: string }) => void;
  /**
   * Told where the snapshot is lost that the record begins from: the run goes on from a later one, and what lies before
   * that can no longer be executed again.
   */
  readonly onBeginningLost?: (damage: EngineError) => void;
  /** Settings in place of those that the record has; durability stays as it was. */
  readonly host?: KeptHost;
  /** The last output that has reached whoever reads them: those behind it are given again, out of the record. */
  readonly outputsAfter?: OutputPlace;
  /** Where the process before this one died of itself: turns run one at a time, noted in the run directory. */
  readonly careful?: CarefulOptions;
}

/** Settings of the host that another process may take over. */
export type KeptHost = Partial<Omit<HostConfig, 'durability' | 'inputFile' | 'modelFolders'>>;

/** A run that goes on from a tick of another one. */
export interface ForkOptions extends Omit<OrchestratorOptions, 'system'> {
  /** The run directory of the other run; it is only read. */
  readonly from: string;
  /** The last tick that both have in common. */
  readonly tick: number;
  /** As in `ResumeOptions`. */
  readonly modelsDirectory?: string;
  /** Another seed: from the tick on, every agent draws from a new stream. */
  readonly seed?: number;
  /**
   * Other modules, as original bytes by the names of declarations. Their agents begin anew with what waits for them;
   * what they held is lost.
   */
  readonly modules?: Readonly<Record<string, Uint8Array>>;
  /** Where those bytes are from, by the same names, for messages: a module that is refused is called so. */
  readonly moduleFiles?: Readonly<Record<string, string>>;
  /** The last logical tick that `run` will be given, where that is known: one that cannot be reached is refused at once. */
  readonly ticks?: number;
  /** What takes the place of the other run's inputs, in words: kept with the origin of the fork. */
  readonly otherInput?: string;
}

export interface RunOptions {
  /**
   * The run directory of another run whose inputs are taken, each in its tick, as far as its record goes: for a fork,
   * the run that it comes from. Before those of `source`.
   */
  readonly recorded?: string;
  /** Lines to take inputs from, beside those of the library's calls. */
  readonly source?: LineSource;
  /** Lines enter when they arrive, where otherwise each tick waits for its lines. */
  readonly live?: boolean;
  /** The last logical tick: the run stops there, and no earlier for an end that `recorded` tells. */
  readonly ticks?: number;
  /** A bad line fails the run; otherwise it is skipped and reported. */
  readonly strict?: boolean;
  /** `wall-clock`: a tick begins no sooner than its logical time after the start. Changes no digest. */
  readonly pace?: Pace;
  /** Told of each bad line. */
  readonly reportBadLine?: (problem: string, line: number) => void;
  /** Progress, after each tick; where it gives a promise, the next tick waits for it. */
  readonly onTick?: (progress: RunProgress) => unknown;
  /** Ends the run between two ticks, so that it can go on later. */
  readonly signal?: AbortSignal;
}

/** Totals of a run so far. */
export interface RunProgress {
  /** The last logical tick. */
  readonly ticks: number;
  /** Ticks that were executed: the clock jumps over those in which nothing happens. */
  readonly executed: number;
  /** Agents ever created. */
  readonly agents: number;
  /** Messages delivered to mailboxes. */
  readonly messages: number;
  readonly tasks: number;
  readonly fuel: number;
  readonly faults: number;
  /** Messages that reached nobody. */
  readonly dropped: number;
  readonly outputs: number;
  readonly badLines: number;
}

/** Why a run ends for good: its inputs ended and nothing was left to do, or it reached its last tick. */
export type StopReason = 'quiescence' | 'ticks';

/** `quiescence` and `ticks` end a run for good; one that was interrupted can go on. */
export type EndReason = StopReason | 'interrupted';

export interface RunSummary extends RunProgress {
  readonly reason: EndReason;
  /** Lower-case hexadecimal digest of the last tick. */
  readonly digest: string;
  readonly runDirectory: string;
}

/** A payload: any JSON value, which becomes canonical JSON (RFC 8785), or bytes, which pass untouched. */
export type PayloadValue = JsonValue | Uint8Array;

export interface Message {
  readonly payload: PayloadValue;
  /** -2^31 to 2^31 - 1, 0 by default; counts under the policy `priority` and within a mailbox. */
  readonly priority?: number;
}

export interface TaskSpec extends Message {
  /** The caller's name for the task; kept in the record. */
  readonly taskId?: string;
}

export interface AgentSpec {
  /** A declaration of the system, `[agents.NAME]`. */
  readonly agent: string;
  /** In place of the declaration's `config`. */
  readonly payload?: PayloadValue;
}
