// What the schema library says about a value, in the words of this project: what was found, what was wanted.

import type { z } from 'zod';
import type { JsonPath, JsonValue } from './json-value.ts';
import { list, nearest, type ProblemList, quote } from './problems.ts';

type Issue = z.core.$ZodIssue;

/** Adds a problem for each thing in which `value` differs from what `schema` wants. */
export function addIssues(
  issues: readonly Issue[],
  value: JsonValue,
  schema: z.core.$ZodType,
  problems: ProblemList,
): void {
  for (const issue of issues) {
    const path = issue.path.filter((part) => typeof part !== 'symbol');
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      for (const key of issue.keys) problems.add([...path, key], unknownKey(key, known));
    } else {
      problems.add(path, foundWanted(valueAt(value, path), issue));
    }
  }
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: JsonPath): readonly string[] {
  let at: z.core.$ZodType | undefined = schema;
  for (const part of path) {
    const def: z.core.$ZodTypes['_zod']['def'] | undefined = at && definition(at);
    if (def?.type === 'object') at = def.shape[part];
    else if (def?.type === 'record') at = def.valueType;
    else if (def?.type === 'array') at = def.element;
    else return [];
  }
  const def = at && definition(at);
  return def?.type === 'object' ? Object.keys(def.shape) : [];
}

/** The definition below defaults and the like. */
function definition(schema: z.core.$ZodType): z.core.$ZodTypes['_zod']['def'] {
  const def = (schema as z.core.$ZodTypes)._zod.def;
  return 'innerType' in def ? definition(def.innerType) : def;
}

/** For a name that is not one of those that exist. */
function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  const hint = near === undefined ? `wanted one of ${list(known)}` : `did you mean ${quote(near)}?`;
  return `unknown key ${quote(key)}${known.length === 0 ? '' : `; ${hint}`}`;
}

function foundWanted(found: JsonValue | undefined, issue: Issue): string {
  const values = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  const near = typeof found === 'string' ? nearest(found, values) : undefined;
  const hint = near === undefined ? '' : `; did you mean ${quote(near)}?`;
  return `found ${quote(found)}, wanted ${issue.message}${hint}`;
}

function valueAt(value: JsonValue | undefined, path: JsonPath): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Readonly<Record<string | number, JsonValue>>)[part];
  }
  return at;
}
