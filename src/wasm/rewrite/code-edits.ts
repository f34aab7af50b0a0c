// The edits to one function's code, in order of place, and the code that they make of it. Whatever lies between two
// edits is copied from the module in one piece.
import type { ByteWriter } from '../binary/byte-writer.ts';

/** What an edit puts in its place. `charge` and `site` are filled in later, and may come to nothing. */
export const EditKind = { text: 0, charge: 1, site: 2 } as const;
export type EditKind = (typeof EditKind)[keyof typeof EditKind];

/** Words of an edit: its place, how many bytes it replaces, its kind, and two numbers that depend on that. */
const editWords = 5;

export class CodeEdits {
  #words = new Int32Array(editWords * 256);
  #end = 0;

  clear(): void {
    this.#end = 0;
  }

  /** Adds an edit behind all others: at `place`, in the stead of `replaced` bytes. */
  add(place: number, replaced: number, kind: EditKind, first: number, second = 0): void {
    if (this.#end === this.#words.length) {
      const grown = new Int32Array(this.#end * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    const words = this.#words;
    let at = this.#end;
    words[at++] = place;
    words[at++] = replaced;
    words[at++] = kind;
    words[at++] = first;
    words[at++] = second;
    this.#end = at;
  }

  /**
   * Writes the code from `start` to `end` of the module with all edits, each by `writeEdit`. `pieces` gets two numbers
   * for each piece that is copied or stands for one instruction: how many bytes were written since the last one began;
   * and twice how many of the module lie between their beginnings, plus one where all of it stands for its first byte.
   */
  write(
    source: Uint8Array,
    start: number,
    end: number,
    code: ByteWriter,
    pieces: ByteWriter,
    writeEdit: (kind: number, first: number, second: number) => void,
  ): void {
    const words = this.#words;
    let from = start;
    let lastSource = start;
    let lastWritten = code.size;
    let isMoved = false;
    for (let at = 0; at < this.#end; at += editWords) {
      const place = words[at]!;
      const replaced = words[at + 1]!;
      if (place > from) {
        if (isMoved) {
          pieces.u32(code.size - lastWritten).u32((from - lastSource) * 2);
          lastSource = from;
          lastWritten = code.size;
          isMoved = false;
        }
        code.bytesOf(source, from, place);
        from = place;
      }
      if (replaced > 0) {
        pieces.u32(code.size - lastWritten).u32((from - lastSource) * 2 + 1);
        lastSource = from;
        lastWritten = code.size;
        isMoved = true;
      }
      const before = code.size;
      writeEdit(words[at + 2]!, words[at + 3]!, words[at + 4]!);
      from += replaced;
      if (code.size !== before) isMoved = true;
    }
    if (isMoved) pieces.u32(code.size - lastWritten).u32((from - lastSource) * 2);
    code.bytesOf(source, from, end);
  }
}
