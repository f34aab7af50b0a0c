// The series of the anomaly example: monthly employment by industry, from the package vega-datasets (U.S. Bureau of
// Labor Statistics, a work of the U.S. government). Must never bring the data itself into the repository.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);

/** Industries that do not contain one another. Their order is part of the model. */
export const industries: readonly string[] = [
  'mining_and_logging',
  'construction',
  'durable_goods',
  'nondurable_goods',
  'wholesale_trade',
  'retail_trade',
  'transportation_and_warehousing',
  'utilities',
  'information',
  'financial_activities',
  'professional_and_business_services',
  'education_and_health_services',
  'leisure_and_hospitality',
  'other_services',
  'government',
];

export const employmentSource: string = join(
  root,
  'node_modules',
  'vega-datasets',
  'data',
  'us-employment.csv',
);

export interface Month {
  /** The first day: YYYY-MM-DD. */
  readonly month: string;
  /** Thousands of persons, by industry. */
  readonly persons: readonly number[];
}

export function readEmployment(): readonly Month[] {
  const [header = '', ...rows] = readFileSync(employmentSource, 'utf8').trim().split(/\r?\n/);
  const columns = header.split(',');
  const places = industries.map((name) => columns.indexOf(name));
  if (columns[0] !== 'month' || places.includes(-1)) {
    throw new Error(
      `Cannot read "${employmentSource}": found columns "${header}", wanted "month" and every industry`,
    );
  }
  return rows.map((row) => {
    const fields = row.split(',');
    return { month: fields[0] ?? '', persons: places.map((place) => Number(fields[place])) };
  });
}

/** Writes `examples/anomaly/build/employment.jsonl`: a line for each industry and month; answers how many. */
export function buildEmployment(outFile: string): number {
  const lines = readEmployment().flatMap(({ month, persons }, index) =>
    persons.map((count, industry) =>
      JSON.stringify({
        tick: index * 2 + 2,
        agent: `industry/${industry}`,
        payload: { month, persons: count },
      }),
    ),
  );
  mkdirSync(dirname(outFile), { recursive: true });
  writeFileSync(outFile, `${lines.join('\n')}\n`);
  return lines.length;
}
