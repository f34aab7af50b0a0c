// How far a run's outputs have reached whoever reads them: a small file in the run directory, so that the rest is given
// again when the run goes on. It may lag behind, never run ahead; nothing that a replay needs is in it.

import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { OutputPlace } from '../engine/index.ts';

const fileName = 'outputs-delivered';
/** Every text has the same size, so that writing one replaces the other. */
const textSize = 48;

/** Before the first output. */
export const nothingDelivered: OutputPlace = { epoch: 0, tick: 0, index: -1 };

export class DeliveryMark {
  readonly #descriptor: number;

  /** Goes on with the file that is there, or makes one that says that nothing was delivered. */
  constructor(runDirectory: string) {
    const path = join(runDirectory, fileName);
    const before = readDeliveryMark(runDirectory);
    this.#descriptor = openSync(path, before === undefined ? 'w' : 'r+');
    if (before === undefined) this.note(nothingDelivered);
  }

  /** Everything up to there is delivered. */
  note({ epoch, tick, index }: OutputPlace): void {
    writeSync(this.#descriptor, `${`${epoch} ${tick} ${index}`.padEnd(textSize - 1)}\n`, 0);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** What the mark of a run says; undefined where there is none: nobody kept count of this run's outputs. */
export function readDeliveryMark(runDirectory: string): OutputPlace | undefined {
  let text: string;
  try {
    text = readFileSync(join(runDirectory, fileName), 'latin1');
  } catch {
    return undefined;
  }
  const found = /^(\d{1,10}) (\d{1,16}) (-1|\d{1,10}) *\n$/.exec(text);
  // What cannot be read says nothing: everything is given again.
  if (found === null) return nothingDelivered;
  const [, epoch, tick, index] = found;
  return { epoch: Number(epoch), tick: Number(tick), index: Number(index) };
}
