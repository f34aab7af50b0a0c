// Words of the runtimes without the places in their source.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutSourcePlaces } from './source-places.ts';

test('what a runtime says is kept, and where in its source it says it is not', () => {
  const said: readonly (readonly [string, string])[] = [
    [
      'Load failed:/src/core/graph/load.h:46 void onnx::Validate(const std::map<std::string, int>&, bool (*)(int)) Opset 99 is too new',
      'Load failed:Opset 99 is too new',
    ],
    [
      '/a/b.cc:136 onnx::Init(const onnx::Config&)::<lambda()> x == y was false. No adapter',
      'x == y was false. No adapter',
    ],
    ['/a/b.cc:12 T onnx::Get(int) const [with T = float] The size is 3', 'The size is 3'],
    ['failed.endian_utils.cc:67 CopyLittleEndian sizes differ', 'failed.CopyLittleEndian sizes differ'],
    ['a.cc:1 onnx::F() b.cc:2 onnx::G(int) twice', 'twice'],
    ['No Op registered for X (see a.h) with version 17', 'No Op registered for X (see a.h) with version 17'],
    ['x.cc:5 The value (3) of ns::y is wrong', 'The value (3) of ns::y is wrong'],
    ['a.cc:1 onnx::F()', 'a.cc:1 onnx::F()'],
    ['', ''],
  ];
  for (const [text, words] of said) assert.equal(withoutSourcePlaces(text), words);
});

test('a long name of a model is looked at up to a bound', () => {
  for (const part of ['a', '/a', '/', 'a.h:1 ', '.', 'a('])
    assert.ok(withoutSourcePlaces(part.repeat(2 ** 20)).length <= 1000);
});
