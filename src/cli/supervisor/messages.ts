// What the supervisor and the engine process say to each other. Each side owns its process and believes the other's
// word.

import type { CarefulOptions, KeptHost, OutputPlace } from '../../engine/index.ts';

/** A run whose record has begun: what the next process needs to go on with it as if it were this one. */
export interface OpenedRun {
  readonly runDirectory: string;
  /** For the summary. */
  readonly name: string;
  /** A path, or `-`; undefined where the run has no lines. */
  readonly input?: string;
  /** The run whose inputs are taken. */
  readonly recorded?: string;
  readonly pace: 'free' | 'wall-clock';
  readonly host: KeptHost;
}

/** What is left of the processes before. */
export interface Before {
  /** The folder that was chosen for the record, empty at that time; the record in it may not have begun. */
  readonly directory?: string;
  readonly opened?: OpenedRun;
  /** A process of this supervisor has taken lines from the input that it keeps: the record says how far. */
  readonly inputTaken: boolean;
  readonly outputsAfter?: OutputPlace;
  readonly careful?: CarefulOptions;
  /** Bad lines told so far, and the number of the last one. */
  readonly badLines: number;
  readonly lastBadLine: number;
  readonly elapsedMs: number;
}

export type ToEngine =
  | { readonly type: 'start'; readonly terminal: boolean; readonly before?: Before }
  /** Stop between two ticks; said again, it means nothing more. */
  | { readonly type: 'stop'; readonly signal: StopSignal }
  /** Nobody reads the outputs any more. */
  | { readonly type: 'reader-gone' }
  | { readonly type: 'input-failed'; readonly why: string };

export type ToSupervisor =
  | { readonly type: 'options'; readonly watchdogMs: number; readonly restartsMax: number }
  | { readonly type: 'directory'; readonly directory: string }
  /** `tick`: how far the record goes. */
  | { readonly type: 'opened'; readonly run: OpenedRun; readonly tick: number }
  /** The input is wanted from this byte on: standard input, or the pipe or device of this path. */
  | { readonly type: 'input'; readonly from: number; readonly path?: string }
  /** The record holds the input up to this byte. */
  | { readonly type: 'acknowledged'; readonly byte: number }
  | { readonly type: 'bad-line'; readonly line: number }
  | { readonly type: 'alive' };

/** Signals that ask for a stop, with the exit code that shells give them. */
export const stopSignals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
export type StopSignal = keyof typeof stopSignals;

export const watchdogSecondsDefault = 300;
export const restartsMaxDefault = 5;
