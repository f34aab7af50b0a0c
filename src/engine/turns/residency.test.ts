// How many instances are alive at once, where some take more of the heap than others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInlinePool } from '../../sandbox/index.ts';
import { assemble } from '../../wasm/test-module.ts';
import { createSystem } from '../config/index.ts';
import { systemTables } from '../modules/genesis.ts';
import { prepareModules } from '../modules/prepare-modules.ts';
import { sha256 } from '../sha256.ts';
import { Machine } from './machine.ts';
import { placesOf } from './residency.ts';

/** An agent that counts its steps at 0, with so many functions in a table that may grow to so many elements. */
function agentOf(functions: number, tableMax: number): Uint8Array {
  const names = Array.from({ length: functions }, (_, i) => `$f${i}`);
  return assemble(`(module (memory (export "memory") 1) (table ${functions} ${tableMax} funcref)
    ${names.map((name) => `(func ${name})`).join(' ')} (elem (i32.const 0) ${names.join(' ')})
    (func (export "agent_init") (result i32) (i32.const 0))
    (func (export "agent_receive") (param i32) (result i32) (i32.const 0))
    (func (export "agent_shutdown") (result i32) (i32.const 0))
    (func (export "agent_alloc") (param i32) (result i32) (i32.const 1024))
    (func (export "agent_step") (param i32) (result i32)
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))) (i32.const 0)))`);
}

/** The digest after some ticks, and the most instances that were alive behind any of them. */
async function run(
  residentAgentsMax: number,
  [functions, tableMax]: readonly [number, number],
): Promise<{ digest: string; light: number; heavy: number }> {
  const { config, modules } = await createSystem({
    agents: {
      light: { module: agentOf(1, 1), everyTick: true, count: 6 },
      heavy: { module: agentOf(functions, tableMax), everyTick: true, count: 6 },
    },
  });
  const prepared = await prepareModules(config, modules);
  const pool = createInlinePool(systemTables(config));
  const machine = new Machine({ config, modules: prepared, pool, sha256, residentAgentsMax });
  const alive = { light: 0, heavy: 0 };
  for (let tick = 1; tick <= 5; tick++) {
    await machine.step(tick, []);
    for (const name of ['light', 'heavy'] as const) {
      const agents = machine.state.agents.filter((agent) => agent?.declaration.name === name);
      const count = agents.filter((agent) => pool.memoryOf(agent!.number) !== undefined).length;
      alive[name] = Math.max(alive[name], count);
    }
  }
  await pool.close();
  return { digest: Buffer.from(machine.digest).toString('hex'), ...alive };
}

test('an agent that needs much of the heap takes several places among the residents, and no digest changes', async () => {
  assert.equal(placesOf(1), 1);
  // 2,000 functions take four places each, and so do the elements that a table may get.
  for (const heap of [
    [2000, 2000],
    [1, 60_000],
  ] as const) {
    const all = await run(4096, heap);
    assert.deepEqual([all.light, all.heavy], [6, 6]);
    for (const [places, heavy] of [
      [30, 6],
      [15, 3],
      [8, 2],
      [1, 1],
    ] as const) {
      const some = await run(places, heap);
      assert.ok(some.heavy <= heavy, `${some.heavy} of ${places} places`);
      assert.equal(some.digest, all.digest);
    }
  }
});
