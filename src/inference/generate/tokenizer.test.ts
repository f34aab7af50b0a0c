// The tokenizer in a model's folder, which may be anybody's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { folderOf, withoutPackage } from '../testing/sample-models.ts';
import { tokenizerFiles } from '../testing/sample-tokenizer.ts';
import { TookTooLong } from './bounded-time.ts';
import { loadTokenizer } from './tokenizer.ts';

const skip = withoutPackage('@huggingface/tokenizers');

/** A folder whose tokenizer splits by a pattern. */
function splitting(pattern: string): string {
  const files = tokenizerFiles();
  const tokenizer = JSON.parse(files['tokenizer.json']!);
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  return folderOf({ ...files, 'tokenizer.json': JSON.stringify({ ...tokenizer, pre_tokenizer: split }) });
}

test('a pattern that tries without end is given up at the text that it does that with', {
  skip,
}, async () => {
  const endless = 'h'.repeat(500);
  const one = await loadTokenizer(splitting('h*h*h*h*h*h*h*h*Q'), 500);
  assert.ok(one.encode('hello').length > 0);
  const late = (error: unknown): boolean =>
    error instanceof TookTooLong && /"tokenizer.json" took longer than 500 ms$/.test(error.message);
  assert.throws(() => one.encode(endless), late);
  assert.ok(one.encode('hello').length > 0, 'and it goes on');
});

test('a tokenizer that cannot be used is refused with what is wrong', { skip }, async () => {
  const refused = (words: RegExp) => (error: unknown) =>
    error instanceof EngineError && error.code === 'model-refused' && words.test(error.message);
  const unusable = refused(/^its "tokenizer.json" cannot be used: /);
  await assert.rejects(loadTokenizer(splitting('(((')), unusable);
  const explosive = refused(
    /its pattern "\(h\|hh\|h\)\+Q" may try a text in endlessly many ways, wanted repetitions of what/,
  );
  await assert.rejects(loadTokenizer(splitting('(h|hh|h)+Q')), explosive);
  const files = tokenizerFiles();
  for (const text of ['{}', '{"model": null}', `{"model": ${'['.repeat(1e6)}${']'.repeat(1e6)}}`])
    await assert.rejects(loadTokenizer(folderOf({ ...files, 'tokenizer.json': text })), unusable);
});
