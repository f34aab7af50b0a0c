import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { failureText } from './failure-text.ts';

test('what the system refuses is said in words, with its code', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-words-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const why = (path: string): string => {
    try {
      readFileSync(path);
    } catch (error) {
      return failureText(error);
    }
    return '';
  };
  assert.equal(why(join(folder, 'none')), 'there is no such file or folder (ENOENT)');
  assert.equal(why(folder), 'it is a folder (EISDIR)');
});

test('anything else that is thrown is said as it says itself', () => {
  assert.equal(failureText(new Error('no')), 'no');
  assert.equal(
    failureText(Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' })),
    'ENOSPC: no space left',
  );
  assert.equal(failureText(Object.assign(new Error('odd'), { code: 5 })), 'odd');
  assert.equal(failureText('a text'), 'a text');
});
