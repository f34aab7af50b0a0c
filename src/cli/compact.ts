// `wasm-engine compact`: says what a shorter record would give up, and makes it shorter where it is told to.

import { type Compaction, compactRun, planCompaction } from '../engine/index.ts';
import { grouped, printable, printableJson } from './printable.ts';
import { writeLine } from './standard-output.ts';

export interface CompactOptions {
  readonly to: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export async function compactCommand(runDirectory: string, options: CompactOptions): Promise<number> {
  const { to, yes = false, json } = options;
  const plan = await (yes ? compactRun(runDirectory, to) : planCompaction(runDirectory, to));
  const object = { runDirectory, compacted: yes, ...plan };
  if (json === true) writeLine(printableJson(JSON.stringify(object)));
  else for (const line of compactionLines(runDirectory, plan, options)) writeLine(printable(line));
  return 0;
}

export function compactionLines(
  path: string,
  plan: Compaction,
  { to, yes = false }: CompactOptions,
): string[] {
  const { baseTick, ticks, inputs, outputs, events, snapshots } = plan;
  const older = snapshots.length === 0 ? [] : [`  snapshots  ${grouped(snapshots.length)} older ones`];
  return [
    yes ? 'Compacted. What was given up for good:' : 'Compacting would give up for good:',
    `  ticks      ${grouped(ticks)}, up to tick ${grouped(baseTick)}`,
    `  events     ${grouped(events)}; ${grouped(inputs)} inputs and ${grouped(outputs)} outputs among them`,
    ...older,
    `The record ${yes ? 'begins' : 'would begin'} from the snapshot of tick ${grouped(baseTick)}: later ticks are replayed, ` +
      'forked and shown as before,',
    'earlier ones are refused, and nobody can prove any more how the run came there. Keep an export for that.',
    ...(yes ? [] : [`Nothing was changed. To do it: wasm-engine compact ${path} --to ${to} --yes`]),
  ];
}
