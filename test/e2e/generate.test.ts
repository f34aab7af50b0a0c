// An agent that has a model write, through the command line: runs agree, and a replay needs no model.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { compiled } from '../../sdk/assemblyscript/test/compiled.ts';
import { hashModelFolder } from '../../src/inference/index.ts';
import { decoderFiles, qwenModel } from '../../src/inference/testing/sample-decoders.ts';
import { withoutRuntime } from '../../src/inference/testing/sample-models.ts';
import { commandIn } from './command.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-generate-'));
after(() => rmSync(root, { recursive: true, force: true }));
const command = commandIn(root);

test('a text is in the record: runs agree, it is computed again, and replayed without the model', {
  skip: withoutRuntime('portable'),
}, async () => {
  const version = join(root, 'models', '1');
  mkdirSync(version, { recursive: true });
  for (const [name, content] of Object.entries(decoderFiles(qwenModel(), 'qwen2')))
    writeFileSync(join(version, name), content);
  writeFileSync(join(root, 'writer.wasm'), await compiled('writer'));
  const lines = ['hello the world', 'wie heißt du?'].map((payload) =>
    JSON.stringify({ agent: 'writer', payload }),
  );
  writeFileSync(join(root, 'input.jsonl'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(root, 'system.toml'),
    `[inputs]
file = "input.jsonl"

[agents.writer]
module = "writer.wasm"
capabilities = ["generate", "output"]

[models.writer]
folder = "models"
versions = { 1 = "${hashModelFolder(version).sha256}" }
`,
  );
  const runs = [0, 2].map((workers) => {
    const ended = command(
      'run',
      'system.toml',
      '--workers',
      `${workers}`,
      '--run-dir',
      `run-${workers}`,
      '--json',
    );
    assert.equal(ended.code, 0, ended.err);
    return ended;
  });
  // Status 0, and the pieces of both texts so far.
  assert.match(runs[0]!.out, /0 [1-8] /);
  assert.equal(digestOf(runs[1]!), digestOf(runs[0]!));
  const [model] = JSON.parse(runs[0]!.out.trim().split('\n').at(-1)!).models;
  assert.deepEqual([model.model, model.version, model.provider, model.failures], ['writer', '1', 'wasm', 0]);
  assert.equal(model.requests, model.batches['1'].runs);
  const again = command('replay', 'run-0', '--recompute', '--json');
  assert.equal(again.code, 0, again.err);
  assert.equal(digestOf(again), digestOf(runs[0]!));
  rmSync(join(root, 'models'), { recursive: true });
  const replayed = command('replay', 'run-0', '--json');
  assert.equal(replayed.code, 0, replayed.err);
  assert.equal(digestOf(replayed), digestOf(runs[0]!));
});

function digestOf({ out, err }: { readonly out: string; readonly err: string }): string {
  const found = /"digest": ?"([0-9a-f]{64})"/.exec(out + err)?.[1];
  assert.ok(found !== undefined, out + err);
  return found;
}
