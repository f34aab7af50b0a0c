// A module of any size: the functions of a real one again and again, each copy calling what the first one calls.

/** A reader of the binary format, as far as it is needed here. */
function readU32(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let [value, scale] = [0, 1];
  for (;;) {
    const byte = bytes[at++]!;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, next: at };
    scale *= 0x80;
  }
}

function u32(value: number): Uint8Array {
  const out: number[] = [];
  while (value >= 0x80) {
    out.push((value % 0x80) | 0x80);
    value = Math.floor(value / 0x80);
  }
  return Uint8Array.of(...out, value);
}

const functionSection = 3;
const codeSection = 10;
const headerBytes = 8;

/** `source` with its functions and their code repeated until it has about `size` bytes of code. */
export function largeModule(source: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [source.subarray(0, headerBytes)];
  for (let at = headerBytes; at < source.length; ) {
    const id = source[at]!;
    const { value: length, next: start } = readU32(source, at + 1);
    at = start + length;
    const payload = source.subarray(start, at);
    // Custom sections speak of the functions as they were.
    if (id === 0) continue;
    const content = id === functionSection || id === codeSection ? undefined : payload;
    const repeated = content === undefined ? repeatItems(payload, copiesFor(source, size)) : [content];
    const total = repeated.reduce((sum, part) => sum + part.length, 0);
    parts.push(Uint8Array.of(id), u32(total), ...repeated);
  }
  return joined(parts);
}

function copiesFor(source: Uint8Array, size: number): number {
  for (let at = headerBytes; at < source.length; ) {
    const { value: length, next } = readU32(source, at + 1);
    if (source[at] === codeSection) return Math.max(1, Math.round(size / length));
    at = next + length;
  }
  return 1;
}

function repeatItems(payload: Uint8Array, copies: number): Uint8Array[] {
  const { value: count, next } = readU32(payload, 0);
  const items = payload.subarray(next);
  return [u32(count * copies), ...new Array<Uint8Array>(copies).fill(items)];
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
