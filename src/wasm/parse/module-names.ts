// The names that a module carries for people: of functions and globals, in its custom section "name" and by exports.
// What is malformed in the custom section names nothing.
import { decodeUtf8 } from '../../base/encoding.ts';

/** Names by index; imported functions count. */
export interface ModuleNames {
  readonly functions: ReadonlyMap<number, string>;
  readonly globals: ReadonlyMap<number, string>;
}

const [customSection, exportSection] = [0, 7];
const [functionSubsection, globalSubsection] = [1, 7];
const [functionExport, globalExport] = [0, 3];

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

/** The bytes are those of a module that was accepted. A name of the custom section goes before that of an export. */
export function moduleNames(bytes: Uint8Array): ModuleNames {
  const exported = { functions: new Map<number, string>(), globals: new Map<number, string>() };
  const given = { functions: new Map<number, string>(), globals: new Map<number, string>() };
  const module = new Cursor(bytes, 8, bytes.length);
  while (module.at < module.end) {
    const id = module.u32();
    const section = module.part();
    if (id === exportSection) readExports(section, exported);
    if (id !== customSection || section.text() !== 'name') continue;
    while (section.at < section.end) {
      const kind = section.u32();
      const part = section.part();
      if (kind === functionSubsection) readNames(part, given.functions);
      if (kind === globalSubsection) readNames(part, given.globals);
    }
  }
  return {
    functions: new Map([...exported.functions, ...given.functions]),
    globals: new Map([...exported.globals, ...given.globals]),
  };
}

function readNames(part: Cursor, names: Map<number, string>): void {
  const count = part.u32();
  for (let i = 0; i < count && part.at < part.end; i++) {
    const index = part.u32();
    const name = part.text();
    if (name !== undefined) names.set(index, name);
  }
}

/** Of several exports of one thing the first names it. */
function readExports(
  section: Cursor,
  names: { readonly functions: Map<number, string>; readonly globals: Map<number, string> },
): void {
  const count = section.u32();
  for (let i = 0; i < count && section.at < section.end; i++) {
    const name = section.text();
    const kind = section.u32();
    const index = section.u32();
    const list =
      kind === functionExport ? names.functions : kind === globalExport ? names.globals : undefined;
    if (name !== undefined && list !== undefined && !list.has(index)) list.set(index, name);
  }
}
