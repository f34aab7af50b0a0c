// How often an executor may be lost before the run is given up.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInlinePool, type Pool, type SystemTables } from '../../sandbox/index.ts';
import { createSystem } from '../config/index.ts';
import { systemTables } from '../modules/genesis.ts';
import { prepareModules } from '../modules/prepare-modules.ts';
import { sha256 } from '../sha256.ts';
import { counting, isCode } from '../testing/create-run.ts';
import { Machine } from './machine.ts';

/** An executor in the caller's thread that is lost whenever `isLost` says so; asked once a stream. */
function losingPool(tables: SystemTables, isLost: () => boolean): Pool {
  let inner = createInlinePool(tables);
  const modules: Parameters<Pool['addModule']>[] = [];
  return {
    size: 1,
    canLose: true,
    addModule(...module) {
      modules.push(module);
      inner.addModule(...module);
    },
    provideMemory: (executor, spec) => inner.provideMemory(executor, spec),
    memoryOf: (agentNumber) => inner.memoryOf(agentNumber),
    collect: () => inner.collect(),
    releaseMemory: (agentNumber, reuse) => inner.releaseMemory(agentNumber, reuse),
    run: (streams) => (isLost() ? ['lost'] : inner.run(streams)),
    replace() {
      inner = createInlinePool(tables);
      for (const module of modules) inner.addModule(...module);
    },
    close: async () => {},
  };
}

/** A machine with an agent that counts its steps, one in each tick. */
async function machineOf(isLost: () => boolean): Promise<Machine> {
  const { config, modules } = await createSystem({ agents: { a: { ...counting, everyTick: true } } });
  const pool = losingPool(systemTables(config), isLost);
  const prepared = await prepareModules(config, modules);
  const options = { config, modules: prepared, pool, sha256, residentAgentsMax: 10, journalEntriesMax: 5 };
  return new Machine(options);
}

test('an executor that is lost again and again ends the run, though each stream succeeds in the end', async () => {
  let fresh = false;
  const machine = await machineOf(() => {
    const isLost = fresh;
    fresh = false;
    return isLost;
  });
  let tick = 0;
  const endless = async (): Promise<void> => {
    for (;;) {
      fresh = true;
      await machine.step(++tick, []);
    }
  };
  await assert.rejects(endless(), isCode('host-fault', /^Cannot go on: worker 0 is lost again and again$/));
  assert.ok(tick > 50 && tick < 200, `after ${tick} ticks`);
});

test('an executor that is lost three times on one stream ends the run', async () => {
  let losses = 0;
  const machine = await machineOf(() => losses-- > 0);
  await machine.step(1, []);
  losses = 3;
  await machine.step(2, []);
  losses = 4;
  const lost = async (): Promise<unknown> => machine.step(3, []);
  await assert.rejects(
    lost,
    isCode('host-fault', /^Cannot go on: worker 0 is lost whenever it is put to work$/),
  );
});

test('losses now and then are borne for ever', async () => {
  let streams = 0;
  const machine = await machineOf(() => ++streams % 60 === 0);
  for (let tick = 1; tick <= 3000; tick++) await machine.step(tick, []);
  const [memory] = [machine.memoryOf(machine.state.agents[1]!)!];
  assert.equal(new DataView(memory.buffer).getUint32(0, true), 2999);
});
