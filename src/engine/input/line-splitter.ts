// Bytes to lines, whatever the chunks. Holds one unfinished line at most, and never one that is too long.

/** A line that is not empty. */
export interface Line {
  /** From 1; empty lines count too. */
  readonly number: number;
  /** Offset of its first byte in the source. */
  readonly start: number;
  /** Offset of the byte after its line end. */
  readonly end: number;
  /** Without the line end; undefined: longer than the limit, and not held. */
  readonly bytes: Uint8Array | undefined;
}

/** A message of the largest size, as text, and what stands around it. */
export const lineBytesMax: number = 17 * 2 ** 20;

const lineFeed = 10;
const carriageReturn = 13;

export class LineSplitter {
  readonly #lineBytesMax: number;
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  #start: number;
  #number: number;

  /** `start` and `linesBefore` say where in the source the first byte stands. */
  constructor(start = 0, linesBefore = 0, bytesMax: number = lineBytesMax) {
    this.#start = start;
    this.#number = linesBefore;
    this.#lineBytesMax = bytesMax;
  }

  /** Lines seen so far, empty ones and the one just begun not counted out. */
  get number(): number {
    return this.#number;
  }

  /** Offset behind the last whole line. */
  get offset(): number {
    return this.#start;
  }

  /** The lines that this chunk completes. They are views of the chunk where they lie in it whole. */
  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let from = 0;
    while (from < chunk.length) {
      const feed = chunk.indexOf(lineFeed, from);
      if (feed < 0) break;
      this.#hold(chunk.subarray(from, feed));
      this.#finish(1, lines);
      from = feed + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return lines;
  }

  /** The last line, if the source ends without a line end. */
  end(): Line[] {
    const lines: Line[] = [];
    if (this.#pendingBytes > 0) this.#finish(0, lines);
    return lines;
  }

  #hold(piece: Uint8Array): void {
    this.#pendingBytes += piece.length;
    if (this.#pendingBytes > this.#lineBytesMax) this.#pieces = [];
    else if (piece.length > 0) this.#pieces.push(piece);
  }

  #finish(lineEndBytes: number, lines: Line[]): void {
    const start = this.#start;
    const end = start + this.#pendingBytes + lineEndBytes;
    const tooLong = this.#pendingBytes > this.#lineBytesMax;
    const bytes = tooLong ? undefined : trimLine(this.#joined(), start === 0);
    this.#number++;
    this.#start = end;
    this.#pieces = [];
    this.#pendingBytes = 0;
    if (bytes === undefined || !isBlank(bytes)) lines.push({ number: this.#number, start, end, bytes });
  }

  #joined(): Uint8Array {
    const pieces = this.#pieces;
    return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  }
}

/** Takes off a carriage return, and at the start of a source a byte order mark. */
function trimLine(bytes: Uint8Array, first: boolean): Uint8Array {
  const from = first && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const to = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  return from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to);
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 32 && byte !== 9 && byte !== carriageReturn) return false;
  return true;
}
