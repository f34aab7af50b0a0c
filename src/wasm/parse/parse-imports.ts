// The import section: only host functions that exist, with the types they have; and, where they are asked for, other
// functions of numbers.
import { memoryImport } from '../../abi/guest-exports.ts';
import {
  type HostFunctionName,
  hostFunctions,
  hostFunctionsNotYet,
  hostModule,
} from '../../abi/host-functions.ts';
import type { ByteReader } from '../binary/byte-reader.ts';
import { type FunctionType, functionTypesEqual, functionTypeText, valueType } from '../binary/types.ts';
import { moduleLimits } from './limits.ts';
import type { ParsedModule } from './parsed-module.ts';

const otherKinds: readonly string[] = ['function', 'table', 'memory', 'global', 'tag'];

export function parseImports(reader: ByteReader, module: ParsedModule): void {
  const count = reader.count('imports', moduleLimits.functionsMax);
  for (let position = 0; position < count; position++) {
    const at = reader.offset;
    const from = reader.text('the module of an import');
    const field = reader.text('the name of an import');
    const full = `${from}.${field}`;
    const kind = reader.u8('the kind of an import');
    if (kind !== 0) throw reader.refuse(otherKindText(full, kind), at);
    const typeIndex = reader.u32('the type of an import');
    const host =
      module.ownImports && from !== hostModule ? undefined : hostFunctionName(reader, from, field, at);
    const found = module.types[typeIndex];
    if (found === undefined)
      throw reader.refuse(`it imports "${full}" with the unknown type ${typeIndex}`, at);
    if (host === undefined) checkOwnType(reader, full, found, at);
    else checkHostType(reader, full, found, host, at);
    module.imports.push({ module: from, name: field, typeIndex, host });
  }
}

function checkHostType(
  reader: ByteReader,
  full: string,
  found: FunctionType,
  host: HostFunctionName,
  at: number,
): void {
  const wanted = hostFunctionType(host);
  if (functionTypesEqual(found, wanted)) return;
  throw reader.refuse(
    `it imports "${full}" as ${functionTypeText(found)}, wanted ${functionTypeText(wanted)}`,
    at,
  );
}

/** JavaScript can pass no vector, and a function that it is given could be called past what its export does. */
function checkOwnType(reader: ByteReader, full: string, found: FunctionType, at: number): void {
  const crosses = [...found.params, ...found.results].every(
    (type) => type !== valueType.v128 && type !== valueType.funcref,
  );
  if (crosses) return;
  throw reader.refuse(`it imports "${full}" as ${functionTypeText(found)}, wanted numbers alone`, at);
}

function otherKindText(full: string, kind: number): string {
  const what = otherKinds[kind];
  if (full === `${memoryImport.module}.${memoryImport.name}`) return 'it is instrumented already';
  if (what === undefined) return `it imports "${full}" of the unknown kind ${kind}`;
  const hint = kind === 2 ? '; define and export the memory instead' : '';
  return `it imports the ${what} "${full}", only functions of "${hostModule}" are taken${hint}`;
}

function hostFunctionName(reader: ByteReader, from: string, field: string, at: number): HostFunctionName {
  if (from !== hostModule) {
    throw reader.refuse(`it imports "${from}.${field}", only imports from "${hostModule}" are taken`, at);
  }
  if (hostFunctionsNotYet.includes(field)) {
    throw reader.refuse(`it imports "${from}.${field}", which this version does not have`, at);
  }
  if (!Object.hasOwn(hostFunctions, field)) {
    throw reader.refuse(`it imports "${from}.${field}", which is no host function`, at);
  }
  return field as HostFunctionName;
}

export function hostFunctionType(name: HostFunctionName): FunctionType {
  const params = new Array<number>(hostFunctions[name].parameters).fill(valueType.i32);
  return { params, results: [valueType.i32] };
}
