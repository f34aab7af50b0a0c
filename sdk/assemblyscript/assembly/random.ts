// Random numbers of the agent's own stream, which the run's seed decides.

import { keep } from "./codes";
import * as host from "./host";

function random64(): u64 {
  const word = memory.data(8, 8);
  const code = keep(host.random(word, 8));
  assert(code == 0, "random() is not allowed here");
  return load<u64>(word);
}

/** At least 0 and less than 1, with 53 random bits. */
export function random(): f64 {
  return <f64>(random64() >> 11) / 9007199254740992.0;
}

/** At least 0 and less than `bound`, all alike; 0 where `bound` is 0. */
export function randomInt(bound: u32): u32 {
  if (bound == 0) return 0;
  // Draws at and above the last whole multiple of the bound would favour the small numbers.
  const limit: u64 = 0x1_0000_0000 - (0x1_0000_0000 % <u64>bound);
  let draw: u64;
  do {
    draw = random64() >> 32;
  } while (draw >= limit);
  return <u32>(draw % bound);
}

export function randomBytes(length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  const code = keep(host.random(bytes.dataStart, length));
  assert(code == 0, "randomBytes() is not allowed here, or asks for too many");
  return bytes;
}
