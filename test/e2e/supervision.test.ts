// The supervision example: an agent that a message kills goes on from its image, one that is not restarted stays failed,
// and another agent is told of both.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSystem, Orchestrator, openInput, replayRun } from '../../src/engine/index.ts';
import { chainOf, KeptOutputs, newFolder, recorded } from '../../src/engine/testing/runs.ts';

const file = join(import.meta.dirname, '..', '..', 'examples', 'supervision', 'system.toml');

async function run(workers: number): Promise<{ folder: string; said: unknown[][] }> {
  const [folder, outputs] = [newFolder(), new KeptOutputs()];
  const system = await loadSystem(file);
  const orchestrator = await Orchestrator.create({ system, workers, runDirectory: folder, outputs });
  await orchestrator.run({ source: openInput(system.host.inputFile!) });
  const said = outputs.list.map(({ tick, agent, payload }) => {
    return [tick, agent, JSON.parse(Buffer.from(payload).toString())];
  });
  return { folder, said };
}

const { folder, said } = await run(0);

test('the ledger loses what came after its image, and books what waited', () => {
  const ledger = said.filter(([, agent]) => agent === 'ledger').map(([tick, , payload]) => [tick, payload]);
  assert.deepEqual(ledger, [
    [1, { account: 'ann', balance: 10 }],
    [2, { account: 'bob', balance: 5 }],
    [4, { account: 'ann', balance: 17 }],
    [5, { account: 'bob', balance: 7 }],
    [7, { restarted: 1, imageTick: 4, accounts: 2 }],
    [9, { restarted: 2, imageTick: 4, accounts: 2 }],
    [9, { account: 'ann', balance: 18 }],
    [10, { account: 'bob', balance: 6 }],
  ]);
});

test('the warden is told of each failure and what becomes of the agent', () => {
  const told = said.filter(([, agent]) => agent === 'warden').map(([, , payload]) => payload);
  assert.deepEqual(told, [
    report('ledger', 6, 'restarts in tick 7 from its image of tick 4'),
    report('ledger', 7, 'restarts in tick 9 from its image of tick 4'),
    report('clerk', 7, 'stays failed'),
  ]);
});

function report(agent: string, tick: number, becomes: string): object {
  return { agent, fault: 7, tick, becomes, failures: 1 };
}

test('the bill that kills is a dead letter, and so is what waits for the clerk', () => {
  const drops = recorded(folder, 'events').filter(({ kind }) => kind === 'dropped');
  assert.deepEqual(
    drops.map(({ agent, reason }) => [agent, reason]),
    [
      ['ledger', 'poison'],
      ['clerk', 'receiver-stopped'],
      ['clerk', 'receiver-stopped'],
    ],
  );
});

test('it is the same with workers, and in a replay', async () => {
  const other = await run(2);
  assert.deepEqual(other.said, said);
  assert.deepEqual(chainOf(other.folder), chainOf(folder));
  assert.equal((await replayRun(folder, { workers: 1 })).complete, true);
});
