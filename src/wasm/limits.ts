// The one table of what a module may hold, frozen below V8's own limits with headroom for what instrumentation appends.

export const moduleLimits = {
  moduleBytesMax: 16_777_216,
  typesMax: 100_000,
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
  tableElementsMax: 1_000_000,
  segmentsMax: 99_000,
  exportsMax: 50_000,
  nestingMax: 10_000,
  memoryPagesMax: 65_536,
} as const;
