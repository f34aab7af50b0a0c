// Medians and rates. One figure of one run means little on a shared machine.

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** A figure with its must and aim, as one line. */
export function report(
  what: string,
  value: number,
  unit: string,
  must: number,
  aim: number,
  low: boolean,
): void {
  const meets = (bound: number): boolean => (low ? value <= bound : value >= bound);
  const verdict = meets(aim) ? 'aim met' : meets(must) ? 'must met' : 'MUST MISSED';
  const shown = value >= 1000 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3);
  console.log(
    `${what.padEnd(52)} ${shown.padStart(12)} ${unit.padEnd(10)} must ${must}, aim ${aim}: ${verdict}`,
  );
}
