// `wasm-engine diff`: the first place where two recorded runs differ.

import {
  type ConfigDifference,
  diffRuns,
  type InstanceDifference,
  type MemoryDifference,
  type RunDifference,
  type TickDifference,
} from '../engine/index.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { writeLine } from './standard-output.ts';

/** Values of the configuration, and globals, that are shown one by one. */
const shownMax = 20;
/** A longer side is cut to the part around its first difference. */
const sideCharactersMax = 400;
const charactersBefore = 60;

/** Exit code 0: equal; 3: they differ. */
export async function diffCommand(
  a: string,
  b: string,
  options: { readonly json?: boolean },
): Promise<number> {
  const difference = await diffRuns(a, b);
  if (options.json === true) writeLine(printableJson(JSON.stringify(difference)));
  else for (const line of differenceLines(difference)) writeLine(printable(line));
  return difference.equal ? 0 : 3;
}

/** What differs, for people: the configuration first. */
export function differenceLines(difference: RunDifference): string[] {
  const { equal, lastEqualTick, configuration, first, longer } = difference;
  if (equal) return [`The runs are equal: every digest up to tick ${grouped(lastEqualTick)} agrees.`];
  const lines = configurationLines(configuration);
  if (lastEqualTick > 0) lines.push(`The digests agree up to tick ${grouped(lastEqualTick)}.`);
  if (longer !== undefined)
    lines.push(`Then one record ends, and ${longer === 'a' ? 'the first' : 'the second'} goes on.`);
  if (first !== undefined) lines.push(...firstLines(first));
  else if (longer === undefined) {
    lines.push('Nothing that happened differs.');
    if (configuration.some(({ path }) => path.endsWith('.module')))
      lines.push('What agents of two modules hold lies differently, and is not compared.');
  }
  return lines;
}

function configurationLines(configuration: readonly ConfigDifference[]): string[] {
  if (configuration.length === 0) return [];
  const lines = configuration.slice(0, shownMax).map(({ path, a, b }) => {
    const [shownA, shownB] = contrast(a ?? 'nothing', b ?? 'nothing');
    return `  ${path}: ${shownA} and ${shownB}`;
  });
  const more = configuration.length - lines.length;
  return ['The configurations differ.', ...lines, ...(more > 0 ? [`  and ${grouped(more)} more`] : [])];
}

function firstLines(first: TickDifference): string[] {
  const { tick, what, agent, index, placeA, placeB, instance, earlier } = first;
  if (what === 'base') {
    return [
      `They have nothing to compare: one of them begins at tick ${grouped(tick)}, and there the other is elsewhere.`,
      `  first   ${first.a}`,
      `  second  ${first.b}`,
    ];
  }
  const about = agent === undefined ? '' : ` of agent ${agent}`;
  const where = index === undefined ? '' : ` ${index}`;
  const lines = [`The first difference is in tick ${grouped(tick)}: ${what}${where}${about}.`];
  if (what !== 'state') {
    const [a, b] = contrast(first.a, first.b);
    lines.push(`  first   ${a}`, ...placeLine(placeA), `  second  ${b}`, ...placeLine(placeB));
  }
  if (instance !== undefined) lines.push(...instanceLines(agent!, instance));
  if (earlier === true)
    lines.push(`What agent ${agent} holds differed before tick ${grouped(tick)}, where no digest tells it.`);
  return lines;
}

function placeLine(place: string | undefined): string[] {
  return place === undefined ? [] : [`          in ${place}`];
}

function instanceLines(agent: string, { memory, globals = [], other = [] }: InstanceDifference): string[] {
  const lines = [`After the tick, agent ${agent} holds:`];
  for (const { index, name, a, b } of globals.slice(0, shownMax))
    lines.push(`  global ${name ?? `#${index}`}: ${a} and ${b}`);
  if (globals.length > shownMax) lines.push(`  and ${grouped(globals.length - shownMax)} more globals`);
  if (memory !== undefined) lines.push(...memoryLines(memory));
  const words: Readonly<Record<string, string>> = {
    random: 'another random stream',
    inbox: 'another inbox',
    counters: 'other counters of timers or spawned agents',
    tables: 'other tables or dropped segments',
    instance: 'something in one run, and nothing in the other',
  };
  for (const what of other) lines.push(`  ${words[what] ?? what}`);
  return lines;
}

function memoryLines({ bytesA, bytesB, pages, page, address, a, b }: MemoryDifference): string[] {
  const sizes = bytesA === bytesB ? '' : `, ${grouped(bytesA)} and ${grouped(bytesB)} bytes`;
  const others = pages === 1 ? '' : `, the first of ${grouped(pages)} that differ`;
  const rows = (label: string, list: readonly string[], other: readonly string[]): string[] => [
    `    ${label}`,
    ...list.map((row, i) => `    ${row === other[i] ? ' ' : '*'} ${row}`),
    ...(list.length === 0 ? ['      beyond its end'] : []),
  ];
  const head = `  memory, page ${grouped(page)}, from address 0x${address.toString(16)}${others}${sizes}`;
  return [head, ...rows('first', a, b), ...rows('second', b, a)];
}

/** Both sides, cut to the part around their first difference where they are long. */
export function contrast(a: string, b: string): [string, string] {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at++;
  const start = Math.max(0, at - charactersBefore);
  const cut = (text: string): string => {
    if (text.length <= sideCharactersMax) return text;
    const end = start + sideCharactersMax;
    return `${start > 0 ? '…' : ''}${text.slice(start, end)}${text.length > end ? '…' : ''} (${grouped(text.length)} characters)`;
  };
  return [cut(a), cut(b)];
}
