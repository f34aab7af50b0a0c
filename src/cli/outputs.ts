// Where a run's outputs go, a file or standard output, and how far they have got there.

import type { OutputPlace, OutputRecord, OutputSink } from '../engine/index.ts';
import { DeliveryMark, readDeliveryMark } from './delivery-mark.ts';
import { OutputFile } from './output-file.ts';
import { outputLine } from './output-lines.ts';
import type { ProgressLine } from './progress-line.ts';
import { writeLine } from './standard-output.ts';
import type { EngineLink } from './supervisor/engine-link.ts';

export class Outputs implements OutputSink {
  readonly #progress: ProgressLine;
  readonly #link: EngineLink | undefined;
  #file: OutputFile | undefined;
  #mark: DeliveryMark | undefined;
  /** The last output that was written. */
  #last: OutputPlace | undefined;
  /** The last one that has left. */
  #left: OutputPlace | undefined;

  constructor(progress: ProgressLine, link: EngineLink | undefined) {
    this.#progress = progress;
    this.#link = link;
  }

  open(path: string | undefined, how: 'new' | 'append'): void {
    if (path !== undefined) this.#file = new OutputFile(path, how === 'append');
  }

  /** What is known to have arrived of a run that goes on. */
  deliveredOf(runDirectory: string): OutputPlace | undefined {
    return this.#file?.last ?? this.#link?.outputsAfter ?? readDeliveryMark(runDirectory);
  }

  /** Keeps count in the run directory from now on. The supervisor does that for what it passes on. */
  keepMark(runDirectory: string): void {
    this.#mark = new DeliveryMark(runDirectory);
    if (this.#link === undefined || this.#file !== undefined) {
      if (this.#left !== undefined) this.#mark.note(this.#left);
      return;
    }
    this.#mark.close();
    this.#mark = undefined;
  }

  write(output: OutputRecord): void {
    const line = outputLine(output);
    this.#last = output;
    if (this.#file !== undefined) {
      if (this.#file.writeLine(line)) this.#leave(output);
      return;
    }
    // A terminal shows the outputs, and they show how far the run is.
    if (this.#link?.terminal === true) this.#progress.hide();
    else if (process.stdout.isTTY === true) this.#progress.clear();
    writeLine(line, this.#link === undefined ? () => this.#leave(output) : undefined);
  }

  close(): void {
    this.#file?.close();
    if (this.#file !== undefined && this.#last !== undefined) this.#leave(this.#last);
  }

  #leave(place: OutputPlace): void {
    this.#left = place;
    this.#mark?.note(place);
  }
}
