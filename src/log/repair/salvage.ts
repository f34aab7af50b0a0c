// What can still be read of bytes that are given up: chunks whose CRC holds, wherever they lie. For telling people what
// they lose; nothing of it goes back into a log.

import { crc32 } from 'node:zlib';
import { channelList, decodeEvent } from '../channels.ts';
import { type CheckedChunk, chunkEvents } from '../chunk-events.ts';
import { chunkHeadSize, messageHeadSize, Opcode, recordHeadSize, uint64 } from '../mcap-records.ts';
import type { Prelude } from '../prelude.ts';

export interface Salvage {
  /** Events in whole chunks, the links of the chain included. */
  readonly events: number;
  /** External inputs among them. */
  readonly inputs: number;
  /** Outputs of agents among them. */
  readonly outputs: number;
  /** The last tick whose end they tell; 0 where they tell none. */
  readonly lastTick: number;
  /** The highest epoch that they tell of. */
  readonly epoch: number;
}

export const noSalvage: Salvage = { events: 0, inputs: 0, outputs: 0, lastTick: 0, epoch: 0 };

/** The channels as this version numbers them. */
const names: Prelude['names'] = channelList.reduce<(string | undefined)[]>((all, { id, name }) => {
  all[id] = name;
  return all;
}, []);

/** Goes through bytes of a segment, which may begin anywhere. */
export function salvage(bytes: Uint8Array<ArrayBuffer>): Salvage {
  let found = noSalvage;
  for (let at = bytes.indexOf(Opcode.chunk); at >= 0; ) {
    const chunk = chunkAt(bytes, at);
    if (chunk !== undefined) found = addUp(found, chunk);
    const behind = chunk === undefined ? at + 1 : at + chunkHeadSize + chunk.records.length;
    at = bytes.indexOf(Opcode.chunk, behind);
  }
  return found;
}

export function addSalvage(a: Salvage, b: Salvage): Salvage {
  return {
    events: a.events + b.events,
    inputs: a.inputs + b.inputs,
    outputs: a.outputs + b.outputs,
    lastTick: Math.max(a.lastTick, b.lastTick),
    epoch: Math.max(a.epoch, b.epoch),
  };
}

function chunkAt(bytes: Uint8Array<ArrayBuffer>, at: number): CheckedChunk | undefined {
  if (at + chunkHeadSize > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, bytes.length - at);
  const size = uint64(view, 25);
  if (uint64(view, 1) !== chunkHeadSize - recordHeadSize + size || uint64(view, 41) !== size)
    return undefined;
  if (size === 0 || at + chunkHeadSize + size > bytes.length) return undefined;
  const records = bytes.subarray(at + chunkHeadSize, at + chunkHeadSize + size);
  if (crc32(records) !== view.getUint32(33, true)) return undefined;
  const chunk = { offset: at + chunkHeadSize, records, view: viewOf(records) };
  return isWellFormed(chunk) ? chunk : undefined;
}

/** Whether the messages of a chunk fill it exactly. */
function isWellFormed({ records, view }: CheckedChunk): boolean {
  let position = 0;
  while (position + messageHeadSize <= records.length && records[position] === Opcode.message) {
    const size = recordHeadSize + uint64(view, position + 1);
    if (size < messageHeadSize) return false;
    position += size;
  }
  return position === records.length;
}

function addUp(found: Salvage, chunk: CheckedChunk): Salvage {
  let { events, inputs, outputs, lastTick, epoch } = found;
  events++;
  for (const { channel, payload, tick } of chunkEvents(chunk, names, 0)) {
    events++;
    if (channel === 'inputs') inputs += decodeEvent('inputs', payload).inputs.length;
    else if (channel === 'outputs') outputs++;
    else if (channel === 'digests') lastTick = Math.max(lastTick, tick);
    else if (channel === 'run-started') epoch = Math.max(epoch, decodeEvent('run-started', payload).epoch);
  }
  return { events, inputs, outputs, lastTick, epoch };
}

function viewOf(bytes: Uint8Array<ArrayBuffer>): DataView<ArrayBuffer> {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
