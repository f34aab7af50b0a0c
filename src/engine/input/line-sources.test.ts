// Lines are the same whatever the chunks, and files and streams behave alike.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { after, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { EngineError } from '../../base/errors.ts';
import { LineFile } from './line-file.ts';
import { type LineSource, startOfSource } from './line-source.ts';
import { type Line, LineSplitter } from './line-splitter.ts';
import { LineStream } from './line-stream.ts';
import { openInput } from './open-input.ts';

const root = mkdtempSync(join(tmpdir(), 'wasm-engine-input-'));
after(() => rmSync(root, { recursive: true, force: true }));
let files = 0;

function fileOf(content: string | Uint8Array): string {
  const path = join(root, `f${files++}`);
  writeFileSync(path, content);
  return path;
}

type Plain = [number: number, start: number, end: number, text: string | undefined];
function plain(line: Line): Plain {
  return [line.number, line.start, line.end, line.bytes && Buffer.from(line.bytes).toString('latin1')];
}

/** Splits in one piece, by the rule and not by the code. */
function expected(content: string, bytesMax: number): Plain[] {
  const lines: Plain[] = [];
  let start = 0;
  const parts = content.split('\n');
  for (const [index, part] of parts.entries()) {
    const last = index === parts.length - 1;
    if (last && part === '') break;
    const end = start + part.length + (last ? 0 : 1);
    let text = part.replace(/\r$/, '');
    if (start === 0) text = text.replace(/^\xef\xbb\xbf/, '');
    if (part.length > bytesMax) lines.push([index + 1, start, end, undefined]);
    else if (/[^ \t\r]/.test(text)) lines.push([index + 1, start, end, text]);
    start = end;
  }
  return lines;
}

function cut(content: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let from = 0;
  for (const size of sizes) {
    chunks.push(content.subarray(from, from + size));
    from += size;
  }
  return [...chunks, content.subarray(from)];
}

const contents = fc
  .array(
    fc.constantFrom('\n', '\r\n', '\r', 'a', '{"x":1}', ' ', '\t', '\xef\xbb\xbf', '\xff', 'long long long'),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));
const cuts = fc.array(fc.nat({ max: 9 }), { maxLength: 30 });

test('LineSplitter gives the same lines for every way of cutting the bytes', () => {
  fc.assert(
    fc.property(contents, cuts, fc.integer({ min: 1, max: 20 }), (content, sizes, bytesMax) => {
      const splitter = new LineSplitter(0, 0, bytesMax);
      const lines = cut(Buffer.from(content, 'latin1'), sizes).flatMap((chunk) => splitter.push(chunk));
      lines.push(...splitter.end());
      assert.deepEqual(lines.map(plain), expected(content, bytesMax));
      assert.equal(splitter.offset, content.length);
    }),
  );
});

async function drain(
  source: LineSource,
  max: number,
): Promise<{ lines: Plain[]; sizes: number[]; cursors: string[] }> {
  const lines: Plain[] = [];
  const sizes: number[] = [];
  const cursors: string[] = [];
  while (!source.cursor.ended) {
    const pulled = await source.pull(max);
    lines.push(...pulled.map(plain));
    sizes.push(pulled.length);
    cursors.push(JSON.stringify(source.cursor));
  }
  assert.deepEqual(await source.pull(max), []);
  source.close();
  return { lines, sizes, cursors };
}

test('a file and a stream give the same lines, pulls and cursors', async () => {
  await fc.assert(
    fc.asyncProperty(contents, cuts, fc.integer({ min: 1, max: 5 }), async (content, sizes, max) => {
      const bytes = Buffer.from(content, 'latin1');
      const chunks = cut(bytes, sizes).filter((chunk) => chunk.length > 0);
      const fromFile = await drain(new LineFile(fileOf(bytes)), max);
      const fromStream = await drain(new LineStream(Readable.from(chunks, { objectMode: false }), 's'), max);
      assert.deepEqual(fromStream, fromFile);
      assert.deepEqual(fromFile.lines, expected(content, 1000));
      assert.ok(fromFile.sizes.slice(0, -1).every((size) => size === max));
    }),
    { numRuns: 60 },
  );
});

test('a run goes on at a cursor with the lines it would have had', () => {
  fc.assert(
    fc.property(contents, fc.integer({ min: 1, max: 4 }), fc.nat({ max: 6 }), (content, max, pulls) => {
      const path = fileOf(Buffer.from(content, 'latin1'));
      const whole = new LineFile(path);
      for (let i = 0; i < pulls; i++) whole.pull(max);
      const again = new LineFile(path);
      again.seek(whole.cursor);
      assert.deepEqual(again.cursor, whole.cursor);
      for (let i = 0; i < 8; i++) {
        assert.deepEqual(again.pull(max).map(plain), whole.pull(max).map(plain));
        assert.deepEqual(again.cursor, whole.cursor);
      }
      whole.close();
      again.close();
    }),
    { numRuns: 60 },
  );
});

test('lines put back come again first, and the cursor stands before them', () => {
  const source = new LineFile(fileOf('a\n\nb\nc\n'));
  assert.deepEqual(source.cursor, startOfSource);
  const lines = source.pull(4);
  assert.equal(lines.length, 3);
  assert.deepEqual(source.cursor, { byte: 7, line: 4, ended: true });
  source.putBack(lines.slice(1));
  assert.deepEqual(source.cursor, { byte: 3, line: 2, ended: false });
  assert.deepEqual(
    source.pull(2).map((line) => line.number),
    [3, 4],
  );
  assert.equal(source.cursor.ended, false);
  assert.deepEqual(source.pull(2), []);
  assert.equal(source.cursor.ended, true);
  source.close();
});

test('a file is read as far as it is needed, and not to its end', () => {
  const line = `${'x'.repeat(999)}\n`;
  const path = fileOf(line.repeat(300));
  const source = new LineFile(path);
  assert.equal(source.pull(1).length, 1);
  const descriptor = openSync(path, 'r+');
  writeSync(descriptor, 'CHANGED', 200_000);
  const rest = source.pull(300);
  assert.equal(Buffer.from(rest[199]!.bytes!.subarray(0, 7)).toString(), 'CHANGED');
  source.close();
});

test('a line that is too long is told by number and not held, and the next ones come', () => {
  const source = new LineFile(fileOf(`a\n${'b'.repeat(200_000)}\nc\n`), 'f', 100_000);
  assert.deepEqual(source.pull(9).map(plain), [
    [1, 0, 2, 'a'],
    [2, 2, 200_003, undefined],
    [3, 200_003, 200_005, 'c'],
  ]);
  source.close();
});

test('seek() refuses a file that has become shorter', () => {
  const source = new LineFile(fileOf('a\n'));
  assert.throws(() => source.seek({ byte: 3, line: 1, ended: false }), /it has 2 bytes, wanted at least 3/);
  source.close();
});

test('a file that is not there, or is a folder, is one clear error', () => {
  for (const [path, wanted] of [
    [join(root, 'no'), /Cannot open the input .*no": there is no such file/],
    [root, /Cannot open the input .*: it is a folder/],
  ] as const) {
    assert.throws(
      () => openInput(path),
      (error: EngineError) => error.code === 'input-invalid' && wanted.test(error.message),
    );
  }
});

test('a stream waits for as many lines as are asked for, and poll() gives those that are there', async () => {
  const stream = new PassThrough();
  const source = new LineStream(stream, 's');
  let pulled: readonly Line[] | undefined;
  const pull = Promise.resolve(source.pull(2)).then((lines) => (pulled = lines));
  stream.write('a\nb');
  for (let i = 0; i < 5; i++) await turn();
  assert.equal(pulled, undefined);
  stream.write('\nc\n');
  await pull;
  assert.equal(pulled!.length, 2);
  await source.arrival();
  assert.deepEqual(
    source.poll(5).map((line) => line.number),
    [3],
  );
  assert.deepEqual(source.poll(5), []);
  assert.equal(source.cursor.ended, false);
  const arrival = source.arrival();
  stream.end('d');
  await arrival;
  assert.equal(source.poll(5).length, 1);
  assert.equal(source.cursor.ended, true);
});

test('a stream that fails gives no short pull that would look like its end', async () => {
  for (const failure of [new Error('broken'), undefined]) {
    const stream = new PassThrough();
    const source = new LineStream(stream, 's');
    stream.write('a\nb\n');
    await source.arrival();
    stream.destroy(failure);
    await turn();
    assert.equal((await source.pull(1)).length, 1);
    await assert.rejects(
      Promise.resolve(source.pull(2)),
      /Cannot read s: (broken|it was closed before its end)/,
    );
    assert.equal(source.cursor.ended, false);
  }
});

test('closing a source is not its end', async () => {
  const stream = new LineStream(new PassThrough(), 's');
  const pull = stream.pull(1);
  stream.close();
  assert.deepEqual(await pull, []);
  const file = new LineFile(fileOf('a\n'));
  file.close();
  assert.deepEqual(file.pull(1), []);
  for (const source of [stream, file]) assert.equal(source.cursor.ended, false);
});

test('a stream is paused while enough waits', async () => {
  let given = 0;
  const stream = new Readable({
    highWaterMark: 1,
    read() {
      given++;
      this.push('0123456789\n'.repeat(100));
    },
  });
  const source = new LineStream(stream, 's');
  for (let i = 0; i < 400; i++) await turn();
  assert.ok(given >= 40 && given < 60, `${given} chunks were taken`);
  assert.equal((await source.pull(8000)).length, 8000);
  source.close();
});

test('a named pipe is read as a stream', { skip: process.platform === 'win32' }, async () => {
  const path = join(root, 'pipe');
  if (spawnSync('mkfifo', [path]).status !== 0) return;
  const writer = openSync(path, 'r+');
  const source = openInput(path);
  assert.equal(source.seekable, false);
  writeSync(writer, 'a\nb\n');
  assert.equal((await source.pull(2)).length, 2);
  closeSync(writer);
  assert.deepEqual(await source.pull(1), []);
  assert.equal(source.cursor.ended, true);
});
