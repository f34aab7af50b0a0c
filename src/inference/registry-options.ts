// What a program says of a model registry, looked at once: whatever it is, it is what it should be, or one error that
// tells what was found and what was wanted. Nothing is clamped, and nothing that is misspelt is passed over.

import { EngineError } from '../base/errors.ts';
import type { ModelRegistryOptions } from './model-registry.ts';
import { modes } from './runtime.ts';

/** As of a system file, from and up to. */
const ranges = {
  modelBytesMax: [1, Number.MAX_SAFE_INTEGER],
  outputBytesMax: [1, Number.POSITIVE_INFINITY],
  batchMax: [1, 1024],
  timeoutMs: [1, 86_400_000],
  loadTimeoutMs: [1, 86_400_000],
} as const satisfies Partial<Record<keyof ModelRegistryOptions, readonly [number, number]>>;

const names: ReadonlySet<string> = new Set([
  'repository',
  'pins',
  'mode',
  'onEvent',
  ...Object.keys(ranges),
] satisfies (keyof ModelRegistryOptions | string)[]);

/** @throws EngineError `input-invalid` */
export function checkRegistryOptions(options: unknown): asserts options is ModelRegistryOptions {
  if (!isTable(options)) throw wrong('its options are', options, 'a table with a "repository"');
  for (const name of Object.keys(options))
    if (!names.has(name)) throw wrong('it has the option', name, [...names].join(', '));
  const { repository, pins, mode, onEvent } = options;
  if (typeof repository !== 'string' || repository === '')
    throw wrong('its repository is', repository, 'the path of a folder');
  if (mode !== undefined && !modes.some((each) => each === mode))
    throw wrong('its mode is', mode, modes.map((each) => `"${each}"`).join(', '));
  for (const [name, [min, max]] of Object.entries(ranges)) {
    const value = options[name];
    if (value === undefined || (isWhole(value) && value >= min && value <= max)) continue;
    throw wrong(`its ${name} is`, value, `a whole number from ${min} to ${max}`);
  }
  if ((mode ?? 'portable') === 'portable' && options['timeoutMs'] !== undefined)
    throw wrong(
      'its timeoutMs is',
      options['timeoutMs'],
      'none in mode "portable", which waits for every answer',
    );
  if (onEvent !== undefined && typeof onEvent !== 'function')
    throw wrong('its onEvent is', onEvent, 'a function');
  if (pins !== undefined) checkPins(pins);
}

function checkPins(pins: unknown): void {
  if (!isTable(pins)) throw wrong('its pins are', pins, 'a table of models');
  for (const [id, versions] of Object.entries(pins)) {
    if (!isTable(versions)) throw wrong(`its pins of "${id}" are`, versions, 'a table of versions');
    for (const [version, pin] of Object.entries(versions)) {
      if (typeof pin === 'string' && /^[0-9a-f]{64}$/.test(pin)) continue;
      throw wrong(`its pin of "${id}/${version}" is`, pin, 'a SHA-256 in 64 digits 0-9 and a-f');
    }
  }
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value) || value === Number.POSITIVE_INFINITY;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(what: string, found: unknown, wanted: string): EngineError {
  const isShown = typeof found === 'number' || found === null || found === undefined;
  const shown = isShown ? String(found) : typeof found === 'string' ? JSON.stringify(found) : typeof found;
  return new EngineError('input-invalid', `Cannot open a model registry: ${what} ${shown}, wanted ${wanted}`);
}
