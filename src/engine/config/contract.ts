// Contracts of topics: JSON Schema (draft 2020-12), of which only what takes time linear in the payload is let in.

import { createRequire } from 'node:module';
import type { Ajv2020 } from 'ajv/dist/2020.js';
import { decodeUtf8 } from '../../base/encoding.ts';
import { asTable, type JsonPath, type JsonValue } from './json-value.ts';
import { list, type ProblemList, quote } from './problems.ts';

/** Keywords whose value is a schema, a list of schemas, or a table of schemas. */
const schemaKeywords = [
  'items',
  'contains',
  'not',
  'additionalProperties',
  'propertyNames',
  'if',
  'then',
  'else',
];
const listKeywords = ['prefixItems', 'allOf', 'anyOf', 'oneOf'];
const plainKeywords = [
  ...['$schema', 'title', 'description', 'examples', 'default', 'type', 'enum', 'const', 'required'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['minItems', 'maxItems', 'minProperties', 'maxProperties', 'minContains', 'maxContains'],
];
const depthMax = 32;

/**
 * Adds a problem for each construct that may take more than linear time (patterns, `uniqueItems`, references), and for
 * what is no schema at all.
 */
export function checkContract(contract: JsonValue, path: JsonPath, problems: ProblemList): void {
  const before = problems.count;
  checkSchema(contract, path, problems, 0);
  if (problems.count > before) return;
  try {
    createValidator().compile(contract as object | boolean);
  } catch (error) {
    problems.add(path, `not a JSON Schema: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function checkSchema(schema: JsonValue, path: JsonPath, problems: ProblemList, depth: number): void {
  if (typeof schema === 'boolean') return;
  const table = asTable(schema);
  if (table === undefined || depth > depthMax) {
    const found = depth > depthMax ? `schemas nested deeper than ${depthMax}` : quote(schema);
    problems.add(path, `found ${found}, wanted a JSON Schema`);
    return;
  }
  for (const [keyword, value] of Object.entries(table)) {
    const at = [...path, keyword];
    if (schemaKeywords.includes(keyword)) checkSchema(value, at, problems, depth + 1);
    else if (listKeywords.includes(keyword))
      checkAll(Array.isArray(value) ? value.entries() : [], at, problems, depth);
    else if (keyword === 'properties') checkAll(Object.entries(asTable(value) ?? {}), at, problems, depth);
    else if (!plainKeywords.includes(keyword)) {
      const known = list([...plainKeywords, 'properties', ...schemaKeywords, ...listKeywords]);
      problems.add(
        at,
        `${quote(keyword)} is not for contracts, which take linear time; wanted one of ${known}`,
      );
    }
  }
}

function checkAll(
  entries: Iterable<readonly [string | number, JsonValue]>,
  path: JsonPath,
  problems: ProblemList,
  depth: number,
): void {
  for (const [key, value] of entries) checkSchema(value, [...path, key], problems, depth + 1);
}

/** A pure check of payloads: UTF-8, JSON, and the schema. Only for contracts that `checkContract` let in. */
export function compileContract(contract: JsonValue): (payload: Uint8Array) => boolean {
  const validate = createValidator().compile(contract as object | boolean);
  return (payload) => {
    const text = decodeUtf8(payload);
    if (text === undefined) return false;
    try {
      return validate(JSON.parse(text)) === true;
    } catch {
      return false;
    }
  };
}

/** Loaded only by systems that have contracts. */
function createValidator(): Ajv2020 {
  const require = createRequire(import.meta.url);
  const { Ajv2020: Validator } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
  const lenient = { strictTypes: false, strictRequired: false };
  return new Validator({ strict: true, ...lenient, ownProperties: true, allErrors: false });
}
