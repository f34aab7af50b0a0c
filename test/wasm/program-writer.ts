// Writes the binary format for the random programs of these tests. Shares no code with the pass.

/** Codes of the value types by their letter. */
export const typeCodes: Readonly<Record<string, number>> = {
  i: 0x7f,
  l: 0x7e,
  f: 0x7d,
  d: 0x7c,
  v: 0x7b,
  r: 0x70,
};

export class Sink {
  readonly bytes: number[] = [];

  u8(...values: readonly number[]): this {
    this.bytes.push(...values);
    return this;
  }

  u32(value: number): this {
    for (value >>>= 0; value >= 0x80; value >>>= 7) this.bytes.push((value & 0x7f) | 0x80);
    this.bytes.push(value);
    return this;
  }

  signed(value: bigint): this {
    for (;;) {
      const low = Number(value & 0x7fn);
      value >>= 7n;
      if ((value === 0n && low < 0x40) || (value === -1n && low >= 0x40)) {
        this.bytes.push(low);
        return this;
      }
      this.bytes.push(low | 0x80);
    }
  }

  /** An opcode of one byte, or of a prefix (0xfc00, 0xfd00) and a number. */
  op(code: number): this {
    return code > 0xff ? this.u8(code >> 8).u32(code & 0xff) : this.u8(code);
  }

  text(text: string): this {
    const encoded = new TextEncoder().encode(text);
    this.u32(encoded.length);
    for (const byte of encoded) this.bytes.push(byte);
    return this;
  }

  append(other: Sink): this {
    for (const byte of other.bytes) this.bytes.push(byte);
    return this;
  }

  sized(other: Sink): this {
    return this.u32(other.bytes.length).append(other);
  }
}

export interface Signature {
  /** One letter a type. */
  readonly params: string;
  readonly results: string;
}

export interface ProgramParts {
  readonly types: readonly Signature[];
  readonly imports: readonly { readonly name: string; readonly type: number }[];
  /** Type indices, and bodies (locals and code). */
  readonly functions: readonly number[];
  readonly bodies: readonly Sink[];
  readonly tables: readonly (readonly [number, number])[];
  readonly memory: readonly [number, number];
  /** Letter and initial expression (without `end`). */
  readonly globals: readonly { readonly type: string; readonly init: Sink }[];
  readonly exports: readonly { readonly name: string; readonly kind: number; readonly index: number }[];
  readonly start: number | undefined;
  /** Place of an active segment in table or memory 0; undefined for a passive one. */
  readonly elements: readonly { readonly offset: number | undefined; readonly items: readonly number[] }[];
  readonly data: readonly { readonly offset: number | undefined; readonly bytes: readonly number[] }[];
}

function list<T>(items: readonly T[], write: (to: Sink, item: T) => void): Sink {
  const sink = new Sink().u32(items.length);
  for (const item of items) write(sink, item);
  return sink;
}

function typeList(to: Sink, letters: string): void {
  to.u32(letters.length);
  for (const letter of letters) to.u8(typeCodes[letter]!);
}

export function writeProgram(parts: ProgramParts): Uint8Array<ArrayBuffer> {
  const out = new Sink().u8(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = (id: number, content: Sink, present = true): void => {
    if (present) out.u8(id).sized(content);
  };
  const types = list(parts.types, (to, { params, results }) => {
    to.u8(0x60);
    typeList(to, params);
    typeList(to, results);
  });
  section(1, types);
  const imports = list(parts.imports, (to, { name, type }) => {
    to.text('wasm_engine').text(name).u8(0).u32(type);
  });
  section(2, imports, parts.imports.length > 0);
  section(
    3,
    list(parts.functions, (to, type) => to.u32(type)),
  );
  section(
    4,
    list(parts.tables, (to, [min, max]) => to.u8(0x70, 1).u32(min).u32(max)),
  );
  section(5, new Sink().u8(1, 1).u32(parts.memory[0]).u32(parts.memory[1]));
  const globals = list(parts.globals, (to, { type, init }) => {
    to.u8(typeCodes[type]!, 1).append(init).u8(0x0b);
  });
  section(6, globals);
  section(
    7,
    list(parts.exports, (to, { name, kind, index }) => to.text(name).u8(kind).u32(index)),
  );
  if (parts.start !== undefined) section(8, new Sink().u32(parts.start));
  const elements = list(parts.elements, (to, { offset, items }) => {
    if (offset === undefined) to.u8(1, 0);
    else to.u8(0, 0x41).signed(BigInt(offset)).u8(0x0b);
    to.u32(items.length);
    for (const item of items) to.u32(item);
  });
  section(9, elements);
  section(12, new Sink().u32(parts.data.length));
  section(
    10,
    list(parts.bodies, (to, body) => to.sized(body)),
  );
  const data = list(parts.data, (to, { offset, bytes }) => {
    if (offset === undefined) to.u8(1);
    else to.u8(0, 0x41).signed(BigInt(offset)).u8(0x0b);
    to.u32(bytes.length).u8(...bytes);
  });
  section(11, data);
  return Uint8Array.from(out.bytes);
}
