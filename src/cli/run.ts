// `wasm-engine run`: from a system file, or from an interrupted run's record, to a finished record.

import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { EngineError } from '../base/errors.ts';
import {
  isRecordedRun,
  type LineSource,
  type LoadedSystem,
  loadSystem,
  Orchestrator,
  openInput,
  type RunSummary,
} from '../engine/index.ts';
import { makeRunDirectory, removeIfEmpty, systemName } from './default-run-directory.ts';
import { complain } from './failure.ts';
import { Interruption } from './interruption.ts';
import { OutputFile } from './output-file.ts';
import { outputLine } from './output-lines.ts';
import { ProgressLine } from './progress-line.ts';
import { progressText, summaryJson, summaryText } from './run-summary.ts';
import { flushLines, isReaderGone, writeLine } from './standard-output.ts';

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
}

/** Bad lines told one by one; the others are counted. */
const badLinesShownMax = 20;

/** A run that is ready to go. */
interface Prepared {
  readonly name: string;
  readonly orchestrator: Orchestrator;
  readonly runDirectory: string;
  readonly source: LineSource | undefined;
  /** The run whose inputs are taken. */
  readonly recorded?: string | undefined;
  readonly pace: 'free' | 'wall-clock';
}

export async function runCommand(systemFile: string | undefined, options: RunOptions): Promise<number> {
  checkUsage(systemFile, options);
  return runPrepared(options, (outputs, progress) =>
    systemFile === undefined
      ? goOn(options.runDir!, options, outputs, progress)
      : begin(systemFile, options, outputs),
  );
}

export interface ForkOptions extends RunOptions {
  readonly tick: number;
  /** `NAME=FILE`. */
  readonly module?: readonly (readonly [string, string])[];
}

/** `wasm-engine fork`: a new run that goes on from a tick of another one. */
export async function forkCommand(from: string, options: ForkOptions): Promise<number> {
  return runPrepared(options, (outputs) => fork(from, options, outputs));
}

async function runPrepared(
  options: RunOptions,
  prepare: (outputs: Outputs, progress: ProgressLine) => Promise<Prepared>,
): Promise<number> {
  const progress = new ProgressLine();
  const outputs = new Outputs(progress);
  const startedAtMs = performance.now();
  const prepared = await prepare(outputs, progress);
  const interruption = new Interruption();
  let summary: RunSummary;
  try {
    summary = await execute(prepared, options, { progress, interruption, startedAtMs });
  } catch (error) {
    progress.clear();
    complain('warning', `the run did not end well; its record so far is in ${prepared.runDirectory}`);
    throw error;
  } finally {
    progress.clear();
    interruption.release();
    outputs.close();
  }
  return conclude(prepared.name, summary, options, performance.now() - startedAtMs, interruption);
}

function checkUsage(systemFile: string | undefined, { runDir, seed }: RunOptions): void {
  if (systemFile !== undefined) return;
  if (runDir === undefined)
    throw new EngineError('usage', 'Wanted a system file, or --run-dir with a run to go on with');
  if (seed !== undefined)
    throw new EngineError('usage', 'Cannot change the seed of a run that goes on: leave out --seed');
}

async function begin(systemFile: string, options: RunOptions, outputs: Outputs): Promise<Prepared> {
  const { seed, workers, input } = options;
  const system = await loadSystem(systemFile, {
    ...(seed !== undefined && { seed }),
    ...(workers !== undefined && { workers }),
    withoutInput: input !== undefined,
  });
  const source = openSource(input ?? system.host.inputFile, options);
  try {
    // Not before the system is known to be right: an output file of an earlier run is overwritten.
    outputs.open(options.output, 'new');
    const { orchestrator, runDirectory } = await createIn(systemFile, system, options, outputs);
    const pace = options.pace ?? system.host.pace;
    return { name: systemName(systemFile), orchestrator, runDirectory, source, pace };
  } catch (error) {
    source?.close();
    throw error;
  }
}

async function createIn(
  systemFile: string,
  system: LoadedSystem,
  options: RunOptions,
  outputs: Outputs,
): Promise<{ orchestrator: Orchestrator; runDirectory: string }> {
  const runDirectory = options.runDir ?? makeRunDirectory(systemFile);
  try {
    const orchestrator = await Orchestrator.create({ system, runDirectory, outputs, blocking: true });
    return { orchestrator, runDirectory };
  } catch (error) {
    if (options.runDir === undefined) removeIfEmpty(runDirectory);
    throw error;
  }
}

async function goOn(
  runDirectory: string,
  options: RunOptions,
  outputs: Outputs,
  progress: ProgressLine,
): Promise<Prepared> {
  const { workers, input } = options;
  outputs.open(options.output, 'append');
  const orchestrator = await Orchestrator.resume({
    runDirectory,
    outputs,
    blocking: true,
    ...(workers !== undefined && { workers }),
    ...(options.models !== undefined && { modelsDirectory: options.models }),
    onReplayedTick: (tick) => progress.update(() => `going through the record: tick ${tick}`),
  });
  progress.clear();
  try {
    const recorded = input ?? recordedInput(orchestrator);
    // What a fork takes from the run that it comes from.
    const isRun = input === undefined && recorded !== undefined && isRecordedRun(recorded);
    const source = openSource(isRun ? undefined : recorded, options);
    const name = basename(resolve(runDirectory));
    const from = isRun ? recorded : undefined;
    return { name, orchestrator, runDirectory, source, recorded: from, pace: options.pace ?? 'free' };
  } catch (error) {
    await orchestrator.close();
    throw error;
  }
}

async function fork(from: string, options: ForkOptions, outputs: Outputs): Promise<Prepared> {
  const { tick, seed, workers, input, module = [] } = options;
  const modules = Object.fromEntries(module.map(([name, file]) => [name, readModule(name, file)]));
  const source = input === undefined ? undefined : openSource(input, options);
  const runDirectory = options.runDir ?? makeRunDirectory(`${basename(resolve(from))}-fork`);
  try {
    const orchestrator = await Orchestrator.fork({
      from: resolve(from),
      tick,
      runDirectory,
      outputs,
      blocking: true,
      modules,
      ...(seed !== undefined && { seed }),
      ...(workers !== undefined && { workers }),
      ...(options.models !== undefined && { modelsDirectory: options.models }),
      ...(input !== undefined && { otherInput: input === '-' ? 'standard input' : basename(input) }),
    });
    outputs.open(options.output, 'new');
    const name = basename(resolve(runDirectory));
    const recorded = input === undefined ? resolve(from) : undefined;
    return { name, orchestrator, runDirectory, source, recorded, pace: options.pace ?? 'free' };
  } catch (error) {
    source?.close();
    if (options.runDir === undefined) removeIfEmpty(runDirectory);
    throw error;
  }
}

function readModule(name: string, file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const text = `Cannot read the module ${JSON.stringify(file)} for ${JSON.stringify(name)}: ${why}`;
    throw new EngineError('module-missing', text, { agent: name, file });
  }
}

/** The input that an interrupted run was reading, if it had more to give. */
function recordedInput(orchestrator: Orchestrator): string | undefined {
  const recorded = orchestrator.recordedSource;
  if (recorded === undefined || recorded.ended) return undefined;
  if (recorded.name !== 'standard input') return recorded.name;
  throw new EngineError(
    'usage',
    'Cannot go on by itself: the run was reading standard input; give the rest with --input',
  );
}

function openSource(input: string | undefined, { live }: RunOptions): LineSource | undefined {
  if (input !== undefined) return openInput(input === '-' ? input : resolve(input));
  if (live === true)
    throw new EngineError('usage', 'Cannot run live: there is no input; give one with --input');
  return undefined;
}

interface Surroundings {
  readonly progress: ProgressLine;
  readonly interruption: Interruption;
  readonly startedAtMs: number;
}

function execute(prepared: Prepared, options: RunOptions, around: Surroundings): Promise<RunSummary> {
  const { orchestrator, source, recorded, pace } = prepared;
  const { progress, interruption, startedAtMs } = around;
  let badLines = 0;
  return orchestrator.run({
    ...(source !== undefined && { source }),
    ...(recorded !== undefined && { recorded }),
    ...(options.ticks !== undefined && { ticks: options.ticks }),
    live: options.live ?? false,
    strict: options.strict ?? false,
    pace,
    signal: interruption.signal,
    reportBadLine: (problem) => {
      progress.clear();
      if (++badLines <= badLinesShownMax) complain('warning', `bad line skipped: ${problem}`);
      if (badLines === badLinesShownMax) complain('warning', 'further bad lines are counted and not shown');
    },
    onTick: (totals) => progress.update(() => progressText(totals, performance.now() - startedAtMs)),
  });
}

function conclude(
  name: string,
  summary: RunSummary,
  options: RunOptions,
  elapsedMs: number,
  interruption: Interruption,
): number {
  if (isReaderGone()) return 0;
  flushLines();
  if (options.json !== true) process.stderr.write(summaryText(name, summary, elapsedMs));
  if (summary.reason === 'interrupted' && options.json !== true)
    process.stderr.write(`Go on with: wasm-engine run --run-dir ${asWord(summary.runDirectory)}\n`);
  if (summary.badLines > 0) {
    const many = summary.badLines === 1 ? 'one input line was' : `${summary.badLines} input lines were`;
    complain('error', `${many} refused`);
  }
  if (options.json === true) writeLine(summaryJson(summary, elapsedMs));
  if (summary.reason === 'interrupted') return interruption.exitCode;
  return summary.badLines > 0 ? 1 : 0;
}

/** A path as one word of a command line. */
function asWord(text: string): string {
  return /^[\w@%+=:,./\\-]+$/.test(text) ? text : JSON.stringify(text);
}

/** Where outputs go: a file, or standard output. */
class Outputs {
  readonly #progress: ProgressLine;
  #file: OutputFile | undefined;

  constructor(progress: ProgressLine) {
    this.#progress = progress;
  }

  open(path: string | undefined, how: 'new' | 'append'): void {
    if (path !== undefined) this.#file = new OutputFile(path, how === 'append');
  }

  write(output: Parameters<typeof outputLine>[0]): void {
    const line = outputLine(output);
    if (this.#file !== undefined) {
      this.#file.writeLine(line);
      return;
    }
    if (process.stdout.isTTY === true) this.#progress.clear();
    writeLine(line);
  }

  close(): void {
    this.#file?.close();
  }
}
