// Standard output: lines in order, gathered, and no complaint when its reader has gone.

import { EngineError } from '../base/errors.ts';
import { failureText } from '../base/failure-text.ts';

/** Bytes that are gathered before they are written. */
const gatheredMax = 65_536;

let gathered = '';
/** Told when what is gathered has left the process. */
let onLeft: (() => void) | undefined;
let scheduled = false;
let readerGone = false;
const onReaderGone: (() => void)[] = [];

/**
 * Writes a line. Gathered lines leave at the latest when the event loop turns; `left` of the last of them is called
 * once they have left the process.
 */
export function writeLine(line: string, left?: () => void): void {
  if (readerGone) return;
  onLeft = left ?? onLeft;
  gathered += `${line}\n`;
  if (gathered.length >= gatheredMax) flushLines();
  else if (!scheduled) {
    scheduled = true;
    setImmediate(flushLines);
  }
}

export function flushLines(): void {
  scheduled = false;
  const text = gathered;
  gathered = '';
  const left = onLeft;
  onLeft = undefined;
  if (text === '' || readerGone) return;
  process.stdout.write(text, (error) => {
    if (error === null || error === undefined) left?.();
  });
}

/**
 * Whoever reads (such as `head`) may stop: that ends the command, and is no failure. Where standard error takes
 * nothing, nobody can be told, and what the command does is the same.
 */
export function endQuietlyWhenNobodyReads(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || error.code === 'EOF') noteReaderGone();
    else
      throw new EngineError(
        'host-fault',
        `Cannot write to standard output: ${failureText(error)}`,
        {},
        error,
      );
  });
  process.stderr.on('error', () => {});
}

export function noteReaderGone(): void {
  readerGone = true;
  gathered = '';
  if (onReaderGone.length === 0) process.exit(0);
  for (const told of onReaderGone) told();
}

/** Calls `told` in place of ending the process at once. */
export function whenReaderGoes(told: () => void): void {
  onReaderGone.push(told);
}

export function isReaderGone(): boolean {
  return readerGone;
}

/** Resolves when everything has left the process: where standard output is a pipe, that takes time on some systems. */
export async function finishOutput(): Promise<void> {
  flushLines();
  if (readerGone) return;
  await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
}
