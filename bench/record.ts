// What the record costs: events, inputs, the log of a run, snapshots, forks, replay and seeking. Ratios within one run
// of this program are the figures; times of one machine mean little. Takes parts by name: --only snapshots

import { Option } from 'commander';
import { programOf } from '../scripts/command-line.ts';
import { wholeNumber } from '../src/cli/command-options.ts';
import { reportCost } from './record-parts/cost.ts';
import { reportEvents } from './record-parts/events.ts';
import { reportForks } from './record-parts/forks.ts';
import { reportInputs } from './record-parts/inputs.ts';
import { reportReplay } from './record-parts/replay.ts';
import { reportSnapshots } from './record-parts/snapshots.ts';

const parts = {
  events: reportEvents,
  inputs: reportInputs,
  cost: reportCost,
  snapshots: reportSnapshots,
  forks: reportForks,
  replay: reportReplay,
};

const { only, ticks } = programOf('bench record', 'What the record costs.')
  .addOption(new Option('--only <parts...>', 'some parts').choices(Object.keys(parts)))
  .option('--ticks <count>', 'ticks of the run that is replayed', wholeNumber(1000, 1e8), 1_000_000)
  .parse()
  .opts<{ readonly only?: readonly string[]; readonly ticks: number }>();
console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians`);
for (const [name, reportPart] of Object.entries(parts)) {
  if (only !== undefined && !only.includes(name)) continue;
  console.log(`-- ${name}`);
  await reportPart(ticks);
}
