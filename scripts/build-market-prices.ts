// Writes the market example's input: the daily closes of an index, one line a day, from the package vega-datasets.
// Must never bring the data itself into the repository.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** A calm year, the crash of 2008 and the recovery. */
const firstDay = '2007-01-01';
const lastDay = '2009-12-31';

/** One day: traders decide, the exchange matches, the market is published, before the next one begins. */
const ticksPerDay = 4;

/** The file that the prices come from. */
export const marketPricesSource: string = join(
  root,
  'node_modules',
  'vega-datasets',
  'data',
  'sp500-2000.csv',
);

/** Writes `examples/market/build/prices.jsonl`; answers the number of days. */
export function buildMarketPrices(outFile: string): number {
  const [header = '', ...rows] = readFileSync(marketPricesSource, 'utf8').trim().split(/\r?\n/);
  const columns = header.split(',');
  const date = columns.indexOf('date');
  const close = columns.indexOf('close');
  if (date < 0 || close < 0) {
    throw new Error(
      `Cannot read "${marketPricesSource}": found columns "${header}", wanted "date" and "close"`,
    );
  }
  const days = rows
    .map((row) => row.split(','))
    .map((fields) => ({ date: fields[date] ?? '', close: Math.round(Number(fields[close]) * 100) / 100 }))
    .filter((day) => day.date >= firstDay && day.date <= lastDay && day.close > 0);
  const lines = days.map((payload, index) => {
    return JSON.stringify({ tick: (index + 1) * ticksPerDay, agent: 'feed', payload });
  });
  mkdirSync(dirname(outFile), { recursive: true });
  writeFileSync(outFile, `${lines.join('\n')}\n`);
  return days.length;
}
