// Lines of the engine process on their way to standard output: whole ones only, in order, none twice. What a process
// that died had begun to say is not said; the next one says it whole.

import type { OutputPlace } from '../../engine/index.ts';
import { isAfter, placeOf } from './output-place.ts';

const lineFeed = 10;

/** Takes bytes in order; calls back when they have left the process. */
export type WriteBytes = (bytes: Uint8Array, onGone: () => void) => void;

export class ForwardedOutput {
  readonly #write: WriteBytes;
  readonly #onDelivered: (place: OutputPlace) => void;
  /** An unfinished line. */
  #pieces: Buffer[] = [];
  #place: OutputPlace | undefined;
  /** Set after a restart: repeats may come until the first output behind it. */
  #repeatsUpTo: OutputPlace | undefined;

  constructor(write: WriteBytes, onDelivered: (place: OutputPlace) => void) {
    this.#write = write;
    this.#onDelivered = onDelivered;
  }

  /** The last output that was passed on. */
  get place(): OutputPlace | undefined {
    return this.#place;
  }

  take(chunk: Buffer): void {
    const end = chunk.lastIndexOf(lineFeed) + 1;
    if (end === 0) {
      this.#pieces.push(chunk);
      return;
    }
    const whole = Buffer.concat([...this.#pieces, chunk.subarray(0, end)]);
    this.#pieces = end < chunk.length ? [chunk.subarray(end)] : [];
    const bytes = this.#repeatsUpTo === undefined ? whole : this.#withoutRepeats(whole);
    if (bytes.length === 0) return;
    const place = lastPlace(bytes);
    this.#place = place ?? this.#place;
    this.#write(bytes, () => {
      if (place !== undefined) this.#onDelivered(place);
    });
  }

  /** The process has ended. `died`: in the middle of something, perhaps of a line. */
  engineEnded(died: boolean): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#repeatsUpTo = this.#place;
    if (!died && pieces.length > 0) this.#write(Buffer.concat(pieces), () => {});
  }

  #withoutRepeats(bytes: Buffer): Buffer {
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(lineFeed, at) + 1;
      const place = placeOf(bytes.subarray(at, end));
      if (place === undefined || isAfter(place, this.#repeatsUpTo!)) {
        this.#repeatsUpTo = undefined;
        return bytes.subarray(at);
      }
      at = end;
    }
    return bytes.subarray(bytes.length);
  }
}

/** The place of the last output among whole lines. */
function lastPlace(lines: Buffer): OutputPlace | undefined {
  for (let end = lines.length - 1; end >= 0; ) {
    const start = end === 0 ? 0 : lines.lastIndexOf(lineFeed, end - 1) + 1;
    const place = placeOf(lines.subarray(start, end));
    if (place !== undefined) return place;
    end = start - 1;
  }
  return undefined;
}
