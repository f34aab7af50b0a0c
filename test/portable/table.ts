// The table of a comparison: one row a cell, one column a part; what differs from the first row is marked.
import type { Cell } from './cells.ts';

export interface Result {
  readonly cell: Cell;
  /** What its Node says of itself. */
  readonly version: string;
  /** The digest of each part of the set. */
  readonly parts: Readonly<Record<string, string>>;
}

/** The parts in which not all results agree. */
export function differingParts(results: readonly Result[]): string[] {
  const names = new Set(results.flatMap(({ parts }) => Object.keys(parts)));
  return [...names].filter((name) => new Set(results.map(({ parts }) => parts[name])).size > 1);
}

export function table(results: readonly Result[]): string {
  const first = results[0]!.parts;
  const names = Object.keys(first);
  const shown = (name: string, digest: string | undefined): string =>
    `${digest?.slice(0, 8) ?? 'nothing'}${digest === first[name] ? '' : '*'}`;
  const head = ['Node', 'tier', 'processor', 'workers', ...names];
  const rows = results.map(({ cell: { tier, processor, workers }, version, parts }) => [
    version,
    tier,
    processor,
    String(workers),
    ...names.map((name) => shown(name, parts[name])),
  ]);
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
