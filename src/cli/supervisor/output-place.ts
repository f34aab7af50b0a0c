// Which output a line is, read off its beginning, and which of two comes first.

import type { OutputPlace } from '../../engine/index.ts';

/** Longer than any beginning of a line that holds its place. */
const placeBytesMax = 96;
const pattern = /^\{"epoch":(\d{1,10}),"tick":(\d{1,16}),"index":(\d{1,10}),/;

/** The place of the output that a line of bytes tells; undefined where it is another line. */
export function placeOf(line: Uint8Array): OutputPlace | undefined {
  const found = pattern.exec(Buffer.from(line.subarray(0, placeBytesMax)).toString('latin1'));
  if (found === null) return undefined;
  const [, epoch, tick, index] = found;
  return { epoch: Number(epoch), tick: Number(tick), index: Number(index) };
}

/** Whether `a` leaves after `b`. */
export function isAfter(a: OutputPlace, b: OutputPlace): boolean {
  if (a.epoch !== b.epoch) return a.epoch > b.epoch;
  return a.tick === b.tick ? a.index > b.index : a.tick > b.tick;
}
