// The tables of the contract agree with themselves and with the page that authors read.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  envelopeOffset,
  envelopeSize,
  faultNoticeOffset,
  faultNoticeSize,
  isMessage,
  noticeOffset,
  noticeSize,
  TaskKind,
} from './envelope.ts';
import { faultCodes, faultKind } from './fault.ts';
import { hostFunctionNames, hostFunctions } from './host-functions.ts';
import { wordsOf } from './record.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'formats', 'abi.md'), 'utf8');

test('the envelope has the offsets of its page, ascending, and ends where it says', () => {
  const offsets = Object.entries(envelopeOffset);
  assert.deepEqual(
    offsets.map(([, at]) => at),
    offsets.map(([, at]) => at).sort((a, b) => a - b),
  );
  assert.equal(envelopeOffset.reserved + 4, envelopeSize);
  assert.equal(noticeOffset.receiverCounter + 4, noticeSize);
  for (const [name, at] of offsets)
    assert.match(page, new RegExp(`\\| ${at} \\| [ui]\\d+ \\| ${name} \\|`), name);
});

test('a fault notice has the offsets and the fault codes of its page, and ends where it says', () => {
  assert.equal(faultNoticeOffset.imageTick + 8, faultNoticeSize);
  for (const [name, at] of Object.entries(faultNoticeOffset))
    assert.match(page, new RegExp(`\\| ${at} \\| u\\d+ \\| ${name} \\|`), name);
  const row = page.split('\n').find((line) => line.startsWith('| 4 | u32 | fault |'));
  for (const [name, code] of Object.entries(faultCodes))
    assert.ok(row?.includes(`${code} ${name.replaceAll('-', ' ')}`), name);
});

test('isMessage() divides the kinds as the page does', () => {
  for (const kind of Object.values(TaskKind)) {
    const row = new RegExp(`^\\| ${kind} \\| (receive|step) \\|`, 'm').exec(page)?.[1];
    if (row !== undefined) assert.equal(isMessage(kind), row === 'receive', `kind ${kind}`);
    else assert.ok(kind >= 32, `kind ${kind} is not on the page`);
  }
});

test('faultKind() names each code, no two alike, and nothing else', () => {
  for (const [kind, code] of Object.entries(faultCodes)) assert.equal(faultKind(code), kind);
  assert.equal(new Set(Object.values(faultCodes)).size, Object.keys(faultCodes).length);
  assert.equal(faultKind(0), undefined);
  assert.equal(faultKind(255), undefined);
});

test('every host function has an index, and its lengths are among its parameters', () => {
  assert.deepEqual([...hostFunctionNames].sort(), Object.keys(hostFunctions).sort());
  for (const [name, { parameters, lengths, fuel }] of Object.entries(hostFunctions)) {
    assert.ok(fuel > 0 && lengths.every((at) => at < parameters), name);
    assert.ok(page.includes(`\`${name}`), `${name} is not on the page`);
  }
});

test('wordsOf() rounds up to whole words', () => {
  assert.deepEqual([0, 1, 4, 5, 8].map(wordsOf), [0, 1, 1, 2, 2]);
});
