// The same bits everywhere: runs one set of modules and systems under several versions of Node, tiers of V8, processors
// and numbers of workers, and prints one table; then leaves out one protection after the other, and the table must
// differ. npm run test:portable [-- --pairs] [--without PROTECTION]. What a machine lacks is skipped, and said.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import fc from 'fast-check';
import { generatedSystem } from '../src/engine/testing/generated-system.ts';
import {
  allCells,
  type Cell,
  contrasts,
  flagsOf,
  nameOf,
  pairsMet,
  pairwiseCells,
  windowsCells,
} from '../test/portable/cells.ts';
import { portableModules } from '../test/portable/portable-modules.ts';
import { runNode, type Start, startOf } from '../test/portable/start-node.ts';
import { differingParts, type Result, table } from '../test/portable/table.ts';
import { programOf } from './command-line.ts';

const program = join(dirname(import.meta.dirname), 'test', 'portable', 'run-set.ts');
const cellMs = 20 * 60_000;
const randomPrograms = 24;
const systemsGenerated = 4;

const counts = { passed: 0, failed: 0, skipped: 0 };
const starts = new Map<string, Start>();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function writeSet(folder: string): void {
  writeFileSync(join(folder, 'modules.json'), JSON.stringify(portableModules(randomPrograms)));
  const systems = fc.sample(generatedSystem, { seed: 20, numRuns: systemsGenerated });
  writeFileSync(join(folder, 'systems.json'), JSON.stringify(systems));
}

async function runCell(
  cell: Cell,
  command: readonly string[],
  set: string,
  without?: string,
): Promise<Result> {
  const leftOut = without === undefined ? [] : ['--without', without];
  const flags = [...flagsOf(cell), '--disable-warning=ExperimentalWarning'];
  const workers = ['--workers', String(cell.workers)];
  try {
    const text = await runNode(command, [...flags, program, set, ...workers, ...leftOut], cellMs);
    const { node, parts } = JSON.parse(text) as { node: string; parts: Record<string, string> };
    return { cell, version: node, parts };
  } catch (error) {
    throw new Error(`${nameOf(cell)} ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

/** Which of the cells this machine can start; each Node that it cannot is said once. */
function startable(cells: readonly Cell[]): { cell: Cell; command: readonly string[] }[] {
  return cells.flatMap((cell) => {
    const key = `Node ${cell.version} on ${cell.processor}`;
    const known = starts.get(key);
    const start = known ?? startOf(cell);
    starts.set(key, start);
    if ('command' in start) return [{ cell, command: start.command }];
    if (known === undefined) say(`skipped: ${key}, wanted ${start.missing}`);
    return [];
  });
}

async function runCells(cells: readonly Cell[], set: string, without?: string): Promise<Result[]> {
  const waiting = startable(cells);
  const results = new Map<Cell, Result>();
  const work = async (fits: (cell: Cell) => boolean): Promise<void> => {
    for (;;) {
      const next = waiting.findIndex(({ cell }) => fits(cell));
      if (next < 0) return;
      const [{ cell, command }] = waiting.splice(next, 1) as [(typeof waiting)[number]];
      results.set(cell, await runCell(cell, command, set, without));
      if (process.stderr.isTTY) process.stderr.write(`${nameOf(cell)}\n`);
    }
  };
  // The emulator keeps a record of every page that V8 reserves, 8 GB in all: one such cell at a time.
  const emulated = ({ processor }: Cell): boolean => processor !== process.arch;
  await Promise.all([work(emulated), work((cell) => !emulated(cell))]);
  return cells.flatMap((cell) => results.get(cell) ?? []);
}

async function compareAll(cells: readonly Cell[], set: string, without?: string): Promise<void> {
  const results = await runCells(cells, set, without);
  counts.skipped += cells.length - results.length;
  if (results.length < 2) {
    say('nothing to compare: fewer than two cells start here');
    counts.failed++;
    return;
  }
  const differing = differingParts(results);
  say(table(results));
  const [met, all] = pairsMet(results.map(({ cell }) => cell));
  const verdict = differing.length === 0 ? 'every digest is equal' : `different: ${differing.join(', ')}`;
  say(`${results.length} cells, ${met} of ${all} pairs: ${verdict}`);
  const first = results[0]!;
  const different = results.filter((result) => differingParts([first, result]).length > 0).length;
  counts.failed += different;
  counts.passed += results.length - different;
}

/** Without a protection its columns differ, so the comparison can fail. */
async function contrast(set: string): Promise<void> {
  for (const [without, { cells, columns }] of Object.entries(contrasts)) {
    const results = await runCells(cells, set, without);
    if (results.length < cells.length) {
      say(`skipped: without ${without}`);
      counts.skipped++;
      continue;
    }
    const differing = differingParts(results);
    const passed = columns.every((column) => differing.includes(column));
    counts[passed ? 'passed' : 'failed']++;
    const wanted = passed ? '' : `; wanted ${columns.join(', ')}`;
    say(`without ${without}, different: ${differing.join(', ') || 'nothing'}${wanted}`);
  }
}

const { pairs, without } = programOf(
  'test:portable',
  'Compares digests between versions, tiers and processors.',
)
  .option('--pairs', 'only the nine cells that meet every pair', false)
  .addOption(new Option('--without <protection>', 'leave one out').choices(Object.keys(contrasts)))
  .parse()
  .opts<{ readonly pairs: boolean; readonly without?: string }>();
const set = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-set-'));
try {
  writeSet(set);
  await compareAll(pairs ? pairwiseCells : [...allCells, ...windowsCells], set, without);
  if (without === undefined) await contrast(set);
} catch (error) {
  process.stderr.write(`Cannot compare: ${error instanceof Error ? error.message : String(error)}\n`);
  counts.failed++;
} finally {
  rmSync(set, { recursive: true, force: true });
}
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
say(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
if (counts.failed > 0) process.exitCode = 1;
