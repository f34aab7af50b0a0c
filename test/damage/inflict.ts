// Flips bits and cuts files of a subject, one damage at a time, and counts what becomes of it.

import type { Subject, Verdict } from './subjects.ts';

export interface Inflicted {
  readonly flips: Record<Verdict, number>;
  readonly cuts: Record<Verdict, number>;
}

/**
 * Goes through every bit and every length of the subject's files, or through those that `isChosen` takes. Throws at the
 * first damage that goes unseen.
 */
export function inflict(
  { files, storage, judge }: Subject,
  isChosen: (number: number) => boolean = () => true,
): Inflicted {
  const flips = { refused: 0, healed: 0 };
  const cuts = { refused: 0, healed: 0 };
  let number = 0;
  for (const file of files) {
    const bytes = storage.files.get(file)!;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      if (!isChosen(number++)) continue;
      const [at, mask] = [bit >> 3, 1 << (bit & 7)];
      bytes[at]! ^= mask;
      flips[judge(`bit ${bit & 7} of byte ${at} of "${file}" flipped`)]++;
      bytes[at]! ^= mask;
    }
    for (let size = 0; size < bytes.length; size++) {
      if (!isChosen(number++)) continue;
      storage.files.set(file, bytes.slice(0, size));
      cuts[judge(`"${file}" cut to ${size} bytes`)]++;
    }
    storage.files.set(file, bytes);
  }
  return { flips, cuts };
}
