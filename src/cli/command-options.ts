// Options that several commands have, and values of options: strict, in range, or one clear complaint.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { restartsMaxDefault, watchdogSecondsDefault } from './supervisor/messages.ts';

/** A parser of whole numbers in a range, for commander. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,16}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      `found ${JSON.stringify(text)}, wanted a whole number from ${min} to ${max}`,
    );
  };
}

/** A path that was really given: shells make empty words of unset variables. */
export function path(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('found an empty text, wanted a path');
}

/** A name that was really given. */
export function name(text: string): string {
  if (text !== '') return text;
  throw new InvalidArgumentError('found an empty text, wanted a name');
}

/** Most bytes of a range: more is no view for people. */
const rangeBytesMax = 1_048_576;

/** A range of memory as `start:length`, both decimal or with `0x` hexadecimal. */
export function byteRange(text: string): { readonly start: number; readonly length: number } {
  const match = /^(0x[0-9a-f]{1,8}|\d{1,10}):(0x[0-9a-f]{1,8}|\d{1,10})$/i.exec(text);
  const [start, length] = [Number(match?.[1]), Number(match?.[2])];
  if (match !== null && start < 2 ** 32 && length >= 1 && length <= rangeBytesMax) return { start, length };
  const wanted = `start:length, such as 0x400:256, with a length from 1 to ${rangeBytesMax}`;
  throw new InvalidArgumentError(`found ${JSON.stringify(text)}, wanted ${wanted}`);
}

type ModuleChoice = readonly [name: string, file: string];

/** One more `NAME=FILE`. */
export function moduleChoice(text: string, previous: readonly ModuleChoice[] = []): readonly ModuleChoice[] {
  const at = text.indexOf('=');
  const [name, file] = [text.slice(0, at), text.slice(at + 1)];
  if (at < 1 || file === '')
    throw new InvalidArgumentError(
      `found ${JSON.stringify(text)}, wanted NAME=FILE, such as trader=other.wasm`,
    );
  if (previous.some(([other]) => other === name))
    throw new InvalidArgumentError(`found ${JSON.stringify(name)} twice, wanted one module for each`);
  return [...previous, [name, file]];
}

/** One more of an option that may be repeated. */
export function another(text: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, name(text)];
}

/** What concerns the process that starts the engine's own process again where that dies. */
export function addSupervision(command: Command): Command {
  return command
    .addOption(
      new Option('--watchdog <seconds>', 'end an engine process that says nothing for so long; 0: never')
        .argParser(wholeNumber(0, 86_400))
        .default(watchdogSecondsDefault),
    )
    .addOption(
      new Option('--restarts <n>', 'restarts of the engine process without progress before giving up')
        .argParser(wholeNumber(0, 1_000_000))
        .default(restartsMaxDefault),
    )
    .option('--no-supervisor', 'run in one process, which nobody starts again');
}
