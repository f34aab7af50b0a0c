// Seeded generator: xoshiro128** (Blackman and Vigna, 2018), in 32-bit integer arithmetic only.

/** Four 32-bit words of state; all-zero is never valid. */
export type PrngState = Uint32Array<ArrayBuffer>;

/** A state from any bytes of at least 16, such as a hash; an all-zero start gets a fixed one. */
export function prngFromBytes(bytes: Uint8Array): PrngState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) state[i] = view.getUint32(i * 4, true);
  if ((state[0]! | state[1]! | state[2]! | state[3]!) === 0) state[0] = 0x9e3779b9;
  return state;
}

/** The next 32 bits; advances the state. */
export function prngNext(state: PrngState): number {
  const s1 = state[1]!;
  const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const s2 = state[2]! ^ state[0]!;
  const s3 = state[3]! ^ s1;
  state[1] = s1 ^ s2;
  state[0] = state[0]! ^ s3;
  state[2] = s2 ^ (s1 << 9);
  state[3] = rotateLeft(s3, 11);
  return scrambled;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
