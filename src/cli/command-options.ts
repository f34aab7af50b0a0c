// Values of options: strict, in range, or one clear complaint.

import { InvalidArgumentError } from 'commander';

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
