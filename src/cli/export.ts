// `wasm-engine export`: a run packed into one file.

import { type ExportSummary, exportRun } from '../engine/index.ts';
import { grouped, printable } from './printable.ts';
import { writeLine } from './standard-output.ts';

export interface ExportCommandOptions {
  readonly output: string;
  readonly redact?: readonly string[];
  readonly snapshots: boolean;
  readonly json?: boolean;
}

export function exportCommand(runDirectory: string, options: ExportCommandOptions): number {
  const { output, redact = [], snapshots } = options;
  const summary = exportRun(runDirectory, output, { redact, snapshots });
  if (options.json === true) writeLine(JSON.stringify({ ...summary, runDirectory, file: output }));
  else for (const line of exportLines(output, summary)) writeLine(printable(line));
  return 0;
}

export function exportLines(file: string, summary: ExportSummary): string[] {
  const { bytes, ticks, digest, snapshots, redacted } = summary;
  const lines = [
    `${file}: ${grouped(bytes)} bytes, up to tick ${grouped(ticks)}, with ${grouped(snapshots)} snapshots`,
    `  digest  ${digest === '' ? 'none yet' : digest}`,
  ];
  if (redacted === undefined) return lines;
  const topics = redacted.topics.map((topic) => JSON.stringify(topic)).join(', ');
  return [
    ...lines,
    `Of ${topics} only hashes of payloads are there: ${grouped(redacted.payloads)} were replaced. The run cannot be executed`,
    'again from this file; "replay" checks its log, and "inspect" tells what it holds.',
    `Not touched: ${grouped(redacted.outputs)} outputs, ${grouped(redacted.texts)} log texts and ` +
      `${grouped(redacted.answers)} answers of models, which may repeat them.`,
    'A payload that can be guessed can be found by its hash.',
  ];
}
