// The edits to one function's code, in order of place, and the code that they make of it. Whatever lies between two
// edits is copied from the module in one piece.
import { ByteWriter } from './byte-writer.ts';

/** What an edit puts in its place. `charge` and `site` are filled in later, and may come to nothing. */
export const EditKind = { text: 0, charge: 1, site: 2 } as const;
export type EditKind = (typeof EditKind)[keyof typeof EditKind];

/** What the writing of one function needs and leaves to the next: buffers that have grown already. */
export class Scratch {
  readonly edits: CodeEdits = new CodeEdits();
  readonly texts: ByteWriter = new ByteWriter();
  readonly code: ByteWriter = new ByteWriter(4096);
  readonly pieces: ByteWriter = new ByteWriter();

  clear(): void {
    this.edits.clear();
    this.texts.clear();
    this.code.clear();
    this.pieces.clear();
  }
}

export class CodeEdits {
  readonly #places: number[] = [];
  readonly #replaced: number[] = [];
  readonly #kinds: EditKind[] = [];
  readonly #first: number[] = [];
  readonly #second: number[] = [];
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  /** Adds an edit behind all others: at `place`, in the stead of `replaced` bytes. Answers its number. */
  add(place: number, replaced: number, kind: EditKind, first = 0, second = 0): number {
    const edit = this.#count++;
    this.#places[edit] = place;
    this.#replaced[edit] = replaced;
    this.#kinds[edit] = kind;
    this.#first[edit] = first;
    this.#second[edit] = second;
    return edit;
  }

  /** Fills in what an edit was added without. */
  set(edit: number, first: number, second: number): void {
    this.#first[edit] = first;
    this.#second[edit] = second;
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
    writeEdit: (kind: EditKind, first: number, second: number) => void,
  ): void {
    const places = this.#places;
    let [from, lastSource, lastWritten] = [start, start, code.size];
    let isMoved = false;
    const begin = (flat: number): void => {
      pieces.u32(code.size - lastWritten).u32((from - lastSource) * 2 + flat);
      lastSource = from;
      lastWritten = code.size;
      isMoved = flat === 1;
    };
    for (let edit = 0; edit < this.#count; edit++) {
      const place = places[edit]!;
      if (place > from) {
        if (isMoved) begin(0);
        code.bytesOf(source, from, place);
        from = place;
      }
      const replaced = this.#replaced[edit]!;
      if (replaced > 0) begin(1);
      const before = code.size;
      writeEdit(this.#kinds[edit]!, this.#first[edit]!, this.#second[edit]!);
      from += replaced;
      if (code.size !== before) isMoved = true;
    }
    if (isMoved) begin(0);
    code.bytesOf(source, from, end);
  }
}
