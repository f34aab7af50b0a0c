// Folders of models and their hashes.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashModelFolder, readModelFile } from './repository.ts';
import { folderOf } from './testing/sample-models.ts';

const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a model alone has the hash of its file; with other files, of what sha256sum prints', () => {
  assert.deepEqual(hashModelFolder(folderOf({ 'model.onnx': 'abc' })), { sha256: sha('abc'), bytes: 3 });
  const both = hashModelFolder(folderOf({ 'model.onnx': 'abc', 'a.bin': 'de' }));
  assert.deepEqual(both, { sha256: sha(`${sha('de')}  a.bin\n${sha('abc')}  model.onnx\n`), bytes: 5 });
});

test('links, folders and a folder without a model are refused by name', () => {
  assert.throws(() => hashModelFolder('/nowhere/at/all'), /no folder at/);
  assert.throws(() => hashModelFolder(folderOf({ 'x.onnx': '' })), /no "model.onnx" in/);
  const linked = folderOf({ 'model.onnx': 'abc' });
  symlinkSync('/etc/hostname', join(linked, 'w.bin'));
  assert.throws(() => hashModelFolder(linked), /found a link, "w.bin"/);
  const nested = folderOf({ 'model.onnx': 'abc' });
  mkdirSync(join(nested, 'more'));
  assert.throws(() => hashModelFolder(nested), /found a folder, "more"/);
});

test('a folder that is a link is refused, wherever it leads', {
  skip: process.platform === 'win32' && 'links need rights there',
}, () => {
  const folder = folderOf({ 'model.onnx': 'bytes' });
  const link = join(folderOf({}), '1');
  symlinkSync(folder, link);
  assert.throws(() => hashModelFolder(link), /found a link at ".*1", wanted a folder of its own/);
});

test('a file that no runtime can have whole is refused with its size, not begun to be read', () => {
  const folder = folderOf({ 'model.onnx': 'bytes', 'w.bin': '' });
  assert.equal(readModelFile(folder, 'model.onnx').toString(), 'bytes');
  // A hole, which takes no room.
  truncateSync(join(folder, 'w.bin'), 2 ** 31);
  assert.throws(() => readModelFile(folder, 'w.bin'), {
    code: 'model-refused',
    message: 'its "w.bin" has 2147483648 bytes, wanted at most 2147483647',
  });
});
