// What a simulated disk holds of a run, read by the production reader without any faults.

import { encodeHex } from '../../src/base/encoding.ts';
import { decodeEvent, openRunDirectory, readEvents } from '../../src/log/index.ts';
import { Chance } from './chance.ts';
import type { SimDisk } from './disk.ts';
import { SimProcess } from './process.ts';
import { callNumber } from './scenario.ts';

export interface SimRecord {
  /** The tick that the record begins after: what is before it was given up. */
  readonly baseTick: number;
  /** By tick. */
  readonly digests: ReadonlyMap<number, string>;
  /** Numbers of the program's calls in the order in which they were sealed. */
  readonly calls: readonly number[];
  /** By `epoch tick index`. */
  readonly outputs: ReadonlyMap<string, string>;
  readonly epochs: readonly number[];
  /** How much of the source was taken in. */
  readonly cursorByte: number;
  readonly ended: string | undefined;
}

/** A process without faults over a disk. */
export function plainProcess(disk: SimDisk, workers = 0): SimProcess {
  return new SimProcess({ chance: new Chance('plain'), disk, workers, faults: [] });
}

export function readRecord(disk: SimDisk): SimRecord {
  const directory = openRunDirectory('run', plainProcess(disk).ports.openStorage('run'));
  const digests = new Map<number, string>();
  const outputs = new Map<string, string>();
  /** By tick: a tick whose end was lost is sealed again, with the same inputs. */
  const calls = new Map<number, readonly number[]>();
  const epochs: number[] = [];
  let ended: string | undefined;
  let cursorByte = 0;
  for (const { channel, tick, payload } of readEvents(directory)) {
    if (channel === 'digests') digests.set(tick, encodeHex(decodeEvent(channel, payload).digest));
    else if (channel === 'run-started') {
      epochs.push(decodeEvent(channel, payload).epoch);
      ended = undefined;
    } else if (channel === 'run-ended') ended = decodeEvent(channel, payload).reason;
    else if (channel === 'outputs') {
      const { epoch, index, agent, payload: bytes } = decodeEvent(channel, payload);
      outputs.set(`${epoch} ${tick} ${index}`, `${agent} ${encodeHex(bytes)}`);
    } else if (channel === 'inputs') {
      const { inputs, cursor } = decodeEvent(channel, payload);
      cursorByte = cursor?.byte ?? cursorByte;
      const marked = inputs.filter(({ waits }) => !waits).map((input) => callNumber(input.payload));
      if (inputs.length > 0)
        calls.set(
          tick,
          marked.filter((number) => number !== undefined),
        );
    }
  }
  return {
    baseTick: directory.manifest.baseTick ?? 0,
    digests,
    calls: [...calls.values()].flat(),
    outputs,
    epochs,
    cursorByte,
    ended,
  };
}
