// Systems under pressure: memory stays bounded, what is dropped is told, and the others are served.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, test } from 'node:test';
import wabt from 'wabt';
import { createSystem, Orchestrator, replayRun, type SystemDescription } from '../../src/engine/index.ts';
import { KeptOutputs, newFolder, recorded } from '../../src/engine/testing/runs.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const frame = (imports: string, receive: string): string => `(module ${imports}
  (memory (export "memory") 1)
  (data (i32.const 0) "all")
  (func (export "agent_init") (result i32) i32.const 0)
  (func (export "agent_receive") (param $at i32) (result i32) (local $i i32) ${receive} i32.const 0)
  (func (export "agent_step") (param i32) (result i32) i32.const 0)
  (func (export "agent_shutdown") (result i32) i32.const 0)
  (func (export "agent_alloc") (param i32) (result i32) i32.const 1024))`;

const texts = {
  sink: frame('', ''),
  /** Publishes a thousand times at each message that is no notice. */
  megaphone: frame(
    '(import "wasm_engine" "publish" (func $publish (param i32 i32 i32 i32) (result i32)))',
    `(if (i32.ne (i32.load offset=4 (local.get $at)) (i32.const 1)) (then (return (i32.const 0))))
     (loop $again (drop (call $publish (i32.const 0) (i32.const 3) (i32.const 8) (i32.const 8)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))`,
  ),
  echo: frame(
    '(import "wasm_engine" "output" (func $output (param i32 i32) (result i32)))',
    '(drop (call $output (i32.load offset=52 (local.get $at)) (i32.load offset=56 (local.get $at))))',
  ),
  broken: frame('', 'unreachable'),
} as const;

async function module(name: keyof typeof texts): Promise<Uint8Array> {
  return (await wabt()).parseWat(`${name}.wat`, texts[name]).toBinary({}).buffer;
}

async function open(
  description: SystemDescription,
): Promise<{ orchestrator: Orchestrator; outputs: KeptOutputs; folder: string }> {
  const folder = newFolder();
  folders.push(folder);
  const outputs = new KeptOutputs();
  const system = await createSystem({ host: { durability: 'none' }, ...description });
  return {
    orchestrator: await Orchestrator.create({ system, runDirectory: folder, outputs }),
    outputs,
    folder,
  };
}

test('a thousand publications to ten thousand subscribers end at the budget, and others are served', async () => {
  const { orchestrator, outputs, folder } = await open({
    run: { agentsMax: 11_000 },
    host: { durability: 'none', residentAgentsMax: 12_000 },
    agents: {
      megaphone: { module: await module('megaphone'), capabilities: ['publish'] },
      sink: { module: await module('sink'), count: 10_000, subscriptions: ['all'] },
      echo: { module: await module('echo'), capabilities: ['output'] },
    },
    topics: { all: {} },
  });
  orchestrator.send('megaphone', { payload: null });
  orchestrator.send('echo', { payload: 'served' });
  const { messages, dropped, faults } = await orchestrator.run();
  assert.deepEqual([outputs.texts.length, faults], [1, 0]);
  assert.equal(messages, 65_536 + 2);
  assert.equal(
    dropped,
    994,
    'six publications and a part of the seventh fit; each of the others is one dead letter',
  );
  const kinds = recorded(folder, 'events').map((event) => (event as { kind: string }).kind);
  assert.equal(kinds.filter((kind) => kind === 'dropped').length, 994, 'every drop is an event');
});

test('an agent that restarts for ever and a message that kills leave the others alone, and replay agrees', async () => {
  const { orchestrator, outputs, folder } = await open({
    agents: {
      broken: {
        module: await module('broken'),
        restart: { policy: 'from-init', restartsMax: 1000, backoffTicks: 1, backoffTicksMax: 4 },
      },
      echo: { module: await module('echo'), capabilities: ['output'] },
    },
  });
  for (let i = 0; i < 40; i++) {
    orchestrator.send('broken', { payload: i });
    orchestrator.send('echo', { payload: i });
  }
  const summary = await orchestrator.run();
  assert.equal(outputs.texts.length, 40);
  assert.equal(summary.faults, 120, 'each message is tried three times');
  const reasons = recorded(folder, 'events').map((event) => (event as { reason: string }).reason);
  assert.equal(reasons.filter((reason) => reason === 'poison').length, 40);
  assert.equal((await replayRun(folder, { workers: 2 })).digest, summary.digest);
});
