// `wasm-engine diff`: the first place where two recorded runs differ.

import { diffRuns, type RunDifference } from '../engine/index.ts';
import { grouped, printable } from './printable.ts';
import { writeLine } from './standard-output.ts';

/** Exit code 0: equal; 3: they differ. */
export async function diffCommand(
  a: string,
  b: string,
  options: { readonly json?: boolean },
): Promise<number> {
  const difference = await diffRuns(a, b);
  if (options.json === true) writeLine(JSON.stringify(difference));
  else for (const line of describe(difference)) writeLine(printable(line));
  return difference.equal ? 0 : 3;
}

function describe({ equal, lastEqualTick, configuration, first, longer }: RunDifference): string[] {
  if (equal) return [`The runs are equal: every digest up to tick ${grouped(lastEqualTick)} agrees.`];
  const lines: string[] = [];
  if (configuration.length > 0) lines.push(`The configurations differ: ${configuration.join(', ')}.`);
  if (lastEqualTick > 0) lines.push(`The digests agree up to tick ${grouped(lastEqualTick)}.`);
  if (longer !== undefined)
    lines.push(`Then one record ends, and ${longer === 'a' ? 'the first' : 'the second'} goes on.`);
  if (first === undefined) {
    if (longer === undefined) lines.push('Nothing else differs in what the records tell.');
    return lines;
  }
  const about = first.agent === undefined ? '' : ` of agent ${first.agent}`;
  const where = first.index === undefined ? '' : ` ${first.index}`;
  lines.push(`The first difference is in tick ${grouped(first.tick)}: ${first.what}${where}${about}.`);
  lines.push(`  first   ${first.a}`, `  second  ${first.b}`);
  return lines;
}
