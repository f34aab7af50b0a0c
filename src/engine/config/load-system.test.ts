// Real folders, links and missing files.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { createSystem } from './create-system.ts';
import { type LoadedSystem, loadSystem } from './load-system.ts';
import { initialAgentCount } from './system-config.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-config-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

/** A folder with these files; the path of its `system.toml`. */
function folder(files: Record<string, string>): string {
  const path = join(root, `f${folders++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return join(path, 'system.toml');
}

async function refusal(work: Promise<LoadedSystem>): Promise<EngineError> {
  const error: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(error instanceof EngineError, String(error));
  return error;
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

test('loadSystem() reads modules, once for the same bytes, and keeps names out of the configuration', async () => {
  const path = folder({
    'system.toml': `
[run]
seed = 5
[host]
workers = 2
durability = "tick"
[inputs]
file = "data/in.jsonl"
[agents.x]
module = "m/one.wasm"
[agents.y]
module = "m/same.wasm"
count = 4
[agents.z]
module = "two.wasm"
`,
    'm/one.wasm': 'one',
    'm/same.wasm': 'one',
    'two.wasm': 'two',
    'data/in.jsonl': '',
  });
  const loaded = await loadSystem(path);
  assert.deepEqual(
    loaded.config.agents.map((agent) => agent.module),
    [sha('one'), sha('one'), sha('two')],
  );
  assert.deepEqual([...loaded.modules.keys()], [sha('one'), sha('two')]);
  assert.deepEqual(loaded.modules.get(sha('one'))!.files, ['m/one.wasm', 'm/same.wasm']);
  assert.equal(Buffer.from(loaded.modules.get(sha('two'))!.bytes).toString(), 'two');
  assert.equal(JSON.stringify(loaded.config).includes('.wasm'), false);
  assert.equal(initialAgentCount(loaded.config), 6);
  assert.deepEqual(loaded.host, {
    workers: 2,
    inputFile: join(loaded.directory, 'data', 'in.jsonl'),
    pace: 'free',
    durability: 'tick',
    trace: 'outcomes',
    residentAgentsMax: 4096,
    snapshotTicks: 0,
    snapshotsKept: 32,
    batchTicks: 1000,
    batchMs: 100,
    modelBytesMax: 2 ** 31,
    modelLoadMs: 300_000,
    modelFolders: new Map(),
  });
});

test('the command line takes the place of seed and workers', async () => {
  const path = folder({ 'system.toml': '[run]\nseed = 5\n[agents.a]\nmodule = "a"\n', a: 'a' });
  const loaded = await loadSystem(path, { seed: 9, workers: 0 });
  assert.equal(loaded.config.run.seed, 9);
  assert.equal(loaded.host.workers, 0);
});

test('a seed that no record may hold is refused, whoever gives it', async () => {
  const path = folder({ 'system.toml': '[agents.a]\nmodule = "a"\n', a: 'a' });
  for (const seed of [-1, 1.5, 2 ** 53])
    await assert.rejects(loadSystem(path, { seed }), { code: 'config-invalid', message: /as a seed/ });
});

test('files that are not there are told with line and the path looked at, under a code of their own', async () => {
  const path = folder({
    'system.toml': '[agents.a]\nmodule = "a.wasm"\n[agents.b]\nmodule = "m"\n[inputs]\nfile = "in.jsonl"\n',
    'm/x': '',
  });
  const error = await refusal(loadSystem(path));
  assert.equal(error.code, 'module-missing');
  const lines = error.message.split('\n').map((line) => line.trim());
  assert.equal(
    lines[1],
    `${path}:2:1  agents.a.module: no file at ${JSON.stringify(join(path, '..', 'a.wasm'))}`,
  );
  assert.match(lines[2]!, /:4:1 {2}agents\.b\.module: "[^"]*m" is no file/);
  assert.match(lines[3]!, /:6:1 {2}inputs\.file: no file at/);
  const other = await refusal(loadSystem(path, { withoutInput: true }));
  assert.equal(other.message.includes('inputs.file'), false);
});

test('a missing module is told together with problems of another kind', async () => {
  const path = folder({ 'system.toml': '[agents.a]\nmodule = "a.wasm"\ncount = -1\n' });
  const error = await refusal(loadSystem(path));
  assert.equal(error.code, 'config-invalid');
  assert.match(error.message, /\(2 problems\)/);
  assert.match(error.message, /no file at/);
  assert.match(error.message, /count: found -1/);
});

const outside: readonly [name: string, wanted: RegExp][] = [
  ['../a.wasm', /wanted a file inside the folder/],
  ['m/../../a.wasm', /wanted a file inside the folder/],
  ['.', /wanted a file inside the folder/],
  ['/etc/passwd', /wanted a path relative/],
  ['C:/a.wasm', /wanted a path relative/],
  ['C:a.wasm', /wanted a path relative/],
  ['m\\\\a.wasm', /wanted "\/" between folders/],
  ['a\\u0000.wasm', /zero character/],
];
for (const [name, wanted] of outside) {
  test(`loadSystem() refuses the module name ${name}`, async () => {
    const error = await refusal(loadSystem(folder({ 'system.toml': `[agents.a]\nmodule = "${name}"\n` })));
    assert.equal(error.code, 'config-invalid');
    assert.match(error.message, wanted);
  });
}

test('a link may lead elsewhere inside the folder, and not outside', async () => {
  const path = folder({
    'system.toml': '[agents.a]\nmodule = "in"\n[agents.b]\nmodule = "out"\n',
    real: 'x',
  });
  writeFileSync(join(root, 'secret'), 's');
  symlinkSync('real', join(path, '..', 'in'));
  symlinkSync('../secret', join(path, '..', 'out'));
  const error = await refusal(loadSystem(path));
  assert.match(error.message, /agents\.b\.module: "out" is a link to .*outside the folder/);
  assert.equal(error.message.includes('agents.a'), false);
});

test('a system file that is not there, is a folder, or is not text is one clear error', async () => {
  assert.match(
    (await refusal(loadSystem(join(root, 'no.toml')))).message,
    /Cannot read the system file: no file at/,
  );
  assert.match((await refusal(loadSystem(root))).message, /Cannot read the system file: /);
  const path = folder({ 'system.toml': '' });
  writeFileSync(path, Uint8Array.of(0xff, 0xfe));
  assert.match((await refusal(loadSystem(path))).message, /is not UTF-8 text/);
});

test('createSystem() makes the same system as a file', async () => {
  const path = folder({
    'system.toml': '[run]\nseed = 5\n[agents.a]\nmodule = "a"\nsubscriptions = ["t"]\n[topics.t]\n',
    a: 'bytes',
  });
  const loaded = await loadSystem(path);
  const created = await createSystem({
    run: { seed: 5 },
    agents: { a: { module: Buffer.from('bytes'), subscriptions: ['t'], count: undefined } },
    topics: { t: {} },
  });
  assert.deepEqual(created.config, loaded.config);
  assert.deepEqual([...created.modules.keys()], [...loaded.modules.keys()]);
});

test('createSystem() refuses what is no module, and tells all other problems at once', async () => {
  const bytes = new Uint8Array(1);
  const broken = { agents: { a: { module: bytes, cuont: 1 }, 'b b': { module: bytes } }, runn: {} };
  await assert.rejects(createSystem(broken as never), (error: EngineError) => {
    assert.match(error.message, /agents\.a\.cuont: unknown key "cuont"; did you mean "count"\?/);
    assert.match(error.message, /agents\."b b": found "b b"/);
    assert.match(error.message, /runn: unknown key/);
    return true;
  });
  await assert.rejects(createSystem({ agents: { a: { module: 'a.wasm' } } } as never), /found no Uint8Array/);
  for (const odd of [undefined, null, 1, {}, { agents: 1 }, { agents: { a: 1 } }])
    await assert.rejects(createSystem(odd as never), EngineError);
});

test('models are found by their folders, and every version is compared with its pin', async () => {
  const system = (pins: string): string => `
[agents.a]
module = "a"
[models.m]
folder = "models/m"
version = "2"
latencyTicks = 4
versions = { ${pins} }
`;
  const files = { a: 'a', 'models/m/1/model.onnx': 'one', 'models/m/2/model.onnx': 'two' };
  const path = folder({ 'system.toml': system(`1 = "${sha('one')}", 2 = "${sha('two')}"`), ...files });
  const { config, host, directory } = await loadSystem(path);
  const [model] = config.models;
  assert.deepEqual(
    [model!.name, model!.version, model!.latencyTicks, model!.mode],
    ['m', '2', 4, 'portable'],
  );
  assert.deepEqual(model!.versions, [
    { version: '1', sha256: sha('one') },
    { version: '2', sha256: sha('two') },
  ]);
  assert.deepEqual([...host.modelFolders], [['m', join(directory, 'models', 'm')]]);
  const wrong = folder({ 'system.toml': system(`2 = "${sha('one')}", 3 = "${sha('two')}"`), ...files });
  await assert.rejects(loadSystem(wrong), (error) => {
    assert.ok(error instanceof EngineError);
    assert.match(error.message, new RegExp(`the hash of the version's folder is ${sha('two')}, wanted`));
    assert.match(error.message, /models\.m\.versions\.3: no folder at/);
    return true;
  });
});
