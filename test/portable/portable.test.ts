// The comparison itself: its cells meet every pair, and it sees a protection that is left out. The whole table is
// `npm run test:portable`.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { allCells, chooseCells, pairsMet, tierFlags, tiers } from './cells.ts';
import { portableModules } from './portable-modules.ts';

const set = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-test-'));
after(() => rmSync(set, { recursive: true, force: true }));
writeFileSync(join(set, 'modules.json'), JSON.stringify(portableModules(8)));

async function digests(tier: (typeof tiers)[number], without?: string): Promise<Record<string, string>> {
  const program = join(import.meta.dirname, 'run-set.ts');
  const leftOut = without === undefined ? [] : ['--without', without];
  const flags = [...tierFlags[tier], '--disable-warning=ExperimentalWarning'];
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...flags,
    program,
    set,
    '--modules',
    ...leftOut,
  ]);
  return JSON.parse(stdout).parts;
}

test('nine cells meet every pair of versions, tiers, processors and workers, and fewer cannot', () => {
  const [met, all] = pairsMet(chooseCells(allCells, 9), allCells);
  assert.deepEqual([met, all], [37, 37]);
  assert.equal(pairsMet(chooseCells(allCells, 8), allCells)[0], 36);
  assert.equal(allCells.length, 36);
});

test('modules that show how machines differ give the same digests in every tier', async () => {
  const [mixed, baseline, optimised] = await Promise.all(tiers.map((tier) => digests(tier)));
  assert.ok(Object.keys(mixed!).length > 7);
  assert.deepEqual(baseline, mixed);
  assert.deepEqual(optimised, mixed);
});

for (const [protection, part] of [
  ['stack', 'recursion'],
  ['nan', 'nan f64'],
] as const) {
  test(`without the protection "${protection}" tiers differ`, async () => {
    const [baseline, optimised] = await Promise.all([
      digests('liftoff', protection),
      digests('turbofan', protection),
    ]);
    assert.notEqual(baseline[part], optimised[part]);
    assert.equal(baseline['growth'], optimised['growth']);
  });
}
