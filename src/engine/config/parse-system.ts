// The doors by which a description becomes a checked system. No file is touched here.

import type { ZodType } from 'zod';
import { crossCheck } from './cross-checks.ts';
import type { FileSystem } from './file-form.ts';
import { addIssues } from './issues.ts';
import { copyJson, type JsonValue } from './json-value.ts';
import { ProblemList } from './problems.ts';
import type { SystemConfig } from './system-config.ts';
import { readToml } from './toml-source.ts';

/** A system file whose text is right; whether its modules exist is not known yet. */
export interface ParsedSystem {
  readonly system: FileSystem;
  /** Knows the places in the text, for problems found later. */
  readonly problems: ProblemList;
}

/**
 * Checks the text of a system file.
 *
 * @throws EngineError `config-invalid` with every problem in `details.problems`.
 */
export async function parseSystem(text: string, file: string): Promise<ParsedSystem> {
  const { system, problems } = await readSystem(text, file);
  problems.throwIfAny(`read ${JSON.stringify(file)}`);
  return { system: system as FileSystem, problems };
}

/** Like `parseSystem`, but leaves it to the caller to throw; `system` is undefined where the shape is not right. */
export async function readSystem(
  text: string,
  file: string,
): Promise<{ system: FileSystem | undefined; value: JsonValue; problems: ProblemList }> {
  const { value, problems, wellFormed } = await readToml(text, file);
  if (!wellFormed) return { system: undefined, value: null, problems };
  const { fileSchema } = await import('./schema.ts');
  return { system: check(value, fileSchema, problems), value, problems };
}

/** Checks a description in the form of a system file that came from a program. */
export async function readDescription(
  description: unknown,
): Promise<{ system: FileSystem | undefined; problems: ProblemList }> {
  const { fileSchema } = await import('./schema.ts');
  const problems = new ProblemList('');
  const value = copyJson(description, (path, message) => problems.addUnreadable(path, message)) ?? null;
  return { system: check(value, fileSchema, problems), problems };
}

/**
 * Checks the normalised form, as a record holds it. Nothing has a default here.
 *
 * @throws EngineError `config-invalid` with every problem in `details.problems`.
 */
export async function parseConfig(value: unknown): Promise<SystemConfig> {
  const { configSchema } = await import('./schema.ts');
  const problems = new ProblemList('');
  const copy = copyJson(value, (path, message) => problems.addUnreadable(path, message)) ?? null;
  const config = check(copy, configSchema, problems);
  for (const [index, agent] of (config?.agents ?? []).entries()) {
    if (agent.capabilities.some((name, i) => i > 0 && agent.capabilities[i - 1]! > name))
      problems.add(['agents', index, 'capabilities'], 'not sorted');
  }
  problems.throwIfAny('use this configuration');
  return config as SystemConfig;
}

function check<T>(value: JsonValue, schema: ZodType<T>, problems: ProblemList): T | undefined {
  const result = schema.safeParse(value);
  if (!result.success) addIssues(result.error.issues, value, schema, problems);
  crossCheck(value, problems);
  return result.data;
}
