// What ends up in a module: its exports, only the imports that it uses, and what is refused.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hostFunctionNames, hostFunctions } from '../../../src/abi/host-functions.ts';
import { compileAgent } from '../lib/compile.js';
import { compiled, compileFile } from './compiled.ts';
import { StubHost, textOf } from './stub-host.ts';

async function compileText(source: string) {
  const folder = await mkdtemp(join(tmpdir(), 'wasm-engine-asc-'));
  try {
    await writeFile(join(folder, 'agent.ts'), source);
    return await compileFile(join(folder, 'agent.ts'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const wholeAgent = (body: string) => `
import { Agent, Message, register } from "@wasm-engine/assemblyscript";
class Test extends Agent {
  onMessage(message: Message): void { ${body} }
}
register<Test>();`;

test('a module exports the entry points and its memory, and imports nothing that it does not use', async () => {
  const module = new WebAssembly.Module(await compiled('silent'));
  assert.deepEqual(WebAssembly.Module.imports(module), []);
  assert.deepEqual(
    WebAssembly.Module.exports(module)
      .map(({ name }) => name)
      .sort(),
    ['agent_alloc', 'agent_init', 'agent_receive', 'agent_shutdown', 'agent_step', 'memory'],
  );
});

test('the probe imports every function of the ABI, with its number of parameters', async () => {
  const host = new StubHost(await compiled('probe'));
  assert.deepEqual([...host.imports].sort(), hostFunctionNames.map((name) => `wasm_engine.${name}`).sort());
  host.init();
  host.take();
  for (const name of hostFunctionNames) {
    host.answers.set(name, (args) => {
      assert.equal(args.length, hostFunctions[name].parameters, name);
      return 0;
    });
  }
  const commands =
    'send publish subscribe unsubscribe join leave setTimer cancelTimer log terminate find spawn random infer generate';
  for (const command of commands.split(' '))
    host.deliver({ kind: 1, payload: JSON.stringify({ do: command }) });
  assert.deepEqual(new Set(host.take().map((call) => call.name)), new Set(hostFunctionNames));
});

test('an agent may be a few functions', async () => {
  const host = new StubHost(await compiled('functions'));
  assert.deepEqual(host.imports, ['wasm_engine.output']);
  host.init();
  host.deliver({ kind: 1, payload: 'one' });
  host.deliver({ kind: 4, payload: 'a configuration that nobody handles' });
  host.shutdown();
  assert.deepEqual(
    host.take().map((call) => textOf(call.args[0])),
    ['one', '1 messages'],
  );
});

test('console, trace, Date.now and Math.random are served by the engine', async () => {
  const host = new StubHost(await compiled('substitutes'));
  assert.deepEqual([...host.imports].sort(), ['wasm_engine.log', 'wasm_engine.output', 'wasm_engine.random']);
  host.init();
  const logged = (payload: string) => {
    host.deliver({ kind: 1, timeMs: 1234n, payload });
    return host.take().map((call) => call.args.map((arg) => (typeof arg === 'number' ? arg : textOf(arg))));
  };
  assert.deepEqual(logged('console'), [
    [1, 'a log'],
    [0, 'a debug'],
    [2, 'a warning'],
    [3, 'an error'],
    [3, 'Assertion failed: one is not more than two'],
  ]);
  assert.deepEqual(logged('trace'), [[0, 'values 1.5 -2.0']]);
  assert.deepEqual(logged('date'), [['1234']]);
  host.answers.set('random', (args, memory) => {
    memory().setUint32(args[0]!, 12345, true);
    return 0;
  });
  host.deliver({ kind: 1, payload: 'random' });
  const [seed, value, ...more] = host.take();
  assert.deepEqual([seed?.name, value?.name, more.length], ['random', 'output', 0]);
  const drawn = Number(textOf(value?.args[0]));
  assert.ok(drawn >= 0 && drawn < 1);
});

test('an agent that logs says why it fails, one that does not just ends', async () => {
  const host = new StubHost(await compiled('substitutes'));
  host.init();
  assert.throws(() => host.deliver({ kind: 1, payload: 'throw' }), /unreachable/);
  assert.deepEqual(textOf(host.take()[0]?.args[1]), 'Grüße 😀 (substitutes.ts:17)');
  assert.throws(() => host.deliver({ kind: 1, payload: 'assert' }), /unreachable/);
  assert.deepEqual(textOf(host.take()[0]?.args[1]), 'it does not hold (substitutes.ts:18)');

  const silent = new StubHost(await compiled('silent'));
  silent.init();
  assert.throws(() => silent.deliver({ kind: 1, payload: '-1' }), /unreachable/);
});

test('agent_alloc calls nothing and answers an aligned address', async () => {
  const host = new StubHost(await compiled('substitutes'));
  host.init();
  for (const size of [80, 5000, 300_000]) assert.equal(host.exports['agent_alloc']!(size) % 8, 0);
  assert.throws(() => host.exports['agent_alloc']!(2 ** 31 - 1), WebAssembly.RuntimeError);
  assert.deepEqual(host.take(), []);
});

const refused: [string, string, RegExp][] = [
  ['a wrong type', 'let x: i32 = "text";', /ERROR TS2322[\s\S]*agent\.ts\(4,/],
  [
    'the clock of the machine',
    'performance.now();',
    /imports "env\.performance\.now", which the engine does not supply, the clock/,
  ],
  ['the process', 'process.exit(1);', /imports "env\.process\.exit", which the engine does not supply/],
  ['console.time', 'console.time("x");', /console\.time\(\) measures wall-clock time/],
];
for (const [title, body, message] of refused) {
  test(`${title} is refused with a clear message`, async () => {
    const { bytes, messages } = await compileText(wholeAgent(body));
    assert.equal(bytes, undefined);
    assert.match(messages, message);
  });
}

test('a file that registers no agent fails in its first task', async () => {
  const { bytes } = await compileText('export const x = 1;');
  const host = new StubHost(bytes!);
  assert.throws(() => host.init(), WebAssembly.RuntimeError);
});

test('a source that is not there is named', async () => {
  const { bytes, messages } = await compileFile(join(tmpdir(), 'no-such-agent.ts'));
  assert.equal(bytes, undefined);
  assert.match(messages, /no-such-agent\.ts/);
});

test('a source that is none, and a module that cannot be written, are told by the names that were given', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wasm-engine-asc-'));
  try {
    const source = join(folder, 'agent.ts');
    await writeFile(source, wholeAgent(''));
    await writeFile(join(folder, 'file'), '');
    const compile = async (entry: string, outFile: string): Promise<string> => {
      let messages = '';
      const result = await compileAgent({ entry, outFile, write: (text) => void (messages += text) });
      assert.deepEqual(result, { ok: false, size: 0, imports: [] });
      return messages;
    };
    assert.match(await compile(folder, join(folder, 'x.wasm')), /^Cannot compile ".*": wanted a source file/);
    assert.match(await compile(join(folder, 'file'), join(folder, 'x.wasm')), /wanted a source file/);
    assert.match(await compile(source, folder), /would go to ".*", which is a folder\n$/);
    assert.match(await compile(source, source), /which is the source itself\n$/);
    assert.match(await compile(source, join(folder, 'file', 'x.wasm')), /cannot write ".*x\.wasm": E/);
    assert.equal(await readFile(source, 'utf8'), wholeAgent(''));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('the same source gives the same bytes in another folder and environment', async () => {
  const source = wholeAgent('message.json<i32[]>();');
  const first = await compileText(source);
  process.env['JSON_MODE'] = 'SIMD';
  try {
    assert.deepEqual((await compileText(source)).bytes, first.bytes);
  } finally {
    delete process.env['JSON_MODE'];
  }
});
