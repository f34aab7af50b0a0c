// Somebody who reads a run while it goes on, in the middle of whatever its process does with the disk. What is read is
// right, and nothing is changed by it.

import { encodeHex } from '../../src/base/encoding.ts';
import { planRepair } from '../../src/engine/index.ts';
import { SnapshotStore } from '../../src/engine/snapshot/store.ts';
import { decodeEvent, finishedTicks, openRunDirectory, readEvents } from '../../src/log/index.ts';
import type { SimDisk } from './disk.ts';
import { runDirectory, type Witness } from './embedder.ts';
import { plainProcess } from './record.ts';

export function readGoing(disk: SimDisk, witness: Witness): void {
  const process = plainProcess(disk);
  const { ports } = process;
  try {
    const directory = openRunDirectory(runDirectory, ports.openStorage(runDirectory));
    for (const { channel, tick, payload } of finishedTicks(readEvents(directory))) {
      if (channel !== 'digests') continue;
      const digest = encodeHex(decodeEvent(channel, payload).digest);
      if (witness.digests.get(tick) !== digest)
        witness.violate(`somebody reads digest ${digest} of tick ${tick} while the run goes on`);
    }
    const store = new SnapshotStore(directory, ports);
    for (const tick of store.ticks()) store.tryRead(tick);
    planRepair(runDirectory, ports);
  } catch (error) {
    const text = error instanceof Error ? error.stack : String(error);
    witness.violate(`a run that goes on cannot be read: ${text}`);
  }
  if (process.changes > 0) witness.violate('somebody who reads a run changes its folder');
}
