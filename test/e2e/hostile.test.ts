// Agents that do the worst they can, each among healthy neighbours: a clear fault or refusal, and nobody else notices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AgentDescription,
  createSystem,
  EngineError,
  Orchestrator,
  replayRun,
  type SystemDescription,
} from '../../src/engine/index.ts';
import { agent, agentText, assemble, importText } from '../../src/engine/testing/agents.ts';
import { chainOf, KeptOutputs, newFolder, recorded } from '../../src/engine/testing/runs.ts';

/** Sends a token round three neighbours, each adding one, and gives it as output each time. */
const neighbour = agent({
  before: `${importText('send', 4)} ${importText('output', 2)}`,
  receive: `(local $payload i32) (local $next i32)
    (local.set $payload (i32.load offset=52 (local.get $at)))
    (i32.store8 (local.get $payload) (i32.add (i32.load8_u (local.get $payload)) (i32.const 1)))
    (drop (call $output (local.get $payload) (i32.const 1)))
    (local.set $next (i32.add (i32.rem_u (i32.load offset=28 (local.get $at)) (i32.const 3)) (i32.const 1)))
    (if (i32.lt_u (i32.load8_u (local.get $payload)) (i32.const 30))
      (then (drop (call $send (i32.const 0) (local.get $next) (local.get $payload) (i32.const 1)))))
    i32.const 0`,
});

const host = { durability: 'none' } as const;
const limits = { fuelPerTask: 1_000_000, fuelPerInit: 1_000_000, memoryPagesMax: 16 };
const neighbours: AgentDescription = { module: neighbour, count: 3, capabilities: ['send', 'output'] };

interface Told {
  readonly outputs: readonly string[];
  readonly chain: readonly string[];
  readonly folder: string;
}

async function run(hostile: AgentDescription | undefined, workers: number): Promise<Told> {
  const agents: Record<string, AgentDescription> = { neighbour: neighbours };
  if (hostile !== undefined) agents['hostile'] = { limits, ...hostile };
  const description: SystemDescription = { run: { seed: 3 }, host, agents };
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const system = await createSystem(description);
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, workers, outputs });
  for (let i = 1; i <= 3; i++) orchestrator.send(`0.${i}`, { payload: new Uint8Array([i * 7]) });
  if (hostile !== undefined) {
    for (let i = 0; i < 3; i++) orchestrator.send('hostile', { payload: new Uint8Array(40).fill(i) });
  }
  await orchestrator.run();
  const others = outputs.list.filter((output) => output.agent !== 'hostile');
  const texts = others.map(({ tick, agent: name, payload }) => `${tick} ${name} ${payload[0]}`);
  return { outputs: texts, chain: chainOf(folder), folder };
}

const quiet = await run(undefined, 0);
const { length: quietOutputs } = quiet.outputs;
assert.ok(quietOutputs > 40, `${quietOutputs} outputs of the neighbours alone`);

interface Case {
  readonly module: Uint8Array;
  readonly capabilities?: AgentDescription['capabilities'];
  /** Kind of the fault, the entry point it names, and words of its explanation. */
  readonly fault: readonly [kind: string, entry: string, words: RegExp];
}

const recursion =
  '(func $deep (param $n i32) (result i32) (i32.add (call $deep (local.get $n)) (i32.const 1)))';
const cases: Readonly<Record<string, Case>> = {
  'an endless loop': {
    module: agent({ receive: '(loop $l (br $l)) i32.const 0' }),
    fault: ['out-of-fuel', 'agent_receive', /used up its fuel/],
  },
  'an endless loop in init': {
    module: agent({ init: '(loop $l (br $l)) i32.const 0' }),
    fault: ['out-of-fuel', 'agent_init', /used up its fuel/],
  },
  'an endless loop of bulk writes': {
    module: agent({
      receive: '(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l)) i32.const 0',
    }),
    fault: ['out-of-fuel', 'agent_receive', /used up its fuel/],
  },
  'an endless loop of host calls': {
    module: agent({
      before: importText('random', 2),
      receive: '(loop $l (drop (call $random (i32.const 0) (i32.const 8))) (br $l)) i32.const 0',
    }),
    capabilities: ['random'],
    fault: ['out-of-fuel', 'agent_receive', /used up its fuel/],
  },
  'endless recursion': {
    module: agent({ before: recursion, receive: '(call $deep (i32.const 1))' }),
    fault: ['stack-exhausted', 'agent_receive', /nested too deep/],
  },
  'endless recursion through a table': {
    module: agent({
      before: `(type $f (func (param i32) (result i32))) (table funcref (elem $deep))
        (func $deep (param $n i32) (result i32)
          (i32.add (call_indirect (type $f) (local.get $n) (i32.const 0)) (i32.const 1)))`,
      receive: '(call $deep (i32.const 1))',
    }),
    fault: ['stack-exhausted', 'agent_receive', /nested too deep/],
  },
  'a write outside memory': {
    module: agent({ receive: '(i32.store (i32.const 131070) (i32.const 1)) i32.const 0' }),
    fault: ['memory-out-of-bounds', 'agent_receive', /outside its bounds/],
  },
  'a write outside memory by the largest offset': {
    module: agent({ receive: '(i32.store offset=4294967295 (i32.const -1) (i32.const 1)) i32.const 0' }),
    fault: ['memory-out-of-bounds', 'agent_receive', /outside its bounds/],
  },
  'an alloc that answers beyond memory': {
    module: agent({ alloc: 'i32.const 131000' }),
    fault: ['inbox-out-of-bounds', 'agent_receive', /agent_alloc answered a range/],
  },
  'an alloc that answers a negative address': {
    module: agent({ alloc: 'i32.const -8' }),
    fault: ['inbox-out-of-bounds', 'agent_receive', /agent_alloc answered a range/],
  },
  'an alloc that never ends': {
    module: agent({ alloc: '(loop $l (br $l)) i32.const 0' }),
    fault: ['out-of-fuel', 'agent_receive', /used up its fuel/],
  },
  'an alloc that calls the host': {
    module: agent({
      before: importText('output', 2),
      alloc: '(drop (call $output (i32.const 0) (i32.const 1))) i32.const 4096',
    }),
    capabilities: ['output'],
    fault: ['host-call-not-allowed', 'agent_receive', /where none is allowed/],
  },
  'a start function that traps': {
    module: agent({ before: '(func $begin unreachable) (start $begin)' }),
    fault: ['unreachable', 'agent_init', /"unreachable"/],
  },
  'a start function that never ends': {
    module: agent({ before: '(func $begin (loop $l (br $l))) (start $begin)' }),
    fault: ['out-of-fuel', 'agent_init', /used up its fuel/],
  },
  'a start function that calls the host': {
    module: agent({
      before: `${importText('output', 2)}
        (func $begin (drop (call $output (i32.const 0) (i32.const 1)))) (start $begin)`,
    }),
    capabilities: ['output'],
    fault: ['host-call-not-allowed', 'agent_init', /where none is allowed/],
  },
  'data beyond its memory': {
    module: agent({ before: '(data (i32.const 131070) "four")' }),
    fault: ['memory-out-of-bounds', 'agent_init', /outside its bounds/],
  },
  'a division by zero': {
    module: agent({ receive: '(i32.div_u (i32.const 1) (i32.load8_u (i32.const 0)))' }),
    fault: ['divide-by-zero', 'agent_receive', /divided by zero/],
  },
  'an answer that means nothing': {
    module: agent({ receive: 'i32.const 12' }),
    fault: ['unknown-return', 'agent_receive', /means nothing/],
  },
  'growth without end': {
    module: agent({
      receive: '(loop $l (drop (memory.grow (i32.const 1))) (br $l)) i32.const 0',
    }),
    fault: ['out-of-fuel', 'agent_receive', /used up its fuel/],
  },
};

for (const [title, { module, capabilities, fault }] of Object.entries(cases)) {
  test(`${title} is a fault of its agent alone`, async () => {
    const hostile: AgentDescription = capabilities === undefined ? { module } : { module, capabilities };
    const told = await run(hostile, 0);
    const faults = recorded(told.folder, 'faults');
    const [kind, entry, words] = fault;
    assert.deepEqual(
      faults.map((found) => [found.agent, found.kind]),
      [['hostile', kind]],
    );
    assert.match(faults[0]!.message, new RegExp(`^Agent "hostile" failed in ${entry}: `));
    assert.match(faults[0]!.message, words);
    assert.deepEqual(
      recorded(told.folder, 'events')
        .filter((event) => event.kind === 'failed')
        .map((event) => [event.agent, event.reason]),
      [['hostile', kind]],
    );
    assert.deepEqual(told.outputs, quiet.outputs);
    const replayed = await replayRun(told.folder);
    assert.deepEqual([replayed.complete, replayed.executed], [true, told.chain.length]);
  });
}

test('workers and replay agree about every hostile agent at once', async () => {
  const agents: Record<string, AgentDescription> = { neighbour: neighbours };
  for (const [i, { module, capabilities }] of Object.values(cases).entries()) {
    agents[`hostile-${i}`] = { module, limits, ...(capabilities && { capabilities }) };
  }
  const system = await createSystem({ run: { seed: 3 }, host, agents });
  const chains: string[][] = [];
  for (const workers of [0, 2]) {
    const folder = newFolder();
    const outputs = new KeptOutputs();
    const orchestrator = await Orchestrator.create({ system, runDirectory: folder, workers, outputs });
    for (let i = 1; i <= 3; i++) orchestrator.send(`0.${i}`, { payload: new Uint8Array([i * 7]) });
    for (const name of Object.keys(agents).slice(1)) {
      orchestrator.send(name, { payload: new Uint8Array(40) });
    }
    const { faults } = await orchestrator.run();
    assert.equal(faults, Object.keys(cases).length);
    const texts = outputs.list.map((output) => `${output.tick} ${output.agent} ${output.payload[0]}`);
    assert.deepEqual(texts, quiet.outputs);
    chains.push(chainOf(folder));
    await replayRun(folder, { workers: 2 - workers });
  }
  assert.deepEqual(chains[1], chains[0]);
});

test('a lie about a length or an address is refused, recorded, and costs nobody anything', async () => {
  const lies: readonly (readonly [name: string, parameters: number, call: string, reason: string])[] = [
    ['send', 4, '(i32.const 0) (i32.const 1) (i32.const 131068) (i32.const 8)', 'bad-pointer'],
    ['send', 4, '(i32.const 0) (i32.const 1) (i32.const -4) (i32.const 8)', 'bad-pointer'],
    ['send', 4, '(i32.const 0) (i32.const 1) (i32.const 0) (i32.const -1)', 'too-large'],
    ['publish', 4, '(i32.const -1) (i32.const 2) (i32.const 0) (i32.const 0)', 'bad-pointer'],
    ['find', 3, '(i32.const 0) (i32.const 5) (i32.const 131070)', 'bad-pointer'],
    ['log', 3, '(i32.const 1) (i32.const 131071) (i32.const 2)', 'bad-pointer'],
    ['log', 3, '(i32.const 9) (i32.const 0) (i32.const 2)', 'bad-argument'],
    ['output', 2, '(i32.const 131072) (i32.const 1)', 'bad-pointer'],
    ['random', 2, '(i32.const 131071) (i32.const 9)', 'bad-pointer'],
    ['random', 2, '(i32.const 0) (i32.const 2147483647)', 'too-large'],
    ['set_timer', 2, '(i32.const 0) (i32.const 1)', 'bad-argument'],
    ['terminate', 2, '(i32.const 0) (i32.const 1)', 'not-allowed'],
    ['spawn', 5, '(i32.const 0) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)', 'unknown-name'],
  ];
  const names = [...new Map(lies.map(([name, parameters]) => [name, parameters]))];
  const module = agent({
    before: names.map(([name, parameters]) => importText(name, parameters)).join('\n'),
    receive: `${lies.map(([name, , call]) => `(drop (call $${name} ${call}))`).join('\n')} i32.const 0`,
  });
  const hostile: AgentDescription = {
    module,
    capabilities: ['send', 'publish', 'log', 'output', 'random', 'timer', 'terminate', 'spawn'],
  };
  const told = await run(hostile, 0);
  assert.deepEqual(recorded(told.folder, 'faults'), []);
  assert.deepEqual(told.outputs, quiet.outputs);
  const found = recorded(told.folder, 'events')
    .filter((event) => event.kind === 'call-refused')
    .map(({ agent: name, text, reason }) => `${name} ${text} ${reason}`);
  const wanted = lies.map(([name, , , reason]) => `hostile ${name} ${reason}`);
  assert.deepEqual(new Set(found), new Set(wanted));
  await replayRun(told.folder, { workers: 1 });
  assert.deepEqual((await run(hostile, 2)).chain, told.chain);
});

test('a flood of messages meets the quota of its turn and the bounds of mailboxes, and the neighbours go on', async () => {
  const flood = agent({
    before: importText('send', 4),
    receive: `(local $i i32)
      (loop $l
        (drop (call $send (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 8)))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 500))))
      i32.const 0`,
  });
  const hostile: AgentDescription = {
    module: flood,
    capabilities: ['send'],
    limits: { ...limits, effectsPerTurnMax: 20, mailboxMessagesMax: 5 },
  };
  const folder = newFolder();
  const outputs = new KeptOutputs();
  const system = await createSystem({ run: { seed: 3 }, host, agents: { neighbour: neighbours, hostile } });
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs });
  for (let i = 1; i <= 3; i++) orchestrator.send(`0.${i}`, { payload: new Uint8Array([i * 7]) });
  orchestrator.send('hostile', { payload: null });
  const summary = await orchestrator.run({ ticks: 100 });
  assert.equal(outputs.list.length, quietOutputs);
  assert.ok(summary.dropped > 100);
  const refused = recorded(folder, 'events').filter((event) => event.kind === 'call-refused');
  assert.deepEqual(new Set(refused.map(({ text, reason }) => `${text} ${reason}`)), new Set(['send quota']));
  await replayRun(folder);
});

/** What `create` says of a module; nothing may be left behind. */
async function refusal(module: Uint8Array, more: Partial<AgentDescription> = {}): Promise<EngineError> {
  const agents = { neighbour: neighbours, hostile: { module, limits, ...more } };
  const system = await createSystem({ host, agents });
  const runDirectory = newFolder();
  let refused: unknown;
  try {
    await Orchestrator.create({ system, runDirectory, workers: 1 });
  } catch (error) {
    refused = error;
  }
  assert.ok(refused instanceof EngineError, 'the module is refused');
  // The same folder can be used for the next try.
  const good = await createSystem({ host, agents: { neighbour: neighbours } });
  await (await Orchestrator.create({ system: good, runDirectory })).close();
  return refused;
}

test('a module that no engine can run is refused by name, and leaves nothing behind', async () => {
  const whole = agent({});
  const text = agentText({});
  const refusals: readonly (readonly [string, Promise<EngineError>, RegExp])[] = [
    [
      'an undeclared capability',
      refusal(agent({ before: importText('send', 4) })),
      /"wasm_engine.send".*"send"/,
    ],
    ['an unknown import', refusal(agent({ before: importText('steal', 1) })), /wasm_engine\.steal/],
    [
      'an import of another module',
      refusal(agent({ before: '(import "env" "now" (func $now (result i64)))' })),
      /env\.now|"env"/,
    ],
    ['inference, not yet', refusal(agent({ before: importText('infer', 4) })), /wasm_engine\.infer/],
    ['half a module', refusal(whole.slice(0, whole.length >> 1)), /byte|offset|end/],
    ['no module', refusal(new Uint8Array([1, 2, 3])), /./],
    ['no byte', refusal(new Uint8Array()), /./],
    ['a memory beyond its limit', refusal(agent({ memory: '17' })), /17 pages.*"memoryPagesMax" is 16/],
    ['no agent', refusal(assemble('(module (memory (export "memory") 1))')), /agent_/],
    ['no memory', refusal(assemble(text.replace('(memory (export "memory") 2)', ''))), /memory/],
    [
      'a wrong type of entry point',
      refusal(assemble(text.replace('"agent_init") (result i32) i32.const 0', '"agent_init")'))),
      /agent_init/,
    ],
  ];
  for (const [title, refused, words] of refusals) {
    const { code, message } = await refused;
    assert.equal(code, 'module-refused', title);
    assert.match(message, words, title);
    assert.match(message, /^Cannot load module /, title);
  }
});

test('each truncation of a module is refused by an error of the engine', async () => {
  const whole = agent({
    before: importText('output', 2),
    receive: '(call $output (i32.const 0) (i32.const 1))',
  });
  for (let size = 0; size < whole.length; size += 7) {
    const system = await createSystem({ host, agents: { hostile: { module: whole.slice(0, size) } } });
    await assert.rejects(
      Orchestrator.create({ system, runDirectory: newFolder() }),
      (error) => error instanceof EngineError && error.code === 'module-refused',
      `${size} bytes`,
    );
  }
});

test('agents of huge memory get their pages, and one that wants more than its limit gets -1', async () => {
  const module = agent({
    memory: '256 65536',
    before: importText('output', 2),
    receive: `(i32.store (i32.const 0) (memory.grow (i32.const 65000)))
      (i32.store (i32.const 4) (memory.grow (i32.const 44)))
      (i32.store (i32.const 8) (memory.grow (i32.const 1)))
      (i32.store8 (i32.const 19660799) (i32.const 1))
      (call $output (i32.const 0) (i32.const 12))`,
  });
  const outputs = new KeptOutputs();
  const system = await createSystem({
    host,
    agents: { big: { module, count: 20, capabilities: ['output'], limits: { memoryPagesMax: 300 } } },
  });
  const folder = newFolder();
  const orchestrator = await Orchestrator.create({ system, runDirectory: folder, outputs });
  for (let i = 0; i < 20; i++) orchestrator.send(`big/${i}`, { payload: null });
  const { faults } = await orchestrator.run();
  assert.equal(faults, 0);
  const answers = outputs.list.map(({ payload }) => [...new Int32Array(payload.slice().buffer)]);
  assert.deepEqual(
    answers,
    Array.from({ length: 20 }, () => [-1, 256, -1]),
  );
  await replayRun(folder, { workers: 2 });
});
