// Packages that only some systems need. Each is loaded here, where it is wanted, and nowhere else.

import { EngineError } from '../base/errors.ts';
import { withoutSourcePlaces } from './source-places.ts';

/**
 * @param version only what is tested with
 * @param refused what cannot be done without it
 * @throws EngineError `model-runtime-missing` where it is not installed
 */
export async function importPackage<T>(name: string, version: string, refused: string): Promise<T> {
  try {
    return (await import(name)) as T;
  } catch (error) {
    throw new EngineError(
      'model-runtime-missing',
      `${refused}: the package "${name}" cannot be loaded (${firstLine(error)}). Wanted: npm install ${name}@${version}`,
      { package: name },
      error,
    );
  }
}

export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return withoutSourcePlaces(text.split('\n')[0] ?? '').slice(0, 300);
}
