// What of instrumentation is measured by itself: each protection alone, and all together.

import type { InstrumentOptions } from '../../../src/wasm/index.ts';

export interface ProtectionSet {
  readonly title: string;
  readonly protections: NonNullable<InstrumentOptions['protections']>;
}

const none = { fuel: false, stack: false, nan: false };

/** The last one is the whole, the one before it the whole as machines make NaN. The first shows what the shared memory costs. */
export const protectionSets: readonly ProtectionSet[] = [
  { title: 'memory', protections: none },
  { title: 'fuel', protections: { ...none, fuel: true } },
  { title: 'stack', protections: { ...none, stack: true } },
  { title: 'nan', protections: { ...none, nan: true } },
  { title: 'no nan', protections: { nan: false } },
  { title: 'whole', protections: {} },
];

export interface Measured {
  readonly name: string;
  readonly size: number;
  readonly plainMs: number;
  /** Against the plain module in the same round, by protection set. */
  readonly ratios: readonly number[];
}
