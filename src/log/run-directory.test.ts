// Run directories made, opened, changed and refused.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { encodeHex, encodeUtf8 } from '../base/encoding.ts';
import { sha256 } from './chain.ts';
import { createRunDirectory } from './create-run-directory.ts';
import { EventLogWriter } from './event-log-writer.ts';
import { openRunDirectory } from './open-run-directory.ts';
import { beginLog } from './run-directory.ts';
import {
  appendAll,
  readAll,
  sampleConfig,
  sampleDirectory,
  sampleEvents,
  sampleLog,
  sampleManifest,
  sampleModule,
} from './test-sample.ts';
import { MemoryStorage } from './test-storage.ts';

const moduleHash = encodeHex(sha256(sampleModule));
const moduleFile = `modules/${moduleHash}.wasm`;

describe('run directory', () => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-run-'));
  after(() => rmSync(folder, { recursive: true }));

  it('stands by itself: manifest, configuration and modules come back', () => {
    const { storage } = sampleLog(1);
    const directory = openRunDirectory('memory', storage);
    assert.deepEqual(directory.manifest, sampleManifest);
    assert.deepEqual(directory.config(), sampleConfig);
    assert.deepEqual(directory.moduleHashes(), [moduleHash]);
    assert.deepEqual(directory.module(moduleHash), sampleModule);
    assert.match(new TextDecoder().decode(storage.files.get('run.json')), /^\{\n {2}"format": 1,\n/);
  });

  it('loses what a crash left of its own files, and nothing that somebody else put there', () => {
    const { storage, directory } = sampleLog(1);
    storage.makeFolder('snapshots');
    const before = [...storage.files.keys()];
    const own = ['head.tmp', 'run.json.tmp', 'models.json.tmp', `${moduleFile}.tmp`];
    own.push('snapshots/000000000012.snapshot.tmp', 'snapshots/000000000003.pages.tmp');
    const others = ['notes.tmp', 'modules/draft.tmp', 'snapshots/mine.snapshot.tmp', 'headings.tmp'];
    for (const name of [...own, ...others]) storage.files.set(name, encodeUtf8(name));
    directory.removeUnfinished();
    assert.deepEqual([...storage.files.keys()].sort(), [...before, ...others].sort());
  });

  it('takes modules while it runs, each once', () => {
    const storage = new MemoryStorage();
    const directory = sampleDirectory(storage);
    const bytes = encodeUtf8('another module');
    const hash = encodeHex(sha256(bytes));
    directory.addModule(hash, bytes);
    const calls = storage.calls.length;
    directory.addModule(hash, bytes);
    assert.equal(storage.calls.length, calls);
    assert.deepEqual(directory.module(hash), bytes);
    assert.throws(() => directory.addModule(moduleHash.replace(/^./, 'f'), bytes), { code: 'bug' });
  });

  it('has its name on the disk before there is a record, also in a folder that was there', () => {
    const storage = new MemoryStorage();
    storage.folders.add('');
    sampleDirectory(storage);
    const made = storage.calls.indexOf('makeFolder ');
    assert.ok(made >= 0 && made < storage.calls.indexOf('rename run.json.tmp run.json'));
  });

  it('says durably which log counts before another log goes', () => {
    const { storage, directory } = sampleLog(1);
    storage.folders.add('log-1');
    storage.files.set('log-1/head', new Uint8Array(1));
    storage.calls.length = 0;
    beginLog(directory, 1, 0);
    assert.deepEqual(storage.calls.slice(0, 3), ['syncFolder ', 'remove log-1/head', 'syncFolder log-1']);
  });

  it('is not made in a folder that holds something', () => {
    const path = join(folder, 'full');
    mkdirSync(path);
    writeFileSync(join(path, 'notes.txt'), '');
    const contents = {
      manifest: sampleManifest,
      config: sampleConfig,
      modules: new Map(),
    };
    const wanted = { code: 'run-directory-invalid', message: /it is not empty, it holds "notes.txt"/ };
    assert.throws(() => createRunDirectory(path, contents), wanted);
    const onFile = { code: 'run-directory-invalid', message: /notes.txt/ };
    assert.throws(() => createRunDirectory(join(path, 'notes.txt'), contents), onFile);
    const made = createRunDirectory(join(folder, 'deep', 'er'), contents);
    assert.deepEqual(openRunDirectory(made.path).segments(), []);
  });

  it('is refused where it is not one, by what is missing', () => {
    const code = 'run-directory-invalid';
    assert.throws(() => openRunDirectory(join(folder, 'nowhere')), { code, message: /no such folder/ });
    mkdirSync(join(folder, 'empty'));
    assert.throws(() => openRunDirectory(join(folder, 'empty')), { code, message: /"run.json" is missing/ });
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => openRunDirectory(join(folder, 'file')), {
      code,
      message: /neither a folder nor a tar archive/,
    });
    const { storage } = sampleLog(1);
    storage.files.delete('config.json');
    assert.throws(() => openRunDirectory('memory', storage), { code, message: /"config.json" is missing/ });
  });

  it('is refused where its format is a later one', () => {
    const { storage } = sampleLog(1);
    storage.files.set('run.json', encodeUtf8('{"format":2}'));
    const wanted = {
      code: 'run-directory-invalid',
      message: /it has format 2, and this version reads format 1/,
    };
    assert.throws(() => openRunDirectory('memory', storage), wanted);
  });

  it('shows any changed byte of its small files', () => {
    const { storage } = sampleLog(1);
    for (const file of ['run.json', 'config.json', moduleFile]) {
      const original = storage.files.get(file)!;
      for (let at = 0; at < original.length; at++) {
        const changed = original.slice();
        changed[at]! ^= 1;
        storage.files.set(file, changed);
        const open = (): unknown => openRunDirectory('memory', storage).module(moduleHash);
        // A changed format number is one of a later version.
        assert.throws(open, /Cannot (read|open) ".*"/, `byte ${at} of ${file}`);
      }
      storage.files.set(file, original);
    }
    storage.files.delete(moduleFile);
    const open = (): unknown => openRunDirectory('memory', storage).module(moduleHash);
    assert.throws(open, { code: 'record-damaged', message: /it is missing/ });
  });

  it('takes no segment of another run, though it holds the same events', () => {
    const { storage, directory } = sampleLog(1);
    const other = new MemoryStorage();
    const manifest = { ...sampleManifest, runId: 'f'.repeat(32) };
    const made = createRunDirectory(
      other.place,
      { manifest, config: sampleConfig, modules: new Map() },
      other,
    );
    const writer = new EventLogWriter(made);
    appendAll(writer, sampleEvents(1));
    writer.close();
    const name = 'events-000000.mcap';
    assert.equal(other.files.get(name)!.length, storage.files.get(name)!.length);
    storage.files.set(name, other.files.get(name)!);
    assert.throws(() => readAll(directory), { code: 'record-damaged', message: /of another place or run/ });
  });

  it('does not begin a second log where one is', () => {
    const { directory } = sampleLog(1);
    const wanted = { code: 'run-directory-invalid', message: /it holds one already/ };
    assert.throws(() => new EventLogWriter(directory), wanted);
  });
});
