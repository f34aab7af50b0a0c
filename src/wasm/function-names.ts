// The names of functions that a module carries in its custom section "name". What is malformed there names nothing.
import { decodeUtf8 } from '../base/encoding.ts';

const functionSubsection = 1;

class Cursor {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = Math.min(end, bytes.length);
  }

  u32(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28 && this.at < this.end; scale *= 128) {
      const byte = this.bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    this.at = this.end;
    return 0;
  }

  /** A cursor over the next part, whose size stands before it; this one goes on behind it. */
  part(): Cursor {
    const size = this.u32();
    const part = new Cursor(this.bytes, this.at, Math.min(this.at + size, this.end));
    this.at = part.end;
    return part;
  }

  text(): string | undefined {
    const { at, end } = this.part();
    return decodeUtf8(this.bytes.subarray(at, end));
  }
}

/** Names by function index; the bytes are those of a module that was accepted. */
export function functionNames(bytes: Uint8Array): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const module = new Cursor(bytes, 8, bytes.length);
  while (module.at < module.end) {
    const id = module.u32();
    const section = module.part();
    if (id !== 0 || section.text() !== 'name') continue;
    while (section.at < section.end) {
      const kind = section.u32();
      const part = section.part();
      if (kind === functionSubsection) readNames(part, names);
    }
  }
  return names;
}

function readNames(part: Cursor, names: Map<number, string>): void {
  const count = part.u32();
  for (let i = 0; i < count && part.at < part.end; i++) {
    const index = part.u32();
    const name = part.text();
    if (name !== undefined) names.set(index, name);
  }
}
