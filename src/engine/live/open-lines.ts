// A source of lines for a run: from where its record ends, where the record was taken from the same source.

import type { HostCalls } from '../input/host-calls.ts';
import type { LineSource } from '../input/index.ts';
import { LineInputs } from '../input/line-inputs.ts';
import type { DurableLog } from '../record/durable-log.ts';
import type { RunOptions } from '../run-types.ts';
import { endOfTime } from './next-tick.ts';
import type { OpenRun } from './open-run.ts';
import type { RunModels } from './run-models.ts';

export async function openLines(
  source: LineSource,
  { recorded, system, record, machine, totals }: OpenRun,
  { calls, models }: { readonly calls: HostCalls; readonly models: RunModels },
  durable: DurableLog,
  options: RunOptions,
): Promise<LineInputs> {
  const cursor = recorded?.cursor;
  // Another source than the one that was interrupted is read from its beginning.
  const isSame = cursor?.source === source.name;
  if (isSame && source.seekable) source.seek(cursor);
  const lines = new LineInputs({
    source,
    inputsPerTickMax: system.config.run.inputsPerTickMax,
    live: options.live ?? false,
    strict: options.strict ?? false,
    end: endOfTime(system.config.run.tickMs),
    namedTick: isSame ? (recorded?.namedTick ?? 0) : 0,
    badLines: totals.progress.badLines,
    resolve: (line) => ('model' in line ? models.line(line) : calls.line(line)),
    reportBad: (problem, line) => {
      totals.progress.badLines++;
      options.reportBadLine?.(problem, line);
    },
  });
  // Whoever goes on with the run finds its source, even if no line of it is in the record yet.
  record.recorder.sealed(machine.state.tick, [], lines.cursor);
  await durable.sync();
  return lines;
}
