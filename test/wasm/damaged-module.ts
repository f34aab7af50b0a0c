// Damages a module in one of the ways that decoders and validators are known to miss. From chance alone.
import type { Chance } from './program-shape.ts';

/** Bytes that mean something in many places: types, opcodes, limits, long numbers. */
const telling = [
  0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x40, 0, 1, 2, 3, 0x80, 0xff, 0xd0, 0xd1, 0xd2, 0xfc, 0xfd, 0x1b,
  0x1c, 0x0b, 0x05, 0x0c, 0x0d, 0x0e, 0x10, 0x11, 0x12, 0x13, 0x60, 0x64,
];

export function damaged(bytes: Uint8Array, chance: Chance): Uint8Array<ArrayBuffer> {
  let result = Uint8Array.from(bytes);
  for (let changes = 1 + chance.below(3); changes > 0 && result.length > 9; changes--) {
    result = changed(result, chance);
  }
  return result;
}

function changed(bytes: Uint8Array<ArrayBuffer>, chance: Chance): Uint8Array<ArrayBuffer> {
  const at = 8 + chance.below(bytes.length - 8);
  const size = 1 + chance.below(6);
  switch (chance.below(9)) {
    case 0:
      bytes[at] = chance.below(256);
      return bytes;
    case 1:
      bytes[at]! ^= 1 << chance.below(8);
      return bytes;
    case 2:
      bytes[at] = chance.pick(telling);
      return bytes;
    case 3:
      bytes[at] = bytes[8 + chance.below(bytes.length - 8)]!;
      return bytes;
    case 4:
      bytes[at] = (bytes[at]! + (chance.once(2) ? 1 : 255)) & 255;
      return bytes;
    case 5:
      return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + size)]);
    case 6: {
      const from = 8 + chance.below(bytes.length - 8);
      return Uint8Array.from([
        ...bytes.subarray(0, at),
        ...bytes.subarray(from, from + size),
        ...bytes.subarray(at),
      ]);
    }
    case 7:
      return chance.once(6) ? bytes.slice(0, at) : swapped(bytes, at, chance);
    default:
      bytes[at] = chance.below(0x30);
      return bytes;
  }
}

function swapped(bytes: Uint8Array<ArrayBuffer>, at: number, chance: Chance): Uint8Array<ArrayBuffer> {
  const other = 8 + chance.below(bytes.length - 8);
  [bytes[at], bytes[other]] = [bytes[other]!, bytes[at]!];
  return bytes;
}
