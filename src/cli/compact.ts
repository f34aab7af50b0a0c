// `wasm-engine compact`: says what a shorter record would give up, and makes it shorter where it is told to. Never
// gives up outputs that were not delivered without saying so.

import { EngineError } from '../base/errors.ts';
import { type Compaction, compactRun, planCompaction } from '../engine/index.ts';
import { readDeliveryMark } from './delivery-mark.ts';
import { asWord, grouped, printable, printableJson } from './printable.ts';
import { writeLine } from './standard-output.ts';

export interface CompactCommandOptions {
  readonly to: number;
  readonly yes?: boolean;
  readonly dropOutputs?: boolean;
  readonly json?: boolean;
}

export async function compactCommand(runDirectory: string, options: CompactCommandOptions): Promise<number> {
  const { to, yes = false, json, dropOutputs = false } = options;
  const outputsAfter = readDeliveryMark(runDirectory);
  const plan = yes
    ? await compactRun(runDirectory, to, { outputsAfter, dropOutputs }).catch(withRemedy(runDirectory))
    : await planCompaction(runDirectory, to, { outputsAfter });
  const deliveryKnown = outputsAfter !== undefined;
  const object = { runDirectory, compacted: yes, ...plan, deliveryKnown };
  if (json === true) writeLine(printableJson(JSON.stringify(object)));
  else
    for (const line of compactionLines(runDirectory, plan, { ...options, deliveryKnown }))
      writeLine(printable(line));
  return 0;
}

/** What a person can do where outputs are still owed. */
function withRemedy(runDirectory: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof EngineError) || error.details.undelivered === undefined) throw error;
    const text = `${error.message}: ${goOn(runDirectory)}; to give them up: --drop-outputs`;
    throw new EngineError(error.code, text, error.details);
  };
}

const goOn = (runDirectory: string): string => `wasm-engine run --run-dir ${asWord(runDirectory)}`;

export interface CompactionView extends Pick<CompactCommandOptions, 'to' | 'yes' | 'dropOutputs'> {
  /** Whether somebody kept count of the outputs that were delivered. */
  readonly deliveryKnown: boolean;
}

export function compactionLines(path: string, plan: Compaction, view: CompactionView): string[] {
  const { to, yes = false } = view;
  const { baseTick, ticks, inputs, outputs, events, snapshots } = plan;
  const older = snapshots.length === 0 ? [] : [`  snapshots  ${grouped(snapshots.length)} older ones`];
  return [
    yes ? 'Compacted. What was given up for good:' : 'Compacting would give up for good:',
    `  ticks      ${grouped(ticks)}, up to tick ${grouped(baseTick)}`,
    `  events     ${grouped(events)}; ${grouped(inputs)} inputs and ${grouped(outputs)} outputs among them`,
    ...older,
    ...unreadableLines(path, plan.unreadableSnapshots),
    ...deliveryLines(path, plan, view),
    `The record ${yes ? 'begins' : 'would begin'} from the snapshot of tick ${grouped(baseTick)}: later ticks are replayed, ` +
      'forked and shown as before,',
    'earlier ones are refused, and nobody can prove any more how the run came there. Keep an export for that.',
    ...(yes ? [] : [`Nothing was changed. To do it: wasm-engine compact ${asWord(path)} --to ${to} --yes`]),
  ];
}

function unreadableLines(path: string, ticks: readonly number[]): string[] {
  if (ticks.length === 0) return [];
  const which = ticks.map(grouped).join(', ');
  return [
    `Older snapshots stay: those of ticks ${which} cannot be read, and nobody knows which pages they need.`,
    `To give those up first: wasm-engine repair ${asWord(path)}`,
  ];
}

function deliveryLines(path: string, { outputs, undelivered }: Compaction, view: CompactionView): string[] {
  if (!view.deliveryKnown) {
    return outputs === 0 ? [] : ['Nobody kept count of which of these outputs reached their reader.'];
  }
  if (undelivered === 0) return [];
  const owed = `${grouped(undelivered)} of these outputs`;
  if (view.yes === true) return [`${owed} never reached their reader.`];
  return [
    `${owed} have not reached their reader. Going on with the run gives them again: ${goOn(path)}`,
    'Until then compacting is refused, unless it is told to give them up, too: --drop-outputs',
  ];
}
