// From offsets in an instrumented module to offsets in the author's. Compact: two small numbers for each piece of code
// that was copied or replaced.
import { ByteWriter } from './binary/byte-writer.ts';

export interface OffsetMap {
  /** `functionWords` words a function, ascending by where it stands in the instrumented module. */
  readonly functions: Uint32Array;
  /** The pieces of all functions, as `CodeEdits.write` leaves them. */
  readonly pieces: Uint8Array;
}

/** Where a function stands in both modules; offsets count from the module's first byte. */
export interface MappedFunction {
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** Where its own code begins, behind locals and what is done at entry. */
  readonly codeStart: number;
  readonly originalStart: number;
  readonly originalEnd: number;
  readonly piecesStart: number;
  readonly piecesEnd: number;
}

const functionWords = 7;

/** `from` holds the pieces of all functions. */
export function buildOffsetMap(from: ByteWriter, mapped: readonly MappedFunction[]): OffsetMap {
  const sorted = [...mapped].sort((a, b) => a.start - b.start);
  const functions = new Uint32Array(sorted.length * functionWords);
  const pieces = new ByteWriter(from.size);
  let at = 0;
  for (const item of sorted) {
    functions[at++] = item.start;
    functions[at++] = item.end;
    functions[at++] = item.codeStart;
    functions[at++] = item.originalStart;
    functions[at++] = item.originalEnd;
    functions[at++] = item.index;
    functions[at++] = pieces.size;
    pieces.append(from, item.piecesStart, item.piecesEnd);
  }
  return { functions, pieces: pieces.take() };
}

/** A place in the author's module: a function by its index, and an offset from the module's first byte. */
export interface CodePlace {
  readonly functionIndex: number;
  readonly offset: number;
}

/**
 * The place that an offset in the instrumented module stands for: what was put in between stands for the instruction
 * behind it, what was put in an instruction's stead for that instruction. Undefined outside the author's functions.
 */
export function originalPlace(map: OffsetMap, offset: number): CodePlace | undefined {
  const { functions } = map;
  let [low, high] = [0, functions.length / functionWords];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (functions[middle * functionWords]! <= offset) low = middle + 1;
    else high = middle;
  }
  const at = (low - 1) * functionWords;
  if (low === 0 || offset >= functions[at + 1]!) return undefined;
  const found = originalOffset(map, at, offset);
  return { functionIndex: functions[at + 5]!, offset: found };
}

function originalOffset({ functions, pieces }: OffsetMap, at: number, offset: number): number {
  const originalEnd = functions[at + 4]!;
  const end = functions[at + functionWords + 6] ?? pieces.length;
  let next = functions[at + 6]!;
  let [start, source, flat] = [functions[at + 2]!, functions[at + 3]!, false];
  const number = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = pieces[next++]!;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80) return value;
    }
  };
  while (next < end) {
    const start2 = start + number();
    const step = number();
    const source2 = source + Math.floor(step / 2);
    if (start2 > offset) return within(offset - start, source, flat, source2);
    [start, source, flat] = [start2, source2, step % 2 === 1];
  }
  return within(offset - start, source, flat, originalEnd - 1);
}

function within(distance: number, source: number, flat: boolean, last: number): number {
  return flat || distance < 0 ? source : Math.min(source + distance, last);
}
