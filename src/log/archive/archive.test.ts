// Archives are read as the folders that they were made of, by us and by tar; what is cut or changed is said.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { EngineError } from '../../base/errors.ts';
import { readWhole } from '../files.ts';
import { nodeStorage } from '../node-storage.ts';
import { MemoryStorage } from '../test-storage.ts';
import { archiveStorage, storageAt } from './archive-storage.ts';
import { decodeTarHeader, encodeTarHeader } from './tar-header.ts';
import { writeArchive } from './write-archive.ts';

const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-archive-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const storage = nodeStorage(folder);
const hash = 'ab'.repeat(32);

/** Packs files of given sizes; answers their contents. */
function pack(name: string, sizes: readonly number[]): Map<string, Uint8Array> {
  storage.makeFolder('modules');
  const contents = new Map<string, Uint8Array>([['run.json', Buffer.from('{}\n')]]);
  for (const [i, size] of sizes.entries())
    contents.set(`modules/${hash}${i}.wasm`, new Uint8Array(size).fill(i + 1));
  for (const [file, bytes] of contents) writeFileSync(join(folder, file), bytes);
  const files = [...contents.keys()].map((file) => ({ name: file }));
  writeArchive(
    { storage, name, unfinished: `${name}.part` },
    storage,
    `wasm-engine-run-${'0'.repeat(32)}`,
    files,
  );
  return contents;
}

test('an archive gives back every file, whatever its size', () => {
  const property = fc.property(
    fc.array(fc.constantFrom(0, 1, 511, 512, 513, 5000), { maxLength: 5 }),
    (sizes) => {
      const contents = pack('a.tar', sizes);
      const archive = storageAt(join(folder, 'a.tar'));
      for (const [name, bytes] of contents) assert.deepEqual(readWhole(archive, name), new Uint8Array(bytes));
      assert.deepEqual(archive.list(''), sizes.length === 0 ? ['run.json'] : ['modules', 'run.json']);
      assert.equal(archive.openRead('nothing'), undefined);
      assert.equal(readFileSync(join(folder, 'a.tar')).length % 512, 0);
    },
  );
  fc.assert(property, { numRuns: 30 });
});

test('an archive is on the disk with its name before anybody is told that it is there', () => {
  const disk = new MemoryStorage();
  disk.files.set('run.json', new Uint8Array(3));
  writeArchive({ storage: disk, name: 'a.tar', unfinished: 'a.part' }, disk, 'run', [{ name: 'run.json' }]);
  const calls = disk.calls.filter((call) => /^(sync|rename)/.test(call)).map((call) => call.trim());
  assert.deepEqual(calls, ['sync a.part', 'rename a.part a.tar', 'syncFolder']);
});

test('the same files give the same bytes, and tar unpacks them', (t) => {
  const contents = pack('a.tar', [700, 3]);
  pack('b.tar', [700, 3]);
  assert.deepEqual(readFileSync(join(folder, 'a.tar')), readFileSync(join(folder, 'b.tar')));
  const unpacked = spawnSync('tar', ['xf', 'a.tar'], { cwd: folder });
  if (unpacked.error !== undefined) return t.skip('tar is not on this machine');
  assert.equal(unpacked.status, 0, String(unpacked.stderr));
  for (const [name, bytes] of contents) {
    assert.deepEqual(
      new Uint8Array(readFileSync(join(folder, `wasm-engine-run-${'0'.repeat(32)}`, name))),
      new Uint8Array(bytes),
    );
  }
});

test('what others packed is read, too, with folders and a leading dot', (t) => {
  pack('a.tar', [700]);
  const packed = spawnSync('tar', ['cf', 'c.tar', './run.json', './modules'], { cwd: folder });
  if (packed.error !== undefined) return t.skip('tar is not on this machine');
  const archive = storageAt(join(folder, 'c.tar'));
  assert.equal(readWhole(archive, `modules/${hash}0.wasm`)!.length, 700);
});

function code(run: () => unknown): string {
  try {
    run();
    return 'nothing';
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    return error.code;
  }
}

test('an archive that is cut anywhere, or whose header was changed, is refused', () => {
  const contents = pack('a.tar', [700]);
  const size = readFileSync(join(folder, 'a.tar')).length;
  const codes = new Set<string>();
  for (let cut = size - 1; cut >= 0; cut -= 37) {
    truncateSync(join(folder, 'a.tar'), cut);
    codes.add(
      code(() => {
        const archive = archiveStorage('a.tar', storage, 'a.tar');
        for (const name of ['run.json', ...(archive.list('modules') ?? []).map((file) => `modules/${file}`)])
          assert.deepEqual(readWhole(archive, name), new Uint8Array(contents.get(name)!));
      }),
    );
  }
  // Between two files nothing shows the cut but what is missing then.
  assert.deepEqual([...codes].sort(), ['nothing', 'record-damaged', 'run-directory-invalid']);
  const header = encodeTarHeader('run/run.json', 77);
  assert.deepEqual(decodeTarHeader(header), { name: 'run/run.json', size: 77, isFile: true });
  for (let at = 0; at < 345; at++) {
    const changed = header.slice();
    changed[at]! ^= 4;
    const found = decodeTarHeader(changed);
    assert.ok(found === undefined || (found.name === 'run/run.json' && found.size === 77), `byte ${at}`);
  }
});

test('nothing is written into an archive', () => {
  pack('a.tar', []);
  const archive = storageAt(join(folder, 'a.tar'));
  for (const write of [
    () => archive.create('x'),
    () => archive.lock('lock'),
    () => archive.remove('run.json'),
    () => archive.openUpdate('head'),
  ]) {
    assert.equal(code(write), 'run-directory-invalid');
  }
});

test('a name that does not fit, and a file that is no archive, are refused', () => {
  assert.equal(
    code(() => encodeTarHeader('x'.repeat(101), 1)),
    'run-failed',
  );
  writeFileSync(join(folder, 'text'), 'hello '.repeat(200));
  assert.equal(
    code(() => storageAt(join(folder, 'text'))),
    'run-directory-invalid',
  );
  writeFileSync(join(folder, 'short'), 'hello');
  assert.equal(
    code(() => storageAt(join(folder, 'short'))),
    'run-directory-invalid',
  );
});
