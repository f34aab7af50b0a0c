// What an instance takes of V8's heap beside its memory, which lies elsewhere. A process whose heap is full is aborted,
// so whoever keeps many instances must know. Measured on V8 13.6 (Node 24), and rounded up.

import { moduleLimits } from './parse/limits.ts';
import type { ParsedModule } from './parse/parsed-module.ts';

/** The instance itself, and what the engine keeps of it. */
const instanceBytes = 16_384;
const importBytes = 448;
/** Of a function that a table holds, or code refers to. */
const referenceBytes = 384;
const tableElementBytes = 16;
const globalBytes = 16;

/** At most, so a table counts by what it may grow to. */
export function instanceHeapBytes(module: ParsedModule): number {
  const items = module.elements.reduce((sum, { items }) => sum + items.length, 0);
  const growth = module.tables.reduce((sum, { max = Number.POSITIVE_INFINITY }) => sum + max, 0);
  const elements = Math.min(growth, moduleLimits.tableElementsMax);
  // What is referred to in code stands in a segment, an export or a global, too.
  const named = items + module.exports.length + module.globals.length;
  const references = Math.min(named, module.imports.length + module.functions.length);
  return (
    instanceBytes +
    module.imports.length * importBytes +
    references * referenceBytes +
    (elements + items) * tableElementBytes +
    module.globals.length * globalBytes
  );
}
