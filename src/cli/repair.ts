// `wasm-engine repair`: says what repairing a record would give up, and does it where it is told to.

import { planRepair, type RepairPlan, repairRun } from '../engine/index.ts';
import { asWord, grouped, printable, printableJson } from './printable.ts';
import { writeLine } from './standard-output.ts';

export interface RepairOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Exit code 0: the record is whole, or is now; 4: it is damaged. */
export function repairCommand(runDirectory: string, { yes, json }: RepairOptions): number {
  const plan = yes === true ? repairRun(runDirectory) : planRepair(runDirectory);
  const repaired = plan !== undefined && yes === true;
  if (json === true) writeLine(printableJson(JSON.stringify(asObject(runDirectory, plan, repaired))));
  else for (const line of describe(runDirectory, plan, repaired)) writeLine(printable(line));
  return plan === undefined || repaired ? 0 : 4;
}

function asObject(runDirectory: string, plan: RepairPlan | undefined, repaired: boolean): object {
  if (plan === undefined) return { runDirectory, damaged: false, repaired };
  const damage = plan.damage.map(({ message, details }) => ({ message, details }));
  return { runDirectory, damaged: true, repaired, ...plan, damage };
}

function describe(runDirectory: string, plan: RepairPlan | undefined, repaired: boolean): string[] {
  if (plan === undefined)
    return [`Nothing to repair: the record in ${runDirectory} is whole as far as it goes.`];
  const { damage, keptTick, headLost, epoch } = plan;
  const lines = damage.map(({ message }) => `Damaged: ${message}`);
  lines.push(repaired ? 'Repaired. What was given up:' : 'A repair would give up:');
  const lost = losses(plan);
  lines.push(...(lost.length === 0 ? ['  nothing but the damaged head record'] : lost));
  lines.push(`What stays: everything up to tick ${grouped(keptTick)}.`);
  if (headLost) lines.push('The head record is lost: nobody can tell whether the log once went further.');
  if (epoch !== undefined) {
    const then = `Outputs that come behind that carry epoch ${grouped(epoch)}`;
    lines.push(`${then}: they are not those that left before.`);
  }
  lines.push(
    repaired
      ? 'Copies of all of it are in the run directory. The run can be replayed and gone on with.'
      : `Nothing was changed. Copies would be kept. To do it: wasm-engine repair ${asWord(runDirectory)} --yes`,
  );
  return lines;
}

function losses({ keptTick, lastTick, files, events, snapshots }: RepairPlan): string[] {
  const lines: string[] = [];
  if (lastTick > keptTick) {
    const many = lastTick - keptTick;
    const range = many === 1 ? grouped(lastTick) : `${grouped(keptTick + 1)} to ${grouped(lastTick)}`;
    lines.push(`  ticks      ${range} (${grouped(many)})`);
  }
  if (events.count > 0) {
    const { count, readable, inputs, outputs } = events;
    const among = `${grouped(inputs)} inputs and ${grouped(outputs)} outputs among them`;
    lines.push(`  events     ${grouped(count)}; ${grouped(readable)} can still be read, ${among}`);
  }
  for (const { file, fromByte, bytes } of files) {
    const what = fromByte === 0 ? 'the whole file' : `from byte ${grouped(fromByte)} on`;
    lines.push(`  file       ${file}, ${what}: ${grouped(bytes)} bytes`);
  }
  if (snapshots.length > 0) lines.push(`  snapshots  of ticks ${snapshots.map(grouped).join(', ')}`);
  return lines;
}
