// Reads a module section by section. Refuses what this engine does not run, by name, before V8 ever sees the bytes.
import { enginePrefix } from '../../abi/guest-exports.ts';
import { ByteReader } from '../binary/byte-reader.ts';
import { refusal } from '../binary/refusal.ts';
import { valueType } from '../binary/types.ts';
import { moduleLimits } from './limits.ts';
import { parseConstantExpression, parseValueType } from './parse-constant.ts';
import { parseImports } from './parse-imports.ts';
import { parseDataSection, parseElementSection } from './parse-segments.ts';
import type { Export, ExportKind, Limits, ParsedModule } from './parsed-module.ts';

/** Section ids in the order in which sections must stand (the data count comes before the code). */
export const sectionOrder = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 10, 11] as const;

const sectionNames: readonly string[] = [
  'custom',
  'type',
  'import',
  'function',
  'table',
  'memory',
  'global',
  'export',
  'start',
  'element',
  'code',
  'data',
  'data count',
];

const sectionParsers: Readonly<Record<number, (reader: ByteReader, module: ParsedModule) => void>> = {
  1: parseTypes,
  2: parseImports,
  3: parseFunctions,
  4: parseTables,
  5: parseMemories,
  6: parseGlobals,
  7: parseExports,
  8: parseStart,
  9: parseElementSection,
  10: parseCode,
  11: parseDataSection,
  12: parseDataCount,
};

/**
 * Reads the whole module; code is only divided into bodies. `ownImports`: whether functions of other modules than the
 * engine's are taken.
 * @throws EngineError `module-refused`
 */
export function parseModule(bytes: Uint8Array, name: string, ownImports = false): ParsedModule {
  if (bytes.length > moduleLimits.moduleBytesMax) {
    throw refusal(name, `it has ${bytes.length} bytes, at most ${moduleLimits.moduleBytesMax} are taken`);
  }
  const module: ParsedModule = {
    name,
    bytes,
    ownImports,
    types: [],
    imports: [],
    functions: [],
    tables: [],
    memory: undefined,
    globals: [],
    exports: [],
    start: undefined,
    elements: [],
    dataCount: undefined,
    data: [],
    bodies: [],
    customs: [],
  };
  const reader = new ByteReader(bytes, name);
  checkHeader(reader);
  let last = -1;
  while (!reader.done()) last = parseSection(reader, module, last);
  checkWhole(module);
  return module;
}

function checkHeader(reader: ByteReader): void {
  const wanted = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  for (const [index, byte] of wanted.entries()) {
    if (index >= reader.end)
      throw reader.refuse(`truncated: it has ${reader.end} bytes, a header has 8`, index);
    if (reader.bytes[index] === byte) continue;
    const what =
      index < 4
        ? 'it is not a WebAssembly module: it does not begin with "\\0asm"'
        : 'it is not a core WebAssembly module of version 1';
    throw reader.refuse(what, index);
  }
  reader.offset = 8;
}

/** Answers the position of the section in `sectionOrder`, or the last one's for a custom section. */
function parseSection(reader: ByteReader, module: ParsedModule, last: number): number {
  const at = reader.offset;
  const id = reader.u8('a section id');
  const section = sectionNames[id];
  if (id === 13) throw reader.refuse('it has a tag section (exceptions), which is not taken', at);
  if (section === undefined) throw reader.refuse(`it has a section of the unknown id ${id}`, at);
  const size = reader.u32(`the size of the ${section} section`);
  const body = reader.slice(size, `the ${section} section`, section);
  if (id === 0) {
    const name = body.text('the name of a custom section');
    const payload = reader.bytes.subarray(reader.offset - size, reader.offset);
    module.customs.push({ after: last < 0 ? 0 : sectionOrder[last]!, name, payload });
    return last;
  }
  const position = sectionOrder.indexOf(id as (typeof sectionOrder)[number]);
  if (position <= last) throw reader.refuse(`the ${section} section is out of order or there twice`, at);
  sectionParsers[id]!(body, module);
  body.expectDone(`the ${section} section`);
  return position;
}

function checkWhole(module: ParsedModule): void {
  const { name, bytes, functions, bodies, data, dataCount } = module;
  if (functions.length !== bodies.length) {
    const what = `it declares ${functions.length} functions and has ${bodies.length} bodies`;
    throw refusal(name, what, 'code', bytes.length);
  }
  if (dataCount !== undefined && dataCount !== data.length) {
    const what = `its data count says ${dataCount}, it has ${data.length} data segments`;
    throw refusal(name, what, 'data', bytes.length);
  }
}

function parseTypes(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('types', moduleLimits.typesMax);
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const form = reader.u8('the form of a type');
    if (form >= 0x4e && form <= 0x5f)
      throw reader.refuse('it has garbage-collected types, which are not taken', at);
    if (form !== 0x60)
      throw reader.refuse(`found the type form 0x${form.toString(16)}, wanted a function type`, at);
    const params = parseTypeList(reader, 'parameters', moduleLimits.parametersMax);
    const results = parseTypeList(reader, 'results', moduleLimits.resultsMax);
    module.types.push({ params, results });
  }
}

function parseTypeList(reader: ByteReader, what: string, max: number): number[] {
  const count = reader.count(what, max);
  return Array.from({ length: count }, () => parseValueType(reader));
}

function parseFunctions(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('functions', moduleLimits.functionsMax);
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const typeIndex = reader.u32('a type index');
    if (typeIndex >= module.types.length)
      throw reader.refuse(`function ${index} has the unknown type ${typeIndex}`, at);
    module.functions.push(typeIndex);
  }
}

/** The limits of a table or memory (section 5.3.9). */
function parseLimits(reader: ByteReader, what: string): Limits {
  const at = reader.offset;
  const flags = reader.u8(`the limits of a ${what}`);
  if (flags === 2 || flags === 3)
    throw reader.refuse(`it has a shared ${what} (threads), which is not taken`, at);
  if (flags >= 4 && flags <= 7)
    throw reader.refuse(`it has a 64-bit ${what} (memory64), which is not taken`, at);
  if (flags > 7) throw reader.refuse(`found the limits flag 0x${flags.toString(16)}, wanted 0 or 1`, at);
  const min = reader.u32(`the minimum of a ${what}`);
  if (flags === 0) return { min };
  const max = reader.u32(`the maximum of a ${what}`);
  if (min > max) throw reader.refuse(`a ${what} has the minimum ${min} above its maximum ${max}`, at);
  return { min, max };
}

function parseTables(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('tables', moduleLimits.tablesMax);
  let elements = 0;
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const type = reader.u8('the element type of a table');
    if (type === 0x6f) throw reader.refuse('it has a table of externref, only funcref is taken', at);
    if (type !== valueType.funcref) {
      throw reader.refuse(`found a table of 0x${type.toString(16)}, only funcref is taken`, at);
    }
    const limits = parseLimits(reader, 'table');
    elements += limits.min;
    if (elements > moduleLimits.tableElementsMax) {
      throw reader.refuse(
        `its tables have ${elements} elements, at most ${moduleLimits.tableElementsMax} are taken`,
        at,
      );
    }
    module.tables.push(limits);
  }
}

function parseMemories(reader: ByteReader, module: ParsedModule): void {
  const at = reader.offset;
  const count = reader.u32('the number of memories');
  if (count > 1) throw reader.refuse(`it has ${count} memories (multi-memory), one is taken`, at);
  if (count === 0) return;
  const limits = parseLimits(reader, 'memory');
  for (const pages of [limits.min, limits.max ?? 0]) {
    if (pages <= moduleLimits.memoryPagesMax) continue;
    throw reader.refuse(
      `its memory has ${pages} pages, at most ${moduleLimits.memoryPagesMax} are taken`,
      at,
    );
  }
  module.memory = limits;
}

function parseGlobals(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('globals', moduleLimits.globalsMax);
  let mutables = 0;
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const type = parseValueType(reader);
    const mutability = reader.u8('the mutability of a global');
    if (mutability > 1) throw reader.refuse(`found the mutability ${mutability}, wanted 0 or 1`, at);
    if (mutability === 1 && type === valueType.funcref) {
      throw reader.refuse('it has a mutable global of funcref, whose state cannot be kept', at);
    }
    mutables += mutability;
    if (mutables > moduleLimits.mutableGlobalsMax) {
      throw reader.refuse(`it has more than ${moduleLimits.mutableGlobalsMax} mutable globals`, at);
    }
    const init = parseConstantExpression(reader);
    if (init.type !== type) throw reader.refuse('a global and its initial value differ in type', at);
    module.globals.push({ type, mutable: mutability === 1, init });
  }
}

function parseExports(reader: ByteReader, module: ParsedModule): void {
  const kinds: readonly ExportKind[] = ['function', 'table', 'memory', 'global'];
  const count = reader.count('exports', moduleLimits.exportsMax);
  const names = new Set<string>();
  for (let position = 0; position < count; position++) {
    const at = reader.offset;
    const name = reader.text('the name of an export');
    if (name.startsWith(enginePrefix)) {
      throw reader.refuse(
        `it exports "${name}"; names that begin with "${enginePrefix}" belong to the engine`,
        at,
      );
    }
    if (names.has(name)) throw reader.refuse(`it exports "${name}" twice`, at);
    names.add(name);
    const kind = kinds[reader.u8('the kind of an export')];
    if (kind === undefined) throw reader.refuse(`the export "${name}" is of an unknown kind`, at);
    const index = reader.u32('the index of an export');
    checkExport(reader, module, { name, kind, index }, at);
    module.exports.push({ name, kind, index });
  }
}

function checkExport(reader: ByteReader, module: ParsedModule, item: Export, at: number): void {
  const sizes = {
    function: module.imports.length + module.functions.length,
    table: module.tables.length,
    memory: module.memory === undefined ? 0 : 1,
    global: module.globals.length,
  };
  if (item.index < sizes[item.kind]) return;
  throw reader.refuse(`it exports "${item.name}", the ${item.kind} ${item.index}, which does not exist`, at);
}

function parseStart(reader: ByteReader, module: ParsedModule): void {
  const at = reader.offset;
  module.start = reader.u32('the start function');
  if (module.start >= module.imports.length + module.functions.length) {
    throw reader.refuse(`its start function ${module.start} does not exist`, at);
  }
}

function parseDataCount(reader: ByteReader, module: ParsedModule): void {
  module.dataCount = reader.u32('the number of data segments');
}

function parseCode(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('function bodies', moduleLimits.functionsMax);
  for (let index = 0; index < count; index++) {
    const size = reader.u32('the size of a function body');
    const body = reader.slice(size, 'a function body');
    const groups = body.count('groups of locals', moduleLimits.localsMax);
    const locals = [];
    let localCount = 0;
    for (let group = 0; group < groups; group++) {
      const at = body.offset;
      const groupCount = body.u32('the number of locals');
      localCount += groupCount;
      if (localCount > moduleLimits.localsMax) {
        throw body.refuse(
          `a function has ${localCount} locals, at most ${moduleLimits.localsMax} are taken`,
          at,
        );
      }
      locals.push({ count: groupCount, type: parseValueType(body) });
    }
    module.bodies.push({ locals, localCount, start: body.offset, end: body.end });
  }
}
