// What "export" takes, and its help. What it does is loaded when it runs.

import type { Command } from 'commander';
import { another, path } from '../command-options.ts';
import type { ExportCommandOptions } from '../export.ts';

export function addExport(program: Command, done: (exitCode: number) => void): void {
  program
    .command('export')
    .summary('pack a run into one file')
    .description('Packs a run into one tar archive, which every command takes in place of its run directory.')
    .argument('<run-dir>', 'run directory; it is only read', path)
    .requiredOption('-o, --output <file>', 'where to write; an archive that is there is replaced', path)
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
      const { exportCommand } = await import('../export.ts');
      done(exportCommand(runDirectory, options));
    });
}
