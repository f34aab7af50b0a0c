// Every instruction that the validator takes, one by one: V8 must give it the same types. And every other byte is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bulkBase, type OpcodeInfo, opcodeInfo, simdBase } from '../../src/wasm/binary/opcodes.ts';
import { refusalOf } from './judge.ts';
import { Sink, typeCodes, writeProgram } from './program-writer.ts';

/** A module of one function with this code, which leaves one value of the type. */
function moduleOf(code: Sink, result: string): Uint8Array<ArrayBuffer> {
  const body = new Sink().u32(0).append(code).u8(0x0b);
  return writeProgram({
    types: [
      { params: '', results: result },
      { params: '', results: '' },
    ],
    imports: [],
    functions: [0, 1],
    bodies: [body, new Sink().u8(0, 0x0b)],
    tables: [[1, 1]],
    memory: [1, 1],
    globals: [],
    exports: [],
    start: undefined,
    elements: [{ offset: undefined, items: [1] }],
    data: [{ offset: undefined, bytes: [1] }],
  });
}

const zeros: Readonly<Record<string, readonly number[]>> = {
  i: [0x41, 0],
  l: [0x42, 0],
  f: [0x43, 0, 0, 0, 0],
  d: [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
  v: [0xfd, 12, ...new Array<number>(16).fill(0)],
  r: [0xd0, 0x70],
};

/** Immediates of zero, of the right size. */
const immediates: Readonly<Record<string, readonly number[]>> = {
  none: [],
  zeroByte: [0],
  zeroBytes2: [0, 0],
  memarg: [0, 0],
  memargLane: [0, 0, 0],
  lane: [0],
  bytes16: new Array<number>(16).fill(0),
  index: [0],
  index2: [0, 0],
  dataIndexZero: [0, 0],
  referenceType: [0x70],
  i32: [0],
  i64: [0],
  f32: [0, 0, 0, 0],
  f64: new Array<number>(8).fill(0),
};

function prefixed(code: number): number {
  if (code < bulkBase) return code;
  return code < simdBase ? 0xfc00 + code - bulkBase : 0xfd00 + code - simdBase;
}

/** The instruction on these operands; what it gives, or an i32 where it gives nothing. */
function use(code: number, info: OpcodeInfo, operands: string, gives: string): Uint8Array<ArrayBuffer> {
  const sink = new Sink();
  for (const letter of operands) sink.u8(...zeros[letter]!);
  sink.op(prefixed(code)).u8(...(code === 0xd2 ? [1] : immediates[info.immediate]!));
  if (info.gives === '') sink.u8(...zeros['i']!);
  return moduleOf(sink, gives);
}

/** Instructions whose types follow from the opcode alone. */
const plain = Array.from({ length: simdBase + 0x100 }, (_, code) => ({
  code,
  info: opcodeInfo(code),
})).flatMap(({ code, info }) => {
  if (info === undefined || info.takes.includes('t') || info.gives.includes('t')) return [];
  const control = code < 0x20 || immediates[info.immediate] === undefined;
  return control ? [] : [{ code, info }];
});

test('each instruction has the types that V8 gives it', () => {
  assert.ok(plain.length > 400, `${plain.length}`);
  for (const { code, info } of plain) {
    const name = prefixed(code).toString(16);
    const result = info.gives === '' ? 'i' : info.gives;
    const right = use(code, info, info.takes, result);
    assert.equal(refusalOf(right), undefined, name);
    assert.ok(WebAssembly.validate(right), `V8 refuses ${name}`);
    for (const letter of Object.keys(typeCodes)) {
      const [wrongResult, ...wrongOperands] = [
        use(code, info, info.takes, letter),
        ...[...info.takes].map((_, at) =>
          use(code, info, info.takes.slice(0, at) + letter + info.takes.slice(at + 1), result),
        ),
      ];
      for (const module of [wrongResult!, ...wrongOperands]) {
        assert.equal(refusalOf(module) === undefined, WebAssembly.validate(module), `${name} with ${letter}`);
      }
    }
  }
});

test('every other opcode is refused, whatever V8 makes of it', () => {
  let refused = 0;
  for (let code = 0; code < 0x100 + 0x20 + 0x180; code++) {
    const sink = new Sink();
    if (code < 0x100) sink.u8(code);
    else if (code < 0x120) sink.u8(0xfc).u32(code - 0x100);
    else sink.u8(0xfd).u32(code - 0x120);
    const number = code < 0x100 ? code : code < 0x120 ? bulkBase + code - 0x100 : simdBase + code - 0x120;
    const beyond = code >= 0x120 && code - 0x120 > 0xff;
    if (code === 0xfc || code === 0xfd || (!beyond && opcodeInfo(number) !== undefined)) continue;
    refused++;
    assert.match(refusalOf(moduleOf(sink, '')) ?? 'accepted', /it has the (unknown )?instruction \S/);
  }
  assert.ok(refused > 150);
});
