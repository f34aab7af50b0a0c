// The door of the instrumentation for programs without types: what is given must be what was wanted. Decides nothing.
import { EngineError } from '../base/errors.ts';
import type { Protections } from './append/additions.ts';

const protectionNames: readonly string[] = ['fuel', 'stack', 'nan', 'growth'] satisfies (keyof Protections)[];

const kinds: Readonly<Record<string, readonly [accepts: (value: unknown) => boolean, wanted: string]>> = {
  name: [(value) => typeof value === 'string', 'a text'],
  stackBytesMax: [
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 31,
    'a whole number from 0 to 2^31 - 1',
  ],
  agent: [(value) => typeof value === 'boolean', 'true or false'],
  ownImports: [(value) => typeof value === 'boolean', 'true or false'],
  protections: [(value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'an object'],
};

/** @throws EngineError `config-invalid` that names what was found and what was wanted */
export function checkInstrumentArguments(bytes: unknown, options: unknown): void {
  if (!(bytes instanceof Uint8Array))
    throw invalid(`found ${kindOf(bytes)}, wanted its bytes in a Uint8Array`);
  if (typeof options !== 'object' || options === null) {
    throw invalid(`found ${kindOf(options)} as options, wanted an object`);
  }
  for (const [key, value] of Object.entries(options)) {
    const kind = Object.hasOwn(kinds, key) ? kinds[key] : undefined;
    if (kind === undefined) throw invalid(`it has no option "${key}", but ${Object.keys(kinds).join(', ')}`);
    const [accepts, wanted] = kind;
    if (value !== undefined && !accepts(value)) {
      throw invalid(`found the option "${key}" as ${shown(value)}, wanted ${wanted}`);
    }
  }
  if (Reflect.get(options, 'agent') === true && Reflect.get(options, 'ownImports') === true) {
    throw invalid('found the options "agent" and "ownImports", but an agent imports from the engine alone');
  }
  checkProtections((options as { readonly protections?: object }).protections ?? {});
}

/** What is misspelt or `undefined` here would leave runs that differ between machines, without a word. */
function checkProtections(given: object): void {
  for (const [key, value] of Object.entries(given)) {
    if (!protectionNames.includes(key)) {
      throw invalid(`it has no protection "${key}", but ${protectionNames.join(', ')}`);
    }
    if (typeof value === 'boolean') continue;
    throw invalid(`found the protection "${key}" as ${shown(value)}, wanted true or false`);
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : typeof value;
}

function shown(value: unknown): string {
  return typeof value === 'object' || typeof value === 'function'
    ? kindOf(value)
    : JSON.stringify(String(value));
}

function invalid(what: string): EngineError {
  return new EngineError('config-invalid', `Cannot instrument a module: ${what}`);
}
