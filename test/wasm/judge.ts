// What the validator and V8 each say about a module, and the reasons for which the validator may refuse more.
import { EngineError } from '../../src/base/errors.ts';
import { parseModule } from '../../src/wasm/parse/parse-module.ts';
import { validateModule } from '../../src/wasm/validate/validate-module.ts';

/** The refusal of the validator, or undefined where it accepts. */
export function refusalOf(bytes: Uint8Array): string | undefined {
  try {
    validateModule(parseModule(bytes, 'm'));
    return undefined;
  } catch (error) {
    if (error instanceof EngineError && error.code === 'module-refused') return error.message;
    throw error;
  }
}

/** Everything for which a module is refused that V8 would take: features, limits, and what belongs to the engine. */
const reasonsOfOurOwn: readonly RegExp[] = [
  /\((exceptions|threads|threads and atomics|memory64|multi-memory|relaxed SIMD|garbage collection|typed function references)\)/,
  /garbage-collected types, which are not taken/,
  /uses externref|table of externref|uses exnref|only funcref is taken|found the type .* only i32/,
  /found a table of 0x/,
  /found a number type, wanted funcref/,
  /extended constant expression|constant expression that reads a global/,
  /the value type 0x6[0-9a-f]|the value type 0x7[0-9a-f]/,
  /at most \d+ are taken|more than \d+ mutable globals/,
  /it imports .*(only (imports|functions)|which is no host function|this version does not have|wanted)/s,
  /mutable global of funcref/,
  /belong to the engine|instrumented already/,
];

export function hasOwnReason(refusal: string): boolean {
  return reasonsOfOurOwn.some((reason) => reason.test(refusal));
}
