// The lock on a file, between real processes: held while its holder lives, gone when it is killed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createRunDirectory } from './create-run-directory.ts';
import { lockFile } from './node-lock.ts';
import { openRunDirectory } from './open-run-directory.ts';
import { sampleConfig, sampleManifest } from './test-sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-lock-'));
after(() => rmSync(folder, { recursive: true }));

/** A process that locks a file, says so (and nothing else), and stays. */
async function holder(path: string): Promise<{ child: ChildProcess; said: string; complaints: string }> {
  const module = new URL('node-lock.ts', import.meta.url).href;
  const script = `
    const { lockFile } = await import(${JSON.stringify(module)});
    console.log(lockFile(${JSON.stringify(path)}) === undefined ? 'refused' : 'locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  let complaints = '';
  child.stderr.on('data', (data) => (complaints += data));
  const [said] = await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => ['nothing']),
  ]);
  return { child, said: String(said).trim(), complaints };
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

describe('lock', () => {
  it('is held by one process at a time, and released when that is killed', async () => {
    const path = join(folder, 'a');
    const first = await holder(path);
    assert.deepEqual([first.said, first.complaints], ['locked', '']);
    assert.equal(lockFile(path), undefined);
    const second = await holder(path);
    assert.equal(second.said, 'refused');
    await kill(second.child);
    assert.equal(lockFile(path), undefined, 'one that was refused takes nothing with it');
    await kill(first.child);
    const lock = lockFile(path);
    assert.ok(lock !== undefined);
    lock.release();
  });

  it('is held by one user within a process, and leaves nothing but an empty file', () => {
    const path = join(folder, 'b');
    const lock = lockFile(path);
    assert.equal(lockFile(path), undefined);
    lock!.release();
    lockFile(path)!.release();
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith('b')),
      ['b'],
    );
    assert.equal(readFileSync(path).length, 0);
  });

  it('keeps a run directory from being written by two, and hinders no reader', () => {
    const path = join(folder, 'run');
    const contents = { manifest: sampleManifest, config: sampleConfig, modules: new Map() };
    const made = createRunDirectory(path, contents);
    openRunDirectory(path);
    const openForWriting = () => openRunDirectory(path, undefined, { forWriting: true });
    const wanted = { code: 'run-directory-invalid', message: /another run or command is writing into it/ };
    assert.throws(openForWriting, wanted);
    made.unlock();
    const other = openForWriting();
    assert.throws(openForWriting, wanted);
    other.unlock();
    openForWriting().unlock();
  });

  it('cannot be had in a folder that is not there', () => {
    assert.throws(() => lockFile(join(folder, 'nowhere', 'lock')), /unable to open/);
  });
});
