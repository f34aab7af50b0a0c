// The table's cells: versions of Node, tiers of V8, processors and numbers of workers; and the few that meet every pair.

export const versions = ['22', '24', '26'] as const;
export const tiers = ['default', 'liftoff', 'turbofan'] as const;
export const processors = ['x64', 'arm64'] as const;
export const workerCounts = [0, 2] as const;

export interface Cell {
  readonly version: (typeof versions)[number];
  readonly tier: (typeof tiers)[number];
  readonly processor: (typeof processors)[number];
  readonly workers: (typeof workerCounts)[number];
}

export const tierFlags: Readonly<Record<Cell['tier'], readonly string[]>> = {
  default: [],
  liftoff: ['--liftoff-only'],
  turbofan: ['--no-liftoff'],
};

export const allCells: readonly Cell[] = versions.flatMap((version) =>
  tiers.flatMap((tier) =>
    processors.flatMap((processor) => workerCounts.map((workers) => ({ version, tier, processor, workers }))),
  ),
);

/** The pairs of values that a cell meets, two different properties each. */
export function pairsOf(cell: Cell): string[] {
  const entries = Object.entries(cell);
  return entries.flatMap(([name, value], index) =>
    entries.slice(index + 1).map(([other, second]) => `${name} ${value}, ${other} ${second}`),
  );
}

/** `count` cells, each the one that meets most pairs which those before it do not; the first of equals. */
export function chooseCells(cells: readonly Cell[], count: number): Cell[] {
  const chosen: Cell[] = [];
  const met = new Set<string>();
  while (chosen.length < Math.min(count, cells.length)) {
    let [best, most] = [cells[0]!, -1];
    for (const cell of cells) {
      if (chosen.includes(cell)) continue;
      const fresh = pairsOf(cell).filter((pair) => !met.has(pair)).length;
      if (fresh > most) [best, most] = [cell, fresh];
    }
    chosen.push(best);
    for (const pair of pairsOf(best)) met.add(pair);
  }
  return chosen;
}

/** How many pairs of `cells` the chosen ones meet, and how many there are. */
export function pairsMet(chosen: readonly Cell[], cells: readonly Cell[]): readonly [number, number] {
  return [new Set(chosen.flatMap(pairsOf)).size, new Set(cells.flatMap(pairsOf)).size];
}
