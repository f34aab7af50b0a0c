// The table's cells: versions of Node, tiers of V8, processors and numbers of workers; and the nine that meet every pair.

export const versions = ['22', '24', '26'] as const;
export const tiers = ['default', 'liftoff', 'turbofan'] as const;
export const processors = ['x64', 'arm64'] as const;
export const workerCounts = [0, 2] as const;

export interface Cell {
  readonly version: (typeof versions)[number];
  readonly tier: (typeof tiers)[number];
  /** `windows x64` is Windows' Node under Wine. */
  readonly processor: (typeof processors)[number] | 'windows x64';
  readonly workers: (typeof workerCounts)[number];
}

const tierFlags: Readonly<Record<Cell['tier'], readonly string[]>> = {
  default: [],
  liftoff: ['--liftoff-only'],
  turbofan: ['--no-liftoff'],
};

/** Other instructions for the same code. */
const olderProcessor = ['--no-enable-avx', '--no-enable-avx2', '--no-enable-fma3', '--no-enable-popcnt'];

/**
 * What V8 is started with. A cell with workers stands for a lesser machine: it has an older processor, and holds 400
 * pages a memory at most, where the limits of the modules allow more.
 */
export function flagsOf({ tier, workers, processor }: Cell): readonly string[] {
  if (workers === 0) return tierFlags[tier];
  return [...tierFlags[tier], '--wasm-max-mem-pages=400', ...(processor === 'arm64' ? [] : olderProcessor)];
}

export const allCells: readonly Cell[] = versions.flatMap((version) =>
  tiers.flatMap((tier) =>
    processors.flatMap((processor) => workerCounts.map((workers) => ({ version, tier, processor, workers }))),
  ),
);

/** Wine runs no newer one. */
export const windowsCells: readonly Cell[] = tiers.flatMap((tier) =>
  workerCounts.map((workers) => ({ version: '22', tier, processor: 'windows x64', workers })),
);

/** Every version meets every tier, so fewer than nine cannot meet every pair; only three of these are arm64. */
export const pairwiseCells: readonly Cell[] = versions.flatMap((version, row) =>
  tiers.map((tier, column): Cell => {
    const processor = (row + column) % 3 === 0 ? 'arm64' : 'x64';
    return { version, tier, processor, workers: row === column ? 2 : 0 };
  }),
);

/** The pairs of values that a cell meets, two different properties each. */
export function pairsOf(cell: Cell): string[] {
  const entries = Object.entries(cell);
  return entries.flatMap(([name, value], index) =>
    entries.slice(index + 1).map(([other, second]) => `${name} ${value}, ${other} ${second}`),
  );
}

/** How many of all pairs these cells meet, and how many there are. */
export function pairsMet(cells: readonly Cell[]): readonly [number, number] {
  const all = new Set(allCells.flatMap(pairsOf));
  const met = new Set(cells.flatMap(pairsOf).filter((pair) => all.has(pair)));
  return [met.size, all.size];
}

export function nameOf({ version, tier, processor, workers }: Cell): string {
  return `Node ${version}, ${tier}, ${processor}, ${workers} workers`;
}

/** What must differ when a protection is left out, and between which cells: few, since they run beside every table. */
export interface Contrast {
  readonly cells: readonly Cell[];
  readonly columns: readonly string[];
}

const plenty: Cell = { version: '22', tier: 'turbofan', processor: 'x64', workers: 0 };
const scarce: Cell = { version: '26', tier: 'liftoff', processor: 'x64', workers: 2 };
const emulated: Cell = { version: '24', tier: 'default', processor: 'arm64', workers: 0 };

export const contrasts: Readonly<Record<string, Contrast>> = {
  nan: { cells: [plenty, scarce, emulated], columns: ['nan f32', 'nan f64', 'nan simd'] },
  stack: { cells: [plenty, scarce], columns: ['recursion'] },
  growth: { cells: [plenty, scarce], columns: ['growth'] },
  fuel: { cells: [plenty, scarce], columns: ['fuel'] },
  refusal: { cells: [plenty, emulated], columns: ['refusal'] },
};
