// The module of one seed: a random program, whole or damaged, or a damaged fixture of the formats' corners.

import { damaged } from '../wasm/damaged-module.ts';
import { Chance } from '../wasm/program-shape.ts';
import { randomProgram } from '../wasm/random-program.ts';

export function fuzzedModule(seed: number): Uint8Array<ArrayBuffer> {
  const chance = new Chance(seed ^ 0xf00d);
  // Programs are dear to make, so several seeds damage the same one.
  const whole = chance.once(8);
  const { bytes } = randomProgram(whole ? seed : Math.floor(seed / 16) * 16);
  return whole ? bytes : damaged(bytes, chance);
}
