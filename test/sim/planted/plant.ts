// A deliberate mistake, and how it gets into a file. `find` is a text that stands once in the file; where it is gone,
// whoever changed the code says how the same mistake looks now.

export interface Replacement {
  readonly find: string;
  readonly replace: string;
}

export interface PlantedBug extends Replacement {
  readonly name: string;
  readonly file: string;
  /** A second replacement in the same file. */
  readonly also?: Replacement;
}

/** The file with the mistake in it; undefined where a text does not stand there exactly once. */
export function plant(bug: PlantedBug, text: string): string | undefined {
  let planted = text;
  for (const { find, replace } of bug.also === undefined ? [bug] : [bug, bug.also]) {
    if (planted.split(find).length !== 2) return undefined;
    planted = planted.replace(find, () => replace);
  }
  return planted;
}
