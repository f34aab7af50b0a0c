// What is wrong with code, one case a rule; V8 must refuse each of them too. Agreement on random modules is tested in
// test/wasm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../../base/errors.ts';
import { parseModule } from '../parse/parse-module.ts';
import { validateModule } from './validate-module.ts';

function section(id: number, ...content: number[]): number[] {
  return [id, content.length, ...content];
}

interface Parts {
  readonly memory?: boolean;
  readonly dataCount?: boolean;
  readonly elements?: boolean;
  readonly start?: number;
  readonly globalFunction?: number;
}

/** A module of one function `(i32) -> (i64)` with this code, and one of most other things. */
function moduleWith(code: readonly number[], parts: Parts = {}): Uint8Array<ArrayBuffer> {
  const globalFunction = parts.globalFunction ?? 0;
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      4,
      0x60,
      0,
      0,
      0x60,
      1,
      0x7f,
      1,
      0x7e,
      0x60,
      2,
      0x7f,
      0x7e,
      2,
      0x7e,
      0x7f,
      0x60,
      1,
      0x7f,
      1,
      0x7f,
    ),
    ...section(3, 2, 1, 0),
    ...section(4, 1, 0x70, 0, 4),
    ...(parts.memory === false ? [] : section(5, 1, 0, 1)),
    ...section(6, 3, 0x7f, 1, 0x41, 0, 0x0b, 0x7e, 0, 0x42, 0, 0x0b, 0x70, 0, 0xd2, globalFunction, 0x0b),
    ...(parts.start === undefined ? [] : section(8, parts.start)),
    ...(parts.elements === false ? [] : section(9, 1, 1, 0, 1, 0)),
    ...(parts.dataCount === false ? [] : section(12, 1)),
    ...section(10, 2, code.length + 5, 2, 1, 0x7c, 1, 0x7b, ...code, 2, 0, 0x0b),
    ...section(11, 1, 1, 1, 7),
  ]);
}

function refusalOf(bytes: Uint8Array): string | undefined {
  try {
    validateModule(parseModule(bytes, 'x.wasm'));
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'module-refused') return error.message;
    throw error;
  }
}

const i64 = [0x42, 0];
const fine: readonly (readonly [string, readonly number[]])[] = [
  ['a constant', [...i64, 0x0b]],
  ['anything behind unreachable', [0x00, 0x6a, 0x1b, 0x45, 0x1a, 0x0b]],
  ['a select behind unreachable', [0x00, 0x1b, 0x0b]],
  ['branches behind a branch', [...i64, 0x0c, 0, 0x0d, 0, 0x1a, 0x0e, 1, 0, 0, 0x0b]],
  ['a block with parameters', [0x41, 1, ...i64, 0x02, 2, 0x1a, 0x1a, ...i64, 0x41, 0, 0x0b, 0x1a, 0x0b]],
  [
    'a loop that carries its parameters',
    [0x41, 1, ...i64, 0x03, 2, 0x41, 1, 0x0d, 1, 0x0c, 0, 0x0b, 0x1a, 0x0b],
  ],
  ['a tail call of its own type', [0x41, 0, 0x12, 0, 0x0b]],
  ['a reference to a declared function', [0xd2, 0, 0x1a, ...i64, 0x0b]],
];

for (const [what, code] of fine) {
  test(`validateModule() takes ${what}`, () => {
    const bytes = moduleWith(code);
    assert.equal(refusalOf(bytes), undefined);
    assert.ok(WebAssembly.validate(bytes));
  });
}

const wrong: readonly (readonly [string, readonly number[], RegExp, Parts?])[] = [
  [
    'a missing operand',
    [0x6a, ...i64, 0x0b],
    /function 0, instruction 0x6a: it has too few operands, wanted i32/,
  ],
  [
    'an operand of another type',
    [...i64, 0x45, 0x1a, ...i64, 0x0b],
    /instruction 0x45: found an operand of i64, wanted i32/,
  ],
  ['a missing result', [0x0b], /instruction 0x0b: it has too few operands, wanted i64/],
  ['a result of another type', [0x41, 0, 0x0b], /found an operand of i32, wanted i64/],
  ['operands that are left', [...i64, ...i64, 0x0b], /1 operands too many are left/],
  ['operands left behind unreachable', [0x00, ...i64, ...i64, 0x0b], /1 operands too many are left/],
  ['operands below a block', [0x41, 0, 0x02, 0x40, 0x1a, 0x0b, ...i64, 0x0b], /too few operands/],
  ['a label that is not open', [...i64, 0x0c, 1, 0x0b], /it branches to the label 1, 1 are open/],
  [
    'a branch without its operand',
    [0x41, 0, 0x0d, 0, ...i64, 0x0b],
    /instruction 0x0d: it has too few operands/,
  ],
  [
    'labels that carry unlike numbers',
    [0x02, 0x40, ...i64, 0x41, 0, 0x0e, 1, 0, 1, 0x0b, ...i64, 0x0b],
    /carry 0 and 1/,
  ],
  [
    'an if that gives without an else',
    [0x41, 0, 0x04, 0x7f, 0x41, 0, 0x0b, 0x1a, ...i64, 0x0b],
    /without an else/,
  ],
  ['an else without an if', [0x05, ...i64, 0x0b], /an else has no if/],
  ['code behind its end', [...i64, 0x0b, 0x01], /goes on for 1 bytes after its end/],
  ['code without its end', [...i64], /truncated: an instruction is missing/],
  ['an unknown local', [0x20, 3, 0x0b], /it names the local 3, the function has 3/],
  ['a local of another type', [0x20, 1, 0x0b], /found an operand of f64/],
  ['an unknown global', [0x23, 3, 0x0b], /the global 3, which does not exist/],
  ['a constant global that is set', [...i64, 0x24, 1, ...i64, 0x0b], /sets a global that is not mutable/],
  ['an unknown function', [0x10, 2, ...i64, 0x0b], /the function 2, which does not exist/],
  ['an unknown type', [0x41, 0, 0x11, 4, 0, 0x0b], /the type 4, which does not exist/],
  ['an unknown table', [0x41, 0, 0x11, 0, 1, ...i64, 0x0b], /the table 1, which does not exist/],
  ['an unknown block type', [0x02, 9, 0x0b, ...i64, 0x0b], /the block type 9, which does not exist/],
  ['a tail call with other results', [0x12, 1, 0x0b], /a tail call gives other results/],
  ['a select of unlike types', [0x41, 0, ...i64, 0x41, 0, 0x1b, 0x0b], /it chooses between i32 and i64/],
  ['a select of references', [0xd0, 0x70, 0xd0, 0x70, 0x41, 0, 0x1b, 0x1a, ...i64, 0x0b], /needs a type/],
  ['a select of two types', [0x1c, 2, 0x7f, 0x7f, ...i64, 0x0b], /it has 2 types, wanted 1/],
  ['an alignment that is too great', [0x41, 0, 0x29, 4, 0, 0x0b], /found the alignment 2\^4, at most 2\^3/],
  ['a lane that does not exist', [0x20, 2, 0xfd, 29, 2, 0x0b], /it names the lane 2, there are 2/],
  [
    'a shuffled lane that does not exist',
    [0x20, 2, 0x20, 2, 0xfd, 13, ...new Array<number>(16).fill(32), 0x1a, ...i64, 0x0b],
    /the lane 32, there are 32/,
  ],
  ['an unknown data segment', [0xfc, 9, 1, ...i64, 0x0b], /the data segment 1, which does not exist/],
  ['an unknown element segment', [0xfc, 13, 1, ...i64, 0x0b], /the element segment 1, which does not exist/],
  ['an undeclared reference', [0xd2, 1, 0x1a, ...i64, 0x0b], /refers to function 1, which no segment/],
  ['memory that is not there', [0x3f, 0, 0x1a, ...i64, 0x0b], /the module has no memory/, { memory: false }],
  ['an access without a memory', [0x41, 0, 0x29, 3, 0, 0x0b], /the module has no memory/, { memory: false }],
  ['data without a count', [0xfc, 9, 0, ...i64, 0x0b], /no data count section/, { dataCount: false }],
  [
    'a start function with results',
    [...i64, 0x0b],
    /start function 0 is \(i32\) -> i64, wanted \(\) -> \(\)/,
    { start: 0 },
  ],
  [
    'a global of an unknown function',
    [...i64, 0x0b],
    /global 2 refers to function 2, which does not exist/,
    { globalFunction: 2 },
  ],
];

for (const [what, code, wanted, parts] of wrong) {
  test(`validateModule() refuses ${what}`, () => {
    const bytes = moduleWith(code, parts);
    assert.match(refusalOf(bytes) ?? 'accepted', wanted);
    assert.ok(!WebAssembly.validate(bytes), 'V8 accepts it');
  });
}

test('a refusal names the offset of the instruction', () => {
  const bytes = moduleWith([0x01, 0x01, 0x6a, ...i64, 0x0b]);
  const at = bytes.indexOf(0x6a);
  assert.match(refusalOf(bytes)!, new RegExp(`\\(code section, offset 0x${at.toString(16)}\\)$`));
});
