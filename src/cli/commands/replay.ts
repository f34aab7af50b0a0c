// What "replay" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { path, wholeNumber } from '../command-options.ts';
import type { ReplayOptions } from '../replay.ts';

export function addReplay(program: Command, done: (exitCode: number) => void): void {
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
      const { replayCommand } = await import('../replay.ts');
      done(await replayCommand(runDirectory, options));
    });
}
