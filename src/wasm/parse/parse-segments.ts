// Element and data segments (section 5.5.12 and 5.5.14).
import type { ByteReader } from '../binary/byte-reader.ts';
import { valueType } from '../binary/types.ts';
import { moduleLimits } from './limits.ts';
import { parseConstantExpression, parseReferenceType } from './parse-constant.ts';
import type { ElementSegment, ParsedModule } from './parsed-module.ts';

export function parseElementSection(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('element segments', moduleLimits.segmentsMax);
  let items = 0;
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const segment = parseElementSegment(reader, module);
    module.elements.push(segment);
    items += segment.items.length;
    if (items <= moduleLimits.tableElementsMax) continue;
    throw reader.refuse(
      `its element segments have ${items} elements, at most ${moduleLimits.tableElementsMax} are taken`,
      at,
    );
  }
}

function parseElementSegment(reader: ByteReader, module: ParsedModule): ElementSegment {
  const at = reader.offset;
  const flags = reader.u32('the kind of an element segment');
  if (flags > 7) throw reader.refuse(`found the element segment kind ${flags}, wanted 0 to 7`, at);
  const active = (flags & 1) === 0;
  const explicit = (flags & 2) !== 0;
  const asExpressions = (flags & 4) !== 0;
  const table = active && explicit ? reader.u32('a table index') : 0;
  const offset = active ? parseOffset(reader, 'an element segment') : 0;
  if (active && table >= module.tables.length) {
    throw reader.refuse(`an element segment is for table ${table}, which does not exist`, at);
  }
  if (!active || explicit) parseElementKind(reader, asExpressions);
  const count = reader.count('elements', moduleLimits.tableElementsMax);
  const items = [];
  for (let index = 0; index < count; index++) items.push(parseItem(reader, module, asExpressions));
  const mode = active ? 'active' : explicit ? 'declarative' : 'passive';
  return { mode, table, offset, asExpressions, items };
}

function parseElementKind(reader: ByteReader, asExpressions: boolean): void {
  if (asExpressions) {
    parseReferenceType(reader);
    return;
  }
  const at = reader.offset;
  const kind = reader.u8('the kind of elements');
  if (kind !== 0) throw reader.refuse(`found the element kind ${kind}, wanted 0`, at);
}

function parseItem(reader: ByteReader, module: ParsedModule, asExpression: boolean): number {
  const at = reader.offset;
  let index: number;
  if (asExpression) {
    const expression = parseConstantExpression(reader);
    if (expression.type !== valueType.funcref)
      throw reader.refuse('found an element that is no reference', at);
    index = expression.functionIndex;
  } else {
    index = reader.u32('a function index');
  }
  if (index >= module.imports.length + module.functions.length) {
    throw reader.refuse(`an element segment names function ${index}, which does not exist`, at);
  }
  return index;
}

/** The place of an active segment, as an unsigned number. */
function parseOffset(reader: ByteReader, what: string): number {
  const at = reader.offset;
  const expression = parseConstantExpression(reader);
  if (expression.type !== valueType.i32) throw reader.refuse(`the offset of ${what} is not an i32`, at);
  return expression.i32;
}

export function parseDataSection(reader: ByteReader, module: ParsedModule): void {
  const at = reader.offset;
  const count = reader.count('data segments', moduleLimits.segmentsMax);
  const together = module.elements.length + count;
  if (together > moduleLimits.segmentsMax) {
    throw reader.refuse(
      `it has ${together} element and data segments, at most ${moduleLimits.segmentsMax} are taken`,
      at,
    );
  }
  for (let index = 0; index < count; index++) {
    const at = reader.offset;
    const flags = reader.u32('the kind of a data segment');
    if (flags > 2) throw reader.refuse(`found the data segment kind ${flags}, wanted 0 to 2`, at);
    const memory = flags === 2 ? reader.u32('a memory index') : 0;
    const active = flags !== 1;
    if (active && (memory > 0 || module.memory === undefined)) {
      throw reader.refuse(`a data segment is for memory ${memory}, which does not exist`, at);
    }
    const offset = active ? parseOffset(reader, 'a data segment') : 0;
    const size = reader.u32('the size of a data segment');
    const start = reader.offset;
    reader.skip(size, 'a data segment');
    module.data.push({
      mode: active ? 'active' : 'passive',
      offset,
      bytes: reader.bytes.subarray(start, reader.offset),
    });
  }
}
