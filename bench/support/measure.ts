// Medians, rates and lines of a report. One figure of one run means little on a shared machine.

import type { Orchestrator, RunProgress } from '../../src/engine/index.ts';

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface RateOptions {
  /** The total that is counted. */
  readonly counted: 'messages' | 'ticks' | 'agents';
  /** Ticks before the first round. */
  readonly warmUpTicks: number;
  readonly roundTicks: number;
  readonly rounds: number;
}

/** Runs to the end of the rounds and answers the median rate of a round, a second. */
export async function rateOf(orchestrator: Orchestrator, options: RateOptions): Promise<number> {
  const { counted, warmUpTicks, roundTicks, rounds } = options;
  const rates: number[] = [];
  let [startedMs, before] = [0, 0];
  const onTick = (progress: RunProgress): void => {
    const beyond = progress.ticks - warmUpTicks;
    if (beyond < 0 || beyond % roundTicks !== 0) return;
    const nowMs = performance.now();
    if (beyond > 0) rates.push(((progress[counted] - before) / (nowMs - startedMs)) * 1000);
    [startedMs, before] = [nowMs, progress[counted]];
  };
  // The last tick is that of the shutdown, and no part of a round.
  await orchestrator.run({ ticks: warmUpTicks + rounds * roundTicks + 1, onTick });
  return median(rates);
}

/** The median of several runs of one measurement. */
export async function medianOf(runs: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < runs; i++) values.push(await measure());
  return median(values);
}

/** A figure with as many digits as say something. */
export function shown(value: number): string {
  if (value >= 1000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export interface Bounds {
  readonly must: number;
  readonly aim: number;
  /** Whether less is better. */
  readonly low: boolean;
}

/** Prints a figure as one line, with its must and aim where it has them. */
export function report(what: string, value: number, unit: string, bounds?: Bounds): void {
  const figure = `${what.padEnd(52)} ${shown(value).padStart(10)} ${unit.padEnd(4)}`;
  console.log(bounds === undefined ? figure : `${figure} ${verdictOf(value, bounds)}`);
}

function verdictOf(value: number, { must, aim, low }: Bounds): string {
  const meets = (bound: number): boolean => (low ? value <= bound : value >= bound);
  const verdict = meets(aim) ? 'aim met' : meets(must) ? 'must met' : 'MUST MISSED';
  return `must ${shown(must)}, aim ${shown(aim)}: ${verdict}`;
}
