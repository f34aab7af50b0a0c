// From the words of `run` and `fork` to a run that is ready to go: a new one, one that goes on, or one whose engine
// process died.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';
import {
  isRecordedRun,
  isStreamInput,
  type LineSource,
  type LoadedSystem,
  loadSystem,
  Orchestrator,
  openInput,
  type ResumeOptions,
  type RunOrigin,
  recordedRunId,
} from '../engine/index.ts';
import { makeRunDirectory, removeIfEmpty, systemName } from './default-run-directory.ts';
import { complain } from './failure.ts';
import type { Outputs } from './outputs.ts';
import { asWord, grouped } from './printable.ts';
import type { ProgressLine } from './progress-line.ts';
import { refuseOutput } from './refuse-output.ts';
import type { ForkOptions, RunOptions } from './run.ts';
import type { EngineLink } from './supervisor/engine-link.ts';
import type { OpenedRun } from './supervisor/messages.ts';

/** A run that is ready to go. */
export interface PreparedRun extends OpenedRun {
  readonly orchestrator: Orchestrator;
  readonly source: LineSource | undefined;
}

/** What preparing a run needs beside its options. */
export interface Preparation {
  readonly options: RunOptions;
  readonly outputs: Outputs;
  readonly progress: ProgressLine;
  readonly link: EngineLink | undefined;
}

export async function beginRun(systemFile: string, preparation: Preparation): Promise<PreparedRun> {
  const { options, outputs } = preparation;
  const { seed, workers } = options;
  refuseRunDirectory(systemFile);
  const system = await loadSystem(systemFile, {
    ...(seed !== undefined && { seed }),
    ...(workers !== undefined && { workers }),
    withoutInput: options.input !== undefined,
  });
  const { inputFile, durability: _, modelFolders: __, ...host } = system.host;
  const input = options.input ?? inputFile;
  const modules = [...system.modules.values()].flatMap(({ files }) => files);
  refuseOutput(options.output, [systemFile, input, ...modules.map((file) => join(system.directory, file))]);
  const source = openSource(input, preparation);
  try {
    // Not before the system is known to be right: an output file of an earlier run is overwritten.
    outputs.open(options.output, 'new');
    const { orchestrator, runDirectory } = await createIn(systemFile, system, preparation);
    const pace = options.pace ?? host.pace;
    const name = systemName(systemFile);
    return { name, orchestrator, runDirectory, source, pace, host, ...inputOf(input) };
  } catch (error) {
    source?.close();
    throw error;
  }
}

/** Whoever means to go on with a run, and forgets the option, is told how. */
function refuseRunDirectory(path: string): void {
  if (!isRecordedRun(path)) return;
  const remedy = `to go on with it: wasm-engine run --run-dir ${asWord(path)}`;
  throw new EngineError('usage', `Cannot begin a run with "${path}": it is the record of one; ${remedy}`, {
    path,
  });
}

async function createIn(
  systemFile: string,
  system: LoadedSystem,
  { options, outputs, link }: Preparation,
): Promise<{ orchestrator: Orchestrator; runDirectory: string }> {
  const runDirectory = chooseDirectory(options.runDir ?? (() => makeRunDirectory(systemFile)), link);
  try {
    const orchestrator = await Orchestrator.create({ system, runDirectory, outputs, blocking: true });
    return { orchestrator, runDirectory };
  } catch (error) {
    if (options.runDir === undefined) removeIfEmpty(runDirectory);
    throw error;
  }
}

/** A folder for a new record. One in which a process of this command died before the record began is emptied. */
function chooseDirectory(choice: string | (() => string), link: EngineLink | undefined): string {
  const begun = link?.before?.directory;
  if (begun !== undefined) {
    const names = existsSync(begun) ? readdirSync(begun) : [];
    // First what makes the folder a run directory: a process may die here, too.
    names.sort((a, b) => Number(b === 'run.json') - Number(a === 'run.json'));
    for (const name of names) rmSync(join(begun, name), { recursive: true });
    return begun;
  }
  const directory = typeof choice === 'string' ? choice : choice();
  if (isVacant(directory)) link?.directory(directory);
  return directory;
}

function isVacant(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** A run that was interrupted. */
export async function goOn(runDirectory: string, preparation: Preparation): Promise<PreparedRun> {
  const { options } = preparation;
  const orchestrator = await resume(runDirectory, preparation, {});
  try {
    const input = options.input ?? recordedInput(orchestrator, runDirectory);
    refuseOutput(options.output, [input]);
    // What a fork takes from the run that it comes from.
    const isRun = options.input === undefined && input !== undefined && isRecordedRun(input);
    if (isRun) checkParent(orchestrator.origin, runDirectory, input);
    const source = openSource(isRun ? undefined : input, preparation);
    const name = basename(resolve(runDirectory));
    const pace = options.pace ?? orchestrator.host.pace;
    const from = input === undefined ? {} : isRun ? { recorded: input } : { input };
    return { name, orchestrator, runDirectory, source, pace, host: {}, ...from };
  } catch (error) {
    await orchestrator.close();
    throw error;
  }
}

/** Another run may lie by now where that lay which the fork comes from. */
function checkParent(origin: RunOrigin | undefined, runDirectory: string, from: string): void {
  const found = recordedRunId(from);
  if (origin === undefined || origin.runId === found) return;
  const why = `its inputs come from run ${origin.runId}, and in "${from}" is run ${found}; --input gives others`;
  throw new EngineError('input-invalid', `Cannot go on with the fork in "${runDirectory}": ${why}`, {
    path: from,
    found,
    wanted: origin.runId,
  });
}

/** A run whose engine process died: everything is as that one had it. */
export async function recover(opened: OpenedRun, preparation: Preparation): Promise<PreparedRun> {
  const { careful } = preparation.link ?? {};
  const more = { host: opened.host, ...(careful !== undefined && { careful }) };
  const orchestrator = await resume(opened.runDirectory, preparation, more);
  try {
    return { ...opened, orchestrator, source: openSource(opened.input, preparation) };
  } catch (error) {
    await orchestrator.close();
    throw error;
  }
}

async function resume(
  runDirectory: string,
  { options, outputs, progress }: Preparation,
  more: Pick<ResumeOptions, 'host' | 'careful'>,
): Promise<Orchestrator> {
  const { workers } = options;
  refuseOutput(options.output, [options.input]);
  outputs.open(options.output, 'append');
  const outputsAfter = outputs.deliveredOf(runDirectory);
  const orchestrator = await Orchestrator.resume({
    runDirectory,
    outputs,
    blocking: true,
    ...(workers !== undefined && { workers }),
    ...(options.models !== undefined && { modelsDirectory: options.models }),
    ...(outputsAfter !== undefined && { outputsAfter }),
    ...more,
    onTailCut: ({ bytes, file }) => {
      progress.clear();
      const text = `the log did not end whole: ${grouped(bytes)} bytes behind what was durable are cut off`;
      complain('warning', `${text}; a copy is in ${join(runDirectory, file)}`);
    },
    onBeginningLost: ({ message }) => {
      progress.clear();
      complain('warning', message);
    },
    onReplayedTick: (tick) => progress.update(() => `going through the record: tick ${tick}`),
  });
  progress.clear();
  return orchestrator;
}

export async function forkRun(
  from: string,
  options: ForkOptions,
  preparation: Preparation,
): Promise<PreparedRun> {
  const { tick, seed, workers, input, ticks, module = [] } = options;
  if (ticks !== undefined && ticks <= tick) {
    const text = `Cannot run to tick ${ticks} from a fork at tick ${tick}: --ticks needs a number above that of --tick`;
    throw new EngineError('usage', text, { tick, ticks });
  }
  refuseOutput(options.output, [from, input, ...module.map(([, file]) => file)]);
  const { outputs, link } = preparation;
  const modules = Object.fromEntries(module.map(([name, file]) => [name, readModule(name, file)]));
  const source = input === undefined ? undefined : openSource(input, preparation);
  const free = (): string => makeRunDirectory(`${basename(resolve(from))}-fork`);
  const runDirectory = chooseDirectory(options.runDir ?? free, link);
  try {
    const orchestrator = await Orchestrator.fork({
      from: resolve(from),
      tick,
      runDirectory,
      outputs,
      blocking: true,
      modules,
      moduleFiles: Object.fromEntries(module),
      ...(seed !== undefined && { seed }),
      ...(ticks !== undefined && { ticks }),
      ...(workers !== undefined && { workers }),
      ...(options.models !== undefined && { modelsDirectory: options.models }),
      ...(input !== undefined && { otherInput: input === '-' ? 'standard input' : basename(input) }),
    });
    outputs.open(options.output, 'new');
    const name = basename(resolve(runDirectory));
    const pace = options.pace ?? orchestrator.host.pace;
    const taken = input === undefined ? { recorded: resolve(from) } : { input };
    return { name, orchestrator, runDirectory, source, pace, host: {}, ...taken };
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
    const text = `Cannot read the module ${JSON.stringify(file)} for ${JSON.stringify(name)}: ${failureText(error)}`;
    throw new EngineError('module-missing', text, { agent: name, file });
  }
}

function inputOf(input: string | undefined): { readonly input?: string } {
  return input === undefined ? {} : { input };
}

/** The input that an interrupted run was reading, if it had more to give. */
function recordedInput(orchestrator: Orchestrator, runDirectory: string): string | undefined {
  const recorded = orchestrator.recordedSource;
  if (recorded === undefined && orchestrator.tick === (orchestrator.origin?.tick ?? 0)) {
    // It may have been about to read something: going on without that would end it.
    const text = `Cannot go on with the run in "${runDirectory}": nothing of it is recorded yet; begin it again`;
    throw new EngineError('run-directory-invalid', text, { path: runDirectory });
  }
  if (recorded === undefined || recorded.ended) return undefined;
  const { name } = recorded;
  if (name !== 'standard input' && !isStreamInput(name)) return name;
  throw new EngineError(
    'usage',
    `Cannot go on by itself: the run was reading ${name}; give the rest with --input`,
  );
}

/** Of this process; that of a process under a supervisor is another. */
const standardInputs = ['-', '/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'];

function openSource(input: string | undefined, { options, link }: Preparation): LineSource | undefined {
  if (input !== undefined) {
    const path = standardInputs.includes(input) ? '-' : resolve(input);
    // What cannot be read again is the supervisor's: another process goes on with it where this one dies.
    if (link !== undefined && path === '-') return link.openInput();
    if (link !== undefined && isStreamInput(path)) return link.openInput(path);
    return openInput(path);
  }
  if (options.live === true)
    throw new EngineError('usage', 'Cannot run live: there is no input; give one with --input');
  return undefined;
}
