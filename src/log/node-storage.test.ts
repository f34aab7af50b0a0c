// Folders on the real disk: made with all that is missing above them, or refused with the system's own word.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs, { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { nodeStorage } from './node-storage.ts';
import { MemoryStorage } from './test-storage.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-storage-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('makeFolder() makes what is missing above, and takes what is there', () => {
  const path = join(root, 'a', 'b', 'c');
  for (let times = 0; times < 2; times++) nodeStorage(path).makeFolder('');
  nodeStorage(join(root, 'a')).makeFolder('x');
  assert.ok(statSync(path).isDirectory() && statSync(join(root, 'a', 'x')).isDirectory());
});

test('makeFolder() makes the name of a folder durable that somebody else made', (t) => {
  if (process.platform === 'win32') return t.skip('it needs none there');
  const path = join(root, 'made');
  mkdirSync(path);
  symlinkSync(path, join(root, 'a', 'link'));
  const synced: string[] = [];
  const opened = new Map<number, string>();
  const [open, sync] = [fs.openSync, fs.fsyncSync];
  t.mock.method(fs, 'openSync', (...words: Parameters<typeof open>) => {
    const file = open(...words);
    opened.set(file, String(words[0]));
    return file;
  });
  t.mock.method(fs, 'fsyncSync', (file: number) => {
    synced.push(opened.get(file)!);
    sync(file);
  });
  syncBuiltinESMExports();
  try {
    for (const name of [path, join(root, 'a', 'link')]) nodeStorage(name).makeFolder('');
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
  assert.deepEqual(synced, [fs.realpathSync(root), fs.realpathSync(root)]);
});

test('makeFolder() refuses a place below a file', () => {
  writeFileSync(join(root, 'file'), '');
  for (const path of [join(root, 'file', 'x', 'y'), join(root, 'file')])
    assert.throws(() => nodeStorage(path).makeFolder(''), /EEXIST|ENOTDIR/);
});

test('makeFolder() fails where the system lets nobody make a folder, and does not try for ever', {
  skip: process.platform !== 'linux',
}, () => {
  const module = new URL('./node-storage.ts', import.meta.url).href;
  const script = `import { nodeStorage } from ${JSON.stringify(module)};
    for (const path of ['/proc/x/run', '/proc/run']) {
      try { nodeStorage(path).makeFolder(''); } catch (error) { console.log(error.code); }
    }`;
  const words = ['--input-type=module', '--eval', script];
  const { stdout } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'ENOENT\nENOENT\n');
});

test('a file has the same identity under each of its names, and no other one has it while it is open', () => {
  const [from, to] = [nodeStorage(join(root, 'named')), nodeStorage(join(root, 'named-also'))];
  for (const storage of [from, to]) storage.makeFolder('');
  writeFileSync(join(root, 'named', 'pack'), 'pages');
  const handle = from.openRead('pack')!;
  const identity = handle.identity!();
  assert.ok(identity !== undefined);
  assert.equal(to.link(from, 'pack'), true);
  const linked = to.openRead('pack')!;
  assert.equal(linked.identity!(), identity);
  linked.close();
  for (const storage of [from, to]) storage.remove('pack');
  for (let times = 0; times < 20; times++) {
    writeFileSync(join(root, 'named', 'pack'), 'pages');
    const other = from.openRead('pack')!;
    assert.notEqual(other.identity!(), identity);
    other.close();
    from.remove('pack');
  }
  handle.close();
});

test('link() makes one file of two storages, and copies nothing that leads elsewhere or cannot be had', (t) => {
  const [from, to] = [nodeStorage(join(root, 'from')), nodeStorage(join(root, 'to'))];
  for (const storage of [from, to]) storage.makeFolder('packs');
  writeFileSync(join(root, 'from', 'packs', '1'), 'pages');
  assert.equal(to.link(from, 'packs/1'), true);
  const [one, other] = ['from', 'to'].map((folder) => statSync(join(root, folder, 'packs', '1')));
  assert.equal(one!.ino, other!.ino);
  assert.throws(() => to.link(from, 'packs/1'), /EEXIST/);
  assert.equal(to.link(from, 'packs/2'), false);
  assert.equal(to.link(new MemoryStorage(), 'packs/1'), false);
  if (process.platform === 'win32') return;
  symlinkSync(join(root, 'file'), join(root, 'from', 'packs', '3'));
  assert.equal(to.link(from, 'packs/3'), false);
  if (process.platform !== 'linux') return t.diagnostic('no second disk to link to: not tried here');
  // A disk that is only read may know of no sync.
  assert.equal(nodeStorage(root).link(nodeStorage('/proc'), 'version'), false);
  const elsewhere = mkdtempSync('/dev/shm/wasm-engine-storage-');
  try {
    mkdirSync(join(elsewhere, 'packs'));
    const isOne = statSync(elsewhere).dev === statSync(root).dev;
    assert.equal(nodeStorage(elsewhere).link(from, 'packs/1'), isOne);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

test('link() makes what the file holds durable, before it has a second name', (t) => {
  const [from, to] = [nodeStorage(join(root, 'copied')), nodeStorage(join(root, 'linked'))];
  for (const storage of [from, to]) storage.makeFolder('packs');
  writeFileSync(join(root, 'copied', 'packs', '1'), 'pages');
  const done: string[] = [];
  for (const name of ['fdatasyncSync', 'linkSync'] as const) {
    const real = fs[name] as (...words: unknown[]) => void;
    t.mock.method(fs, name, (...words: unknown[]) => {
      done.push(name);
      real(...words);
    });
  }
  syncBuiltinESMExports();
  try {
    assert.equal(to.link(from, 'packs/1'), true);
  } finally {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  }
  assert.deepEqual(done, ['fdatasyncSync', 'linkSync']);
});
