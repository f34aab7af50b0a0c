// What one agent wrote is never seen by another: not through memory that is used again after hibernation or an end, not
// through a restart, an inbox, or a block of shared memory that streams cross in parts.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import wabt from 'wabt';
import { createSystem } from '../../src/engine/index.ts';
import { createInput } from '../../src/engine/input/host-inputs.ts';
import { systemTables } from '../../src/engine/modules/genesis.ts';
import { prepareModules } from '../../src/engine/modules/prepare-modules.ts';
import { sha256 } from '../../src/engine/sha256.ts';
import { Machine } from '../../src/engine/turns/machine.ts';
import { InputKind } from '../../src/log/index.ts';
import { createInlinePool, createThreadPool, type Pool } from '../../src/sandbox/index.ts';

/**
 * Fills half of its memory with a word of its own, and looks for such words of others everywhere in it, at each message
 * and when it begins. Fails at a message whose first byte is 1, ends at 2.
 */
const canary = `(module
  (import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))
  (memory (export "memory") 2)
  (global $mine (mut i32) (i32.const 0))
  (func $look (local $at i32) (local $word i32)
    (local.set $at (i32.const 16))
    (loop $next
      (local.set $word (i32.load (local.get $at)))
      (if (i32.and (i32.eq (i32.shr_u (local.get $word) (i32.const 24)) (i32.const 0xca))
                   (i32.ne (local.get $word) (global.get $mine)))
        (then (i32.store (i32.const 0) (local.get $word)) (drop (call $output (i32.const 0) (i32.const 4)))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 131072)))))
  (func $mark (local $at i32)
    (local.set $at (i32.const 8192))
    (loop $next
      (i32.store (local.get $at) (global.get $mine))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const 65536)))))
  (func (export "agent_init") (result i32) (call $look) i32.const 0)
  (func (export "agent_receive") (param $at i32) (result i32) (local $first i32)
    (global.set $mine (i32.or (i32.const 0xca000000) (i32.load offset=28 (local.get $at))))
    (call $look)
    (call $mark)
    (local.set $first (i32.load8_u (i32.load offset=52 (local.get $at))))
    (if (i32.eq (local.get $first) (i32.const 1)) (then unreachable))
    (local.get $first))
  (func (export "agent_step") (param i32) (result i32) i32.const 0)
  (func (export "agent_shutdown") (result i32) i32.const 0)
  (func (export "agent_alloc") (param i32) (result i32) i32.const 1024))`;

const agentCount = 24;

async function leaks(
  open: (tables: ReturnType<typeof systemTables>) => Pool,
  residentAgentsMax: number,
): Promise<number> {
  const assembler = await wabt();
  const module = assembler.parseWat('canary.wat', canary).toBinary({}).buffer;
  const restart = { policy: 'from-init', restartsMax: 1000, backoffTicks: 0 } as const;
  const system = await createSystem({
    agents: {
      canary: { module, count: agentCount, capabilities: ['output'], restart },
      later: { module, count: 0, capabilities: ['output'], restart },
    },
  });
  const { config } = system;
  const modules = await prepareModules(config, system.modules);
  const pool = open(systemTables(config));
  try {
    const machine = new Machine({ config, modules, pool, sha256, residentAgentsMax });
    let found = 0;
    let spawned = agentCount;
    for (let tick = 1; tick <= 60; tick++) {
      const inputs = Array.from({ length: 6 }, (_, i) => {
        const counter = ((tick * 7 + i * 5) % spawned) + 1;
        const payload = new Uint8Array(64 + ((tick * 31 + i) % 300));
        payload[0] = tick % 5 === 0 && i === 0 ? 1 : tick % 9 === 0 && i === 1 ? 2 : 0;
        return createInput(InputKind.message, { counter, payload });
      });
      if (tick % 4 === 0) inputs.push(createInput(InputKind.spawn, { counter: ++spawned, name: 'later' }));
      const { committed } = await machine.step(tick, inputs);
      found += committed.sink.outputs.length;
    }
    return found;
  } finally {
    await pool.close();
  }
}

test('no agent finds a word of another, while agents hibernate, fail, restart, end and begin', async () => {
  for (const residentAgentsMax of [3, 8, 100]) {
    assert.equal(await leaks(createInlinePool, residentAgentsMax), 0);
    const threads = (tables: ReturnType<typeof systemTables>): Pool =>
      createThreadPool({ workers: 2, tables, blocking: true, blockBytes: 256 });
    assert.equal(await leaks(threads, residentAgentsMax), 0);
  }
});
