// The one table of what a module may hold, frozen below V8's own limits with headroom for what instrumentation appends.
import type { EngineError } from '../../base/errors.ts';
import { refusal } from '../binary/refusal.ts';

export const moduleLimits = {
  moduleBytesMax: 16_777_216,
  typesMax: 100_000,
  importsMax: 100_000,
  functionsMax: 100_000,
  parametersMax: 500,
  resultsMax: 500,
  localsMax: 49_000,
  /** A function's code after instrumentation; V8 takes 7,654,321. */
  functionBytesMax: 7_000_000,
  globalsMax: 100_000,
  /** Mutable globals take part in the integer accessors. */
  mutableGlobalsMax: 4096,
  tablesMax: 16,
  /** Of all tables together, at any time, and of all segments for them: they lie in V8's heap, in every instance. */
  tableElementsMax: 100_000,
  /** Element and data segments together: one function applies them all. */
  segmentsMax: 99_000,
  exportsMax: 50_000,
  /** Bytes of the name of an export, an import or a custom section; V8 takes 100,000. */
  nameBytesMax: 65_536,
  /** Open blocks within one function, its own included. */
  nestingMax: 10_000,
  /** Open loops among them: what V8's optimiser needs grows with the square, 0.5 s here and 90 s at 10,000. */
  loopNestingMax: 500,
  /** Targets of one br_table besides the last; V8 takes 65,520. */
  branchTargetsMax: 65_000,
  memoryPagesMax: 65_536,
} as const;

export type LimitName = keyof typeof moduleLimits;

/** A refusal that names the limit, what was found and what is taken. */
export function limitRefusal(name: string, limit: LimitName, found: number, what: string): EngineError {
  return refusal(name, `${what} ${found}, at most ${moduleLimits[limit]} are taken`);
}
