// Writes the instrumented module: its own sections in order, changed where they must be, and what was appended.
import { memoryImport } from '../../abi/guest-exports.ts';
import { type ByteSource, ByteWriter, sizeOfU32 } from '../binary/byte-writer.ts';
import { op } from '../binary/opcodes.ts';
import { type FunctionType, valueType } from '../binary/types.ts';
import { moduleLimits } from '../parse/limits.ts';
import { sectionOrder } from '../parse/parse-module.ts';
import type {
  ConstantExpression,
  CustomSection,
  ElementSegment,
  ExportKind,
} from '../parse/parsed-module.ts';
import type { Additions } from './additions.ts';
import { callTarget, exportTarget } from './call-wrappers.ts';

const header = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00] as const;
const exportKindCodes: Readonly<Record<ExportKind, number>> = { function: 0, table: 1, memory: 2, global: 3 };

type SectionWriter = (additions: Additions) => ByteSource | undefined;

export interface EmittedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The offset in the module of each body's first byte, appended ones included, in order. */
  readonly starts: Uint32Array;
}

const sectionWriters: Readonly<Record<(typeof sectionOrder)[number], SectionWriter>> = {
  1: writeTypes,
  2: writeImports,
  3: writeFunctions,
  4: writeTables,
  5: () => undefined,
  6: writeGlobals,
  7: writeExports,
  8: () => undefined,
  9: writeElements,
  12: writeDataCount,
  // Written where it stands, since it is nearly all of the module.
  10: () => undefined,
  11: writeData,
};

/** `bodies` are the rewritten bodies of the module's own functions, in order. */
export function emitModule(additions: Additions, bodies: readonly ByteSource[]): EmittedModule {
  // What these refer to may append functions, so they are written before anything is counted.
  const sections = new Map<number, ByteSource | undefined>();
  for (const id of [7, 9, 6, 1, 2, 3, 4, 12, 11] as const) sections.set(id, sectionWriters[id](additions));
  const code = new CodeSection([...bodies, ...additions.functions.map(({ body }) => body)]);
  sections.set(10, code);
  const out = new ByteWriter(sizeOf(additions, sections.values()));
  out.u8(...header);
  writeCustoms(out, additions, 0);
  for (const id of sectionOrder) {
    const section = sections.get(id);
    if (section !== undefined) out.u8(id).sized(section);
    writeCustoms(out, additions, id);
  }
  return { bytes: out.take(), starts: code.starts };
}

/** The size of the whole module. */
function sizeOf({ module }: Additions, sections: Iterable<ByteSource | undefined>): number {
  let total: number = header.length;
  const add = (size: number): void => {
    total += 1 + sizeOfU32(size) + size;
  };
  for (const section of sections) if (section !== undefined) add(section.size);
  for (const custom of module.customs) if (isKept(custom)) add(custom.payload.length);
  return total;
}

/** Hints, relocations, DWARF and maps to sources: what they say of places in code would be wrong. */
const countsCode = /^(metadata\.code\.|reloc\.|\.debug_|external_debug_info$|sourceMappingURL$)/;

/** Custom sections stay right, since no index changes; but for those that count bytes of code. */
function isKept({ name }: CustomSection): boolean {
  return !countsCode.test(name);
}

function writeCustoms(out: ByteWriter, additions: Additions, after: number): void {
  for (const custom of additions.module.customs) {
    if (custom.after === after && isKept(custom)) out.u8(0).u32(custom.payload.length).bytes(custom.payload);
  }
}

function writeTypes(additions: Additions): ByteWriter {
  const types: readonly FunctionType[] = [...additions.module.types, ...additions.types];
  const out = new ByteWriter().u32(types.length);
  for (const { params, results } of types) {
    out
      .u8(0x60)
      .u32(params.length)
      .u8(...params)
      .u32(results.length)
      .u8(...results);
  }
  return out;
}

function writeImports({ module }: Additions): ByteWriter {
  const out = new ByteWriter().u32(module.imports.length + (module.memory === undefined ? 0 : 1));
  for (const { module: from, name, typeIndex } of module.imports) {
    out.text(from).text(name).u8(0).u32(typeIndex);
  }
  if (module.memory !== undefined) {
    // Shared, with the greatest maximum there is, so that a memory of any maximum fits.
    out.text(memoryImport.module).text(memoryImport.name);
    out.u8(2, 3).u32(module.memory.min).u32(moduleLimits.memoryPagesMax);
  }
  return out;
}

function writeFunctions({ module, functions }: Additions): ByteWriter {
  const out = new ByteWriter().u32(module.functions.length + functions.length);
  for (const typeIndex of module.functions) out.u32(typeIndex);
  for (const { typeIndex } of functions) out.u32(typeIndex);
  return out;
}

function writeTables({ module, references }: Additions): ByteWriter | undefined {
  const count = module.tables.length + (references === undefined ? 0 : 1);
  if (count === 0) return undefined;
  const out = new ByteWriter().u32(count);
  for (const { min, max } of module.tables) {
    out.u8(valueType.funcref, max === undefined ? 0 : 1).u32(min);
    if (max !== undefined) out.u32(max);
  }
  if (references !== undefined) {
    out.u8(valueType.funcref, 1).u32(references.length).u32(references.length);
  }
  return out;
}

function writeConstant(out: ByteWriter, additions: Additions, expression: ConstantExpression): void {
  if (expression.functionIndex < 0) out.bytes(expression.bytes);
  else out.u8(op.refFunc).u32(callTarget(additions, expression.functionIndex));
  out.end();
}

function writeGlobals(additions: Additions): ByteWriter {
  const { module, globals } = additions;
  const out = new ByteWriter().u32(module.globals.length + globals.length);
  for (const { type, mutable, init } of module.globals) {
    out.u8(type, mutable ? 1 : 0);
    writeConstant(out, additions, init);
  }
  for (const { type, init } of globals) out.u8(type, 1).append(init).end();
  return out;
}

function writeExports(additions: Additions): ByteWriter {
  const { module, keptExports } = additions;
  const kept = module.exports.filter(({ name }) => keptExports?.has(name) !== false);
  const out = new ByteWriter().u32(kept.length + additions.exports.length);
  for (const { name, kind, index } of kept) {
    out.text(name).u8(exportKindCodes[kind]);
    out.u32(kind === 'function' ? exportTarget(additions, index) : index);
  }
  for (const { name, kind, index } of additions.exports) out.text(name).u8(exportKindCodes[kind]).u32(index);
  return out;
}

/**
 * Active segments become passive: `init` applies them. One more declares what code takes references of, and one fills
 * the appended table of references.
 */
function writeElements(additions: Additions): ByteWriter | undefined {
  const { elements, tables } = additions.module;
  const { referenced, references } = additions;
  const count = elements.length + (referenced.size > 0 ? 1 : 0) + (references === undefined ? 0 : 1);
  if (count === 0) return undefined;
  const out = new ByteWriter().u32(count);
  for (const element of elements) writeElementSegment(out, additions, element);
  if (referenced.size > 0) {
    out.u8(3, 0).u32(referenced.size);
    for (const index of referenced) out.u32(index);
  }
  if (references !== undefined) {
    out.u8(2).u32(tables.length).i32Const(0).end().u8(0).u32(references.length);
    for (const index of references) out.u32(index);
  }
  return out;
}

function writeElementSegment(out: ByteWriter, additions: Additions, element: ElementSegment): void {
  const declarative = element.mode === 'declarative' ? 2 : 0;
  out.u8(1 | declarative | (element.asExpressions ? 4 : 0));
  out.u8(element.asExpressions ? valueType.funcref : 0).u32(element.items.length);
  for (const item of element.items) {
    if (!element.asExpressions) out.u32(callTarget(additions, item));
    else if (item < 0) out.u8(op.refNull, valueType.funcref).end();
    else out.u8(op.refFunc).u32(callTarget(additions, item)).end();
  }
}

function writeDataCount({ module }: Additions): ByteWriter | undefined {
  return module.data.length === 0 && module.dataCount === undefined
    ? undefined
    : new ByteWriter().u32(module.data.length);
}

/** All bodies, each with its size in front. */
class CodeSection implements ByteSource {
  readonly size: number;
  /** Where each body's first byte came to stand. */
  readonly starts: Uint32Array;
  readonly #bodies: readonly ByteSource[];

  constructor(bodies: readonly ByteSource[]) {
    this.#bodies = bodies;
    this.starts = new Uint32Array(bodies.length);
    let size = sizeOfU32(bodies.length);
    for (const body of bodies) size += sizeOfU32(body.size) + body.size;
    this.size = size;
  }

  appendTo(out: ByteWriter): void {
    out.u32(this.#bodies.length);
    for (let index = 0; index < this.#bodies.length; index++) {
      const body = this.#bodies[index]!;
      out.u32(body.size);
      this.starts[index] = out.size;
      body.appendTo(out);
    }
  }
}

function writeData({ module }: Additions): ByteWriter | undefined {
  if (module.data.length === 0) return undefined;
  const out = new ByteWriter(4096).u32(module.data.length);
  for (const { bytes } of module.data) out.u8(1).u32(bytes.length).bytes(bytes);
  return out;
}
