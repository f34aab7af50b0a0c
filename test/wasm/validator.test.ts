// The validator against V8, on random modules and on damaged ones: it must never accept what V8 refuses, and refuse
// more only for the listed reasons. A long run: WASM_ENGINE_PROGRAMS=20000.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { damaged } from './damaged-module.ts';
import { hasOwnReason, refusalOf } from './judge.ts';
import { Chance } from './program-shape.ts';
import { randomProgram } from './random-program.ts';

const programs = Number(process.env['WASM_ENGINE_PROGRAMS'] ?? 250);
const firstSeed = Number(process.env['WASM_ENGINE_SEED'] ?? 1);
const damagedPerProgram = 30;

test('the validator and V8 agree on random modules and on damaged ones', (t) => {
  const counts = { accepted: 0, refused: 0, forReasons: 0 };
  for (let seed = firstSeed; seed < firstSeed + programs; seed++) {
    const { bytes } = randomProgram(seed);
    assert.equal(refusalOf(bytes), undefined, `seed ${seed}`);
    const chance = new Chance(seed);
    for (let round = 0; round < damagedPerProgram; round++) {
      const module = damaged(bytes, chance);
      const [refusal, accepted] = [refusalOf(module), WebAssembly.validate(module)];
      const where = `seed ${seed}, round ${round}`;
      if (refusal === undefined) {
        assert.ok(accepted, `${where}: V8 refuses what the validator accepts`);
        counts.accepted++;
      } else if (accepted) {
        assert.ok(hasOwnReason(refusal), `${where}: V8 accepts what is refused: ${refusal}`);
        counts.forReasons++;
      } else counts.refused++;
    }
  }
  t.diagnostic(JSON.stringify(counts));
  assert.ok(counts.accepted > programs && counts.refused > programs * 10, JSON.stringify(counts));
});
