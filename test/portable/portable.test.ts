// The comparison itself: its cells meet every pair, and it sees a protection that is left out. The whole table is
// `npm run test:portable`.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { allCells, type Cell, contrasts, flagsOf, pairsMet, pairwiseCells, tiers } from './cells.ts';
import { portableModules } from './portable-modules.ts';
import { runNode } from './start-node.ts';
import { differingParts, type Result, table } from './table.ts';

const set = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-test-'));
after(() => rmSync(set, { recursive: true, force: true }));
writeFileSync(join(set, 'modules.json'), JSON.stringify(portableModules(8)));

/** The modules in one cell's tier and host, on the Node that runs this. */
async function digests(cell: Cell, without?: string): Promise<Result> {
  const program = join(import.meta.dirname, 'run-set.ts');
  const leftOut = without === undefined ? [] : ['--without', without];
  const flags = [...flagsOf(cell), '--disable-warning=ExperimentalWarning'];
  const text = await runNode([process.execPath], [...flags, program, set, '--modules', ...leftOut], 120_000);
  const { node, parts } = JSON.parse(text);
  return { cell, version: node, parts };
}

test('nine cells meet every pair of versions, tiers, processors and workers, three of them arm64', () => {
  assert.deepEqual(pairsMet(pairwiseCells), [37, 37]);
  assert.equal(pairsMet(pairwiseCells.slice(1))[0], 31);
  assert.equal(pairwiseCells.length, 9);
  assert.equal(pairwiseCells.filter(({ processor }) => processor === 'arm64').length, 3);
  assert.equal(allCells.length, 36);
});

test('a digest that differs from the first row is marked', () => {
  const [first, second] = contrasts['stack']!.cells as [Cell, Cell];
  const results = [
    { cell: first, version: 'v22.1.0', parts: { same: 'abcd', other: '1234' } },
    { cell: second, version: 'v26.1.0', parts: { same: 'abcd', other: '9876' } },
  ];
  assert.deepEqual(differingParts(results), ['other']);
  assert.equal(table(results).split('\n').at(-1), `| v26.1.0 | liftoff | x64 | 2 | abcd | 9876* |`);
});

test('modules that show how machines differ give the same digests in every tier', async () => {
  const cells = tiers.map((tier): Cell => ({ version: '24', tier, processor: 'x64', workers: 0 }));
  const results = await Promise.all([...cells, contrasts['growth']!.cells[1]!].map((cell) => digests(cell)));
  assert.ok(Object.keys(results[0]!.parts).length > 8);
  assert.deepEqual(differingParts(results), []);
});

for (const [protection, column] of [
  ['stack', 'recursion'],
  ['growth', 'growth'],
  ['fuel', 'fuel'],
  ['nan', 'nan f64'],
] as const) {
  // The tiers of newer versions agree about NaN on one processor.
  const agree = protection === 'nan' && Number(process.versions.node.split('.')[0]) > 24;
  test(`without the protection "${protection}" tiers or hosts differ`, { skip: agree }, async () => {
    const results = await Promise.all(contrasts['stack']!.cells.map((cell) => digests(cell, protection)));
    const differing = differingParts(results);
    assert.ok(differing.includes(column), differing.join(', '));
    assert.equal(differing.includes('refusal'), false);
  });
}
