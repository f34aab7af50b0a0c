// Every bit of a log and of a snapshot of 64 KiB flipped in turn, and every length of their files: npm run damage

import { inflict } from '../test/damage/inflict.ts';
import { closedLog, interruptedLog, snapshot } from '../test/damage/subjects.ts';
import { programOf } from './command-line.ts';

programOf('damage', 'Flips every bit and cuts every length of a log and of a snapshot.').parse();

for (const subject of [closedLog(), interruptedLog(), await snapshot()]) {
  const started = performance.now();
  const sizes = subject.files.map((file) => `${file} ${subject.storage.files.get(file)!.length}`);
  const { flips, cuts } = inflict(subject);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${subject.name} (${sizes.join(', ')} bytes), ${seconds} s`);
  console.log(`  flipped bits  ${flips.refused} refused, ${flips.healed} healed`);
  console.log(`  cuts          ${cuts.refused} refused, ${cuts.healed} healed`);
}
