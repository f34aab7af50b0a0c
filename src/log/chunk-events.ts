// The events of a chunk, one after another, as they lie there. Whoever calls it has checked the chunk.

import { type ChannelName, channels } from './channels.ts';
import { messageHeadSize, recordHeadSize, uint64 } from './mcap-records.ts';
import type { Prelude } from './prelude.ts';

/** One event of the log. */
export interface LogEvent {
  readonly channel: ChannelName;
  readonly tick: number;
  /** The protobuf message; a view into its chunk, which `decodeEvent` reads. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** Where it stands: number of the segment, and byte of the record within it. */
  readonly segment: number;
  readonly offset: number;
}

/** The messages of one chunk, checked. */
export interface CheckedChunk {
  /** Where the messages begin in the file. */
  readonly offset: number;
  readonly records: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
}

export interface EventFilter {
  /** The first tick of interest. */
  readonly from: number;
  readonly wanted: ReadonlySet<string>;
}

/** Every channel but `chain`, at every tick. */
export const everyEvent: EventFilter = {
  from: 0,
  wanted: new Set(Object.keys(channels).filter((name) => name !== 'chain')),
};

/** In an array, since a generator costs as much as what it gives. */
export function chunkEvents(
  { offset, records, view }: CheckedChunk,
  names: Prelude['names'],
  segment: number,
  { from, wanted }: EventFilter = everyEvent,
): LogEvent[] {
  const events: LogEvent[] = [];
  for (let position = 0; position < records.length; ) {
    const end = position + recordHeadSize + uint64(view, position + 1);
    const channel = names[view.getUint16(position + 9, true)] as ChannelName;
    const tick = uint64(view, position + 15);
    if (tick >= from && wanted.has(channel)) {
      const payload = records.subarray(position + messageHeadSize, end);
      events.push({ channel, tick, payload, segment, offset: offset + position });
    }
    position = end;
  }
  return events;
}
