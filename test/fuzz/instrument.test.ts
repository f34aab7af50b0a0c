// A few hundred fuzzed modules, and every module that once broke something. The long run is `npm run fuzz`.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { checkModule, type Verdict, verdicts } from './check-module.ts';
import { fuzzedModule } from './fuzzed-module.ts';

test('random and damaged modules are refused or run as they do without the pass', (t) => {
  const counts = new Map<Verdict, number>(verdicts.map((verdict) => [verdict, 0]));
  for (let seed = 1; seed <= 600; seed++) {
    try {
      const verdict = checkModule(fuzzedModule(seed));
      counts.set(verdict, counts.get(verdict)! + 1);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  t.diagnostic(JSON.stringify([...counts]));
  assert.ok(counts.get('compared')! > 60 && counts.get('refused')! > 300);
});

for (const path of globSync(join(import.meta.dirname, 'fixtures', '*.wasm')).sort()) {
  test(`the fixture ${basename(path)} is refused or runs`, () => {
    checkModule(Uint8Array.from(readFileSync(path)));
  });
}
