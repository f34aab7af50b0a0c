import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';

test('a program that closes a process with an answer on its way waits for its end', () => {
  const url = JSON.stringify(join(import.meta.dirname, 'inference-process.ts'));
  // The answers arrive while the thread is busy, so they are handled after the close.
  const program = `
    const { InferenceProcess } = await import(${url});
    const one = new InferenceProcess();
    await one.ask('released', { kind: 'forget', generation: 1 });
    const late = one.ask('released', { kind: 'forget', generation: 2 }).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    const untilMs = performance.now() + 300;
    while (performance.now() < untilMs);
    await one.close();
    await late;
    console.log('closed');`;
  for (let i = 0; i < 3; i++) {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'closed\n');
  }
});
