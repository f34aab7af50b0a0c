// What the record costs: events, inputs, the log of a run, snapshots, forks, replay and seeking. Ratios within one run
// of this program are the figures; times of one machine mean little. Takes parts by name: --only snapshots

import { parseArgs } from 'node:util';
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

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, ticks: { type: 'string' } },
});
console.log(`node ${process.version}, ${process.platform} ${process.arch}; medians`);
for (const [name, reportPart] of Object.entries(parts)) {
  if (values.only !== undefined && !values.only.includes(name)) continue;
  console.log(`-- ${name}`);
  await reportPart();
}
