// Agent faults: the closed union of ways in which a task fails. Numbers are part of the record and are never reused.

export const faultCodes = {
  'out-of-fuel': 1,
  'stack-exhausted': 2,
  'memory-out-of-bounds': 3,
  'table-out-of-bounds': 4,
  'indirect-call-mismatch': 5,
  'integer-overflow': 6,
  'divide-by-zero': 7,
  unreachable: 8,
  'negative-return': 9,
  'unknown-return': 10,
  'inbox-out-of-bounds': 11,
  'host-call-not-allowed': 12,
  quarantined: 13,
} as const;
export type FaultKind = keyof typeof faultCodes;

const kindByCode = new Map<number, FaultKind>(
  Object.entries(faultCodes).map(([kind, code]) => [code, kind as FaultKind]),
);

/** The name of a fault code; undefined for zero (no fault) and for codes this version does not know. */
export function faultKind(code: number): FaultKind | undefined {
  return kindByCode.get(code);
}
