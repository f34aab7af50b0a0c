// The command line: commands, their options, their help. Only parsing: commands are loaded when they run.

import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { EngineError } from '../base/errors.ts';
import { addSupervision, another, byteRange, moduleChoice, path, wholeNumber } from './command-options.ts';
import type { CompactCommandOptions } from './compact.ts';
import type { ExportCommandOptions } from './export.ts';
import type { InspectOptions } from './inspect.ts';
import type { InstrumentCommandOptions } from './instrument.ts';
import type { RepairOptions } from './repair.ts';
import type { ReplayOptions } from './replay.ts';
import type { ForkOptions, RunOptions } from './run.ts';
import type { EngineLink } from './supervisor/engine-link.ts';

/** Runs a command line and answers the exit code. */
export async function runProgram(words: readonly string[], link?: EngineLink): Promise<number> {
  let exitCode = 0;
  const done = (code: number): void => {
    exitCode = code;
  };
  const program = createProgram(done, link);
  if (words.length === 0) {
    process.stderr.write(program.helpInformation());
    return 2;
  }
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new EngineError('usage', usageMessage(error), {});
  }
}

function usageMessage(error: CommanderError): string {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text} (see "wasm-engine --help")`;
}

const exitCodes = `
Exit codes:
  0 done   1 refused input or failed run   2 usage   3 divergence   4 damaged record
  70 a bug or a fault of the host   130, 143 interrupted: the run can go on`;

function createProgram(done: (exitCode: number) => void, link: EngineLink | undefined): Command {
  const program = new Command('wasm-engine')
    .description('Runs systems of WebAssembly agents so that every run can be replayed, digest for digest.')
    .version(packageVersion(), '-V, --version')
    .helpCommand(false)
    .addHelpText('after', exitCodes);
  addRun(program, done, link);
  addReplay(program, done);
  addDiff(program, done);
  addFork(program, done, link);
  addInspect(program, done);
  addRepair(program, done);
  addExport(program, done);
  addCompact(program, done);
  addInstrument(program, done);
  for (const command of [program, ...program.commands]) {
    // Errors are reported in one place and one form.
    command.exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} });
    command.helpOption('-h, --help', 'show this help').showSuggestionAfterError(true);
  }
  return program;
}

function addRun(program: Command, done: (exitCode: number) => void, link: EngineLink | undefined): void {
  const command = program
    .command('run')
    .summary('run a system, or go on with an interrupted run')
    .description('Runs a system and leaves a run directory that "replay" reproduces exactly.')
    .argument('[system]', 'system file (TOML); left out to go on with the run in --run-dir', path)
    .option(
      '-i, --input <file>',
      'JSON Lines in place of the input that the system names; - for standard input',
      path,
    )
    .option('--live', 'take lines when they arrive; otherwise each tick waits for its lines')
    .option('--ticks <n>', 'the last logical tick', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('-w, --workers <n>', 'worker threads; 0 runs everything in one thread', wholeNumber(0, 64))
    .option('--seed <n>', 'seed in place of the one in the system', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('-d, --run-dir <dir>', 'new folder for the record (default: runs/<system>-<n>)', path)
    .option(
      '--models <dir>',
      'where models lie, for a run that goes on: <dir>/<model>/<version>/model.onnx',
      path,
    )
    .option('-o, --output <file>', 'write outputs there; otherwise to standard output', path)
    .option('--strict', 'fail at the first bad line; otherwise bad lines are skipped and reported')
    .addOption(
      new Option('--pace <pace>', 'ticks at once, or each at its logical time').choices([
        'free',
        'wall-clock',
      ]),
    )
    .option('--json', 'end standard output with one object about the run');
  addSupervision(command)
    .addHelpText(
      'after',
      `
Inputs are JSON Lines: {"topic" or "agent","payload","priority","tick"}; of models {"useModel","version","tick"} and
{"declareModel","description","tick"}. Priority and tick may be left out.
Outputs are JSON Lines: {"epoch","tick","index","agent","payload"}. Ctrl-C leaves a run that can go on.
The engine runs in a process of its own, which is started again where it dies, and goes on from its record.

Examples:
  wasm-engine run system.toml
  wasm-engine run system.toml --seed 7 --workers 4 --output out.jsonl
  tail -f log.jsonl | wasm-engine run system.toml --input - --live --pace wall-clock
  wasm-engine run --run-dir runs/system-1`,
    )
    .action(async (system: string | undefined, options: RunOptions) => {
      const { runCommand } = await import('./run.ts');
      done(await runCommand(system, options, link));
    });
}

function addReplay(program: Command, done: (exitCode: number) => void): void {
  program
    .command('replay')
    .summary('execute a recorded run again and compare every digest')
    .description('Executes a recorded run again and compares the digest of every tick.')
    .argument('<run-dir>', 'run directory', path)
    .option(
      '-w, --workers <n>',
      'worker threads; 0 (the default) runs everything in one thread',
      wholeNumber(0, 64),
    )
    .option(
      '--from <tick>',
      'begin at the newest snapshot before this tick; at the start where there is none',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--recompute', 'run the models again, too, and compare their answers with the record')
    .option('--models <dir>', 'where they lie: <dir>/<model>/<version>/model.onnx', path)
    .option('--json', 'end standard output with one object about the replay')
    .addHelpText(
      'after',
      `
Examples:
  wasm-engine replay runs/system-1
  wasm-engine replay runs/system-1 --workers 4 --json`,
    )
    .action(async (runDirectory: string, options: ReplayOptions) => {
      const { replayCommand } = await import('./replay.ts');
      done(await replayCommand(runDirectory, options));
    });
}

function addDiff(program: Command, done: (exitCode: number) => void): void {
  program
    .command('diff')
    .summary('find the first place where two runs differ')
    .description(
      'Finds the first tick, input, task, effect, global or byte of memory in which two recorded runs differ, and the ' +
        'function that asked for it. Where their configurations, seeds or modules differ, that is said first.',
    )
    .argument('<run-a>', 'run directory', path)
    .argument('<run-b>', 'run directory', path)
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
The exit code is 0 where the runs are equal, and 3 where they differ.

Example:
  wasm-engine diff runs/system-1 runs/system-2`,
    )
    .action(async (a: string, b: string, options: { readonly json?: boolean }) => {
      const { diffCommand } = await import('./diff.ts');
      done(await diffCommand(a, b, options));
    });
}

function addFork(program: Command, done: (exitCode: number) => void, link: EngineLink | undefined): void {
  const command = program
    .command('fork')
    .summary('go on from a tick of a recorded run, in a new run')
    .description(
      'Begins a new run that goes on from a tick of a recorded one: with the inputs of that run, as far as its record ' +
        'goes, or with others; with another seed; with another module.',
    )
    .argument('<run-dir>', 'run directory; it is only read', path)
    .requiredOption(
      '--tick <n>',
      'the last tick that both runs share',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '-i, --input <file>',
      'JSON Lines in place of the inputs that the run recorded; - for standard input',
      path,
    )
    .option(
      '--seed <n>',
      'another seed: from the tick on, every agent draws from a new stream',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .option(
      '--module <name=file>',
      'another module for [agents.NAME]; its agents begin anew, with what waits for them; may be repeated',
      moduleChoice,
    )
    .option(
      '--ticks <n>',
      'the last logical tick, also where the recorded run stopped before',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('-w, --workers <n>', 'worker threads; 0 runs everything in one thread', wholeNumber(0, 64))
    .option('-d, --run-dir <dir>', 'new folder for the record (default: runs/<run>-fork-<n>)', path)
    .option('--models <dir>', 'where models lie: <dir>/<model>/<version>/model.onnx', path)
    .option('-o, --output <file>', 'write outputs there; otherwise to standard output', path)
    .option('--strict', 'fail at the first bad line; otherwise bad lines are skipped and reported')
    .option('--json', 'end standard output with one object about the run');
  addSupervision(command)
    .addHelpText(
      'after',
      `
The new run directory stands by itself, with the snapshot that it began from; "inspect" says where it comes from.

Examples:
  wasm-engine fork runs/system-1 --tick 500 --input other.jsonl
  wasm-engine fork runs/system-1 --tick 500 --module trader=bolder.wasm
  wasm-engine diff runs/system-1 runs/system-1-fork-1`,
    )
    .action(async (runDirectory: string, options: ForkOptions) => {
      const { forkCommand } = await import('./run.ts');
      done(await forkCommand(runDirectory, options, link));
    });
}

function addInspect(program: Command, done: (exitCode: number) => void): void {
  program
    .command('inspect')
    .summary('say what a run directory holds, and what its agents held at any tick')
    .description(
      'Says what a run directory holds, also while its run is going or after it was cut off. With --tick, the run is ' +
        'executed again up to there, and the state after the tick is shown before what happened in it.',
    )
    .argument('<run-dir>', 'run directory', path)
    .option('--tick <n>', 'everything about one tick', wholeNumber(0, Number.MAX_SAFE_INTEGER))
    .option('--agent <name>', 'only what concerns this agent; with --tick, all that it holds', path)
    .option('--memory <start:length>', "bytes of the agent's memory, such as 0x400:256", byteRange)
    .option('--no-state', 'with --tick: only what happened; nothing is executed again')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
Examples:
  wasm-engine inspect runs/system-1
  wasm-engine inspect runs/system-1 --tick 12
  wasm-engine inspect runs/system-1 --tick 12 --agent trader/3 --memory 0x400:64
  wasm-engine inspect runs/system-1 --agent trader/3 --json`,
    )
    .action(async (runDirectory: string, options: InspectOptions) => {
      const { inspectCommand } = await import('./inspect.ts');
      done(await inspectCommand(runDirectory, options));
    });
}

function addRepair(program: Command, done: (exitCode: number) => void): void {
  program
    .command('repair')
    .summary('make a damaged record whole again by giving up what lies behind the damage')
    .description(
      'Says what is wrong with a record and what repairing it would give up: everything behind the damage. With --yes ' +
        'it does so, and keeps copies. A record that a crash cut off needs no repair.',
    )
    .argument('<run-dir>', 'run directory', path)
    .option('--yes', 'do it')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
The exit code is 4 where the record is damaged and was not repaired, and 0 where it is whole.

Examples:
  wasm-engine repair runs/system-1
  wasm-engine repair runs/system-1 --yes`,
    )
    .action(async (runDirectory: string, options: RepairOptions) => {
      const { repairCommand } = await import('./repair.ts');
      done(repairCommand(runDirectory, options));
    });
}

function addCompact(program: Command, done: (exitCode: number) => void): void {
  program
    .command('compact')
    .summary('make a record shorter by giving up what lies before a snapshot')
    .description(
      'Says what a shorter record would give up: everything up to the newest snapshot that is not later than a tick. ' +
        'With --yes it does so, for good.',
    )
    .argument('<run-dir>', 'run directory', path)
    .requiredOption(
      '--to <tick>',
      'a tick; its snapshot, or the newest before it',
      wholeNumber(1, Number.MAX_SAFE_INTEGER),
    )
    .option('--yes', 'do it')
    .option('--drop-outputs', 'give up outputs that have not reached their reader, too')
    .option('--json', 'print one object')
    .addHelpText(
      'after',
      `
Where a process died, outputs may be recorded that reached nobody; going on with the run gives them again. A record
that still owes some of those it would give up is not compacted, unless --drop-outputs is given.

Examples:
  wasm-engine export runs/system-1 -o whole.tar
  wasm-engine compact runs/system-1 --to 500000
  wasm-engine compact runs/system-1 --to 500000 --yes`,
    )
    .action(async (runDirectory: string, options: CompactCommandOptions) => {
      const { compactCommand } = await import('./compact.ts');
      done(await compactCommand(runDirectory, options));
    });
}

function addExport(program: Command, done: (exitCode: number) => void): void {
  program
    .command('export')
    .summary('pack a run into one file')
    .description('Packs a run into one tar archive, which every command takes in place of its run directory.')
    .argument('<run-dir>', 'run directory; it is only read', path)
    .requiredOption('-o, --output <file>', 'where to write; a file that is there is replaced', path)
    .option(
      '--redact <topic>',
      'leave only hashes of the payloads that came from outside to a topic; may be repeated',
      another,
    )
    .option(
      '--keep-derived',
      'with --redact: keep outputs, log texts and answers of models, which may repeat payloads',
    )
    .option('--no-snapshots', 'leave out snapshots, from which replays and forks begin faster')
    .option('--json', 'print one object about the archive')
    .addHelpText(
      'after',
      `
With --redact, payloads that came from outside to the topic become their SHA-256, and what may hold them is left out:
snapshots with the memories of agents, transcripts, outputs, log texts, answers of models. Not redacted are other
inputs (other topics, messages to agents, tasks), the configuration, the modules, and names. "redacted.txt" in the
file says so, with counts. The run cannot be executed again from it: "replay" checks its log.

Examples:
  wasm-engine export runs/system-1 -o run.tar
  wasm-engine replay run.tar --workers 4
  wasm-engine export runs/system-1 -o shared.tar --redact orders`,
    )
    .action(async (runDirectory: string, options: ExportCommandOptions) => {
      const { exportCommand } = await import('./export.ts');
      done(exportCommand(runDirectory, options));
    });
}

function addInstrument(program: Command, done: (exitCode: number) => void): void {
  program
    .command('instrument')
    .summary('check a module and write it as the engine runs it')
    .description('Checks a WebAssembly module and writes it as the engine runs it: metered and bounded.')
    .argument('<module>', 'WebAssembly module', path)
    .requiredOption('-o, --output <file>', 'where to write', path)
    .option('--own-imports', 'take imports from other modules than "wasm_engine": functions of numbers')
    .option('--json', 'print one object about the module')
    .addHelpText(
      'after',
      `
Example:
  wasm-engine instrument agent.wasm -o agent.metered.wasm`,
    )
    .action(async (module: string, options: InstrumentCommandOptions) => {
      const { instrumentCommand } = await import('./instrument.ts');
      done(instrumentCommand(module, options));
    });
}

function packageVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
