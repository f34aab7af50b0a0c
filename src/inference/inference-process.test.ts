import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ElementType, encodeTensorList } from '../abi/tensor-list.ts';
import { hosted, looping, withoutRuntime } from './testing/sample-models.ts';

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

/** One that nobody has waited for yet has ended, too. */
function hasEnded(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform === 'linux' && readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return true;
  }
}

test('a process that computes without an end does not outlive a killed engine', {
  skip: withoutRuntime('native'),
  timeout: 60_000,
}, async () => {
  const { folder, sha256 } = hosted(looping('none'));
  const choice = { folder, sha256, mode: 'native', provider: 'cpu', batchMax: 1 };
  const data = new Uint8Array(new Float32Array([1]).buffer);
  const request = encodeTensorList([{ name: '', type: ElementType.float32, dims: [1], data }]);
  const url = JSON.stringify(join(import.meta.dirname, 'inference-process.ts'));
  const program = `
    const { InferenceProcess } = await import(${url});
    const one = new InferenceProcess();
    await one.ask('loaded', { kind: 'load', session: 1, ...${JSON.stringify(choice)} });
    const parts = [Uint8Array.of(${[...request]})];
    const asked = { kind: 'run', session: 1, sizes: { values: [parts[0].length], times: [1] }, outputBytesMax: 1024, parts };
    void one.ask('ran', asked);
    console.log(one.pid);`;
  const engine = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const [line] = await once(engine.stdout, 'data');
  const pid = Number(line);
  // It is at the model by then; should it not be, the end of its socket ends it.
  await pause(500);
  assert.equal(hasEnded(pid), false);
  engine.kill('SIGKILL');
  const untilMs = performance.now() + 30_000;
  while (!hasEnded(pid) && performance.now() < untilMs) await pause(50);
  const ended = hasEnded(pid);
  if (!ended) process.kill(pid, 'SIGKILL');
  assert.ok(ended);
});
