// `wasm-engine run` and `wasm-engine fork`: from a system file, or from a record, to a finished record.

import { EngineError } from '../base/errors.ts';
import type { ModelStatistics, RunSummary } from '../engine/index.ts';
import { complain } from './failure.ts';
import { Interruption } from './interruption.ts';
import { Outputs } from './outputs.ts';
import { beginRun, forkRun, goOn, type Preparation, type PreparedRun, recover } from './prepare-run.ts';
import { asWord } from './printable.ts';
import { ProgressLine } from './progress-line.ts';
import { progressText, summaryJson, summaryText } from './run-summary.ts';
import { flushLines, isReaderGone, writeLine } from './standard-output.ts';
import type { EngineLink } from './supervisor/engine-link.ts';

export interface RunOptions {
  readonly input?: string;
  readonly live?: boolean;
  readonly ticks?: number;
  readonly workers?: number;
  readonly seed?: number;
  readonly runDir?: string;
  readonly models?: string;
  readonly output?: string;
  readonly strict?: boolean;
  readonly pace?: 'free' | 'wall-clock';
  readonly json?: boolean;
  /** Seconds; 0: no watchdog. */
  readonly watchdog: number;
  /** Restarts without progress before the supervisor gives up. */
  readonly restarts: number;
}

/** Bad lines told one by one; the others are counted. */
const badLinesShownMax = 20;

export async function runCommand(
  systemFile: string | undefined,
  options: RunOptions,
  link?: EngineLink,
): Promise<number> {
  checkUsage(systemFile, options);
  return runPrepared(options, link, (preparation) =>
    systemFile === undefined ? goOn(options.runDir!, preparation) : beginRun(systemFile, preparation),
  );
}

export interface ForkOptions extends RunOptions {
  readonly tick: number;
  /** `NAME=FILE`. */
  readonly module?: readonly (readonly [string, string])[];
}

/** `wasm-engine fork`: a new run that goes on from a tick of another one. */
export async function forkCommand(from: string, options: ForkOptions, link?: EngineLink): Promise<number> {
  return runPrepared(options, link, (preparation) => forkRun(from, options, preparation));
}

async function runPrepared(
  options: RunOptions,
  link: EngineLink | undefined,
  prepare: (preparation: Preparation) => Promise<PreparedRun>,
): Promise<number> {
  link?.options(options.watchdog * 1000, options.restarts);
  const progress = new ProgressLine();
  const outputs = new Outputs(progress, link);
  const preparation: Preparation = { options, outputs, progress, link };
  const before = link?.before;
  const startedAtMs = performance.now() - (before?.elapsedMs ?? 0);
  const elapsedMs = (): number => performance.now() - startedAtMs;
  const opened = before?.opened;
  let prepared: PreparedRun;
  try {
    prepared = opened === undefined ? await prepare(preparation) : await recover(opened, preparation);
  } catch (error) {
    const summary = summaryOfEnded(error, opened !== undefined);
    if (summary !== undefined) noteEnded(summary, preparation);
    outputs.close();
    if (summary === undefined) throw error;
    return conclude(opened?.name ?? summary.runDirectory, summary, options, elapsedMs(), 0);
  }
  outputs.keepMark(prepared.runDirectory);
  const { orchestrator, source: _, ...run } = prepared;
  link?.opened(run, orchestrator.tick);
  const interruption = new Interruption(link);
  let summary: RunSummary;
  try {
    summary = await execute(prepared, preparation, interruption.signal, elapsedMs);
  } catch (error) {
    progress.clear();
    complain('warning', `the run did not end well; its record so far is in ${prepared.runDirectory}`);
    throw error;
  } finally {
    progress.clear();
    interruption.release();
    outputs.close();
  }
  const models = orchestrator.modelStatistics;
  return conclude(prepared.name, summary, options, elapsedMs(), interruption.exitCode, models);
}

/** A run that ended while its process died, or whose last outputs were still to be given, has ended well. */
function summaryOfEnded(error: unknown, died: boolean): RunSummary | undefined {
  if (!(error instanceof EngineError) || error.code !== 'run-directory-invalid') return undefined;
  const { summary, outputs } = error.details as { summary?: RunSummary; outputs?: number };
  return died || (outputs ?? 0) > 0 ? summary : undefined;
}

/** Its last outputs were given again: whoever keeps count of them does so for this run. */
function noteEnded({ runDirectory, ticks }: RunSummary, { outputs, link }: Preparation): void {
  outputs.keepMark(runDirectory);
  if (link?.before?.opened !== undefined) return;
  link?.opened({ runDirectory, name: runDirectory, pace: 'free', host: {} }, ticks);
}

function checkUsage(systemFile: string | undefined, { runDir, seed, models }: RunOptions): void {
  if (systemFile !== undefined) {
    if (models === undefined) return;
    const why = 'the system file says where they lie, and --models is for a run that goes on';
    throw new EngineError('usage', `Cannot begin a run with models of "${models}": ${why}`);
  }
  if (runDir === undefined)
    throw new EngineError('usage', 'Wanted a system file, or --run-dir with a run to go on with');
  if (seed !== undefined)
    throw new EngineError('usage', 'Cannot change the seed of a run that goes on: leave out --seed');
}

async function execute(
  prepared: PreparedRun,
  { options, progress, link }: Preparation,
  signal: AbortSignal,
  elapsedMs: () => number,
): Promise<RunSummary> {
  const { orchestrator, source, recorded, pace } = prepared;
  const before = link?.before;
  let badLines = before?.badLines ?? 0;
  return orchestrator.run({
    ...(source !== undefined && { source }),
    ...(recorded !== undefined && { recorded }),
    ...(options.ticks !== undefined && { ticks: options.ticks }),
    live: options.live ?? false,
    strict: options.strict ?? false,
    pace,
    signal,
    reportBadLine: (problem, line) => {
      // A process that died may have told it.
      if (line <= (before?.lastBadLine ?? 0)) return;
      progress.clear();
      if (++badLines <= badLinesShownMax) complain('warning', `bad line skipped: ${problem}`);
      if (badLines === badLinesShownMax) complain('warning', 'further bad lines are counted and not shown');
      link?.badLine(line);
    },
    onTick: (totals) => progress.update(() => progressText(totals, elapsedMs())),
  });
}

function conclude(
  name: string,
  summary: RunSummary,
  options: RunOptions,
  elapsedMs: number,
  interruptionCode: number,
  models: readonly ModelStatistics[] = [],
): number {
  if (isReaderGone()) return 0;
  flushLines();
  if (options.json !== true) process.stderr.write(summaryText(name, summary, elapsedMs, models));
  if (summary.reason === 'interrupted' && options.json !== true)
    process.stderr.write(`Go on with: wasm-engine run --run-dir ${asWord(summary.runDirectory)}\n`);
  if (summary.badLines > 0) {
    const many = summary.badLines === 1 ? 'one input line was' : `${summary.badLines} input lines were`;
    complain('error', `${many} refused`);
  }
  if (options.json === true) writeLine(summaryJson(summary, elapsedMs, models));
  if (summary.reason === 'interrupted') return interruptionCode;
  return summary.badLines > 0 ? 1 : 0;
}
