// `wasm-engine export`: a run packed into one file.

import { EngineError } from '../base/errors.ts';
import { type ExportSummary, exportRun, redactedBeforeLine, redactionLines } from '../engine/index.ts';
import { grouped, printable } from './printable.ts';
import { writeLine } from './standard-output.ts';

export interface ExportCommandOptions {
  readonly output: string;
  readonly redact?: readonly string[];
  readonly keepDerived?: boolean;
  readonly snapshots: boolean;
  readonly json?: boolean;
}

export function exportCommand(runDirectory: string, options: ExportCommandOptions): number {
  const { output, redact = [], keepDerived = false, snapshots } = options;
  if (keepDerived && redact.length === 0)
    throw new EngineError('usage', 'Cannot use --keep-derived without --redact: everything is kept');
  const summary = exportRun(runDirectory, output, { redact, keepDerived, snapshots });
  if (options.json === true) writeLine(JSON.stringify({ ...summary, runDirectory, file: output }));
  else for (const line of exportLines(output, summary)) writeLine(printable(line));
  return 0;
}

export function exportLines(file: string, summary: ExportSummary): string[] {
  const { bytes, ticks, digest, snapshots, unreadableSnapshots, redacted, redactedBefore } = summary;
  const lines = [
    `${file}: ${grouped(bytes)} bytes, up to tick ${grouped(ticks)}, with ${grouped(snapshots)} snapshots`,
    `  digest  ${digest === '' ? 'none yet' : digest}`,
  ];
  if (unreadableSnapshots.length > 0) {
    const which = unreadableSnapshots.join(', ');
    lines.push(`  left out, since they cannot be read: snapshots of ticks ${which} (see wasm-engine repair)`);
  }
  if (redacted !== undefined) return [...lines, ...redactionLines(redacted)];
  return redactedBefore === undefined ? lines : [...lines, redactedBeforeLine(redactedBefore)];
}
