// The events of a log as they count: what a tick did counts once the log tells its end. A process may die when half of
// its events are in the file; the tick is executed again then, and tells all of them anew. It drops nothing else.

import type { ChannelName } from './channels.ts';
import type { LogEvent } from './chunk-events.ts';

/** What a tick tells of itself before its digest, and again when it is executed again. */
const toldAgain: ReadonlySet<ChannelName> = new Set<ChannelName>([
  'events',
  'faults',
  'texts',
  'outputs',
  'outcomes',
  'traces',
]);

/**
 * Gives the events of a reader without what ticks told that did not come to their end; inputs and answers are sealed,
 * and always count. Holds the events of one tick.
 *
 * @param events in order of the log, `run-started` and `digests` among them
 */
export function* finishedTicks(events: Iterable<LogEvent>): Generator<LogEvent, void, undefined> {
  let lastTick = 0;
  let held: LogEvent[] = [];
  for (const event of events) {
    const { channel, tick } = event;
    // What stands behind the digest of its tick is the host's, who tells it once.
    if (tick > lastTick && toldAgain.has(channel)) {
      // Each chunk has memory of its own.
      held.push(event);
      continue;
    }
    if (channel === 'digests') {
      yield* held;
      lastTick = tick;
    }
    if (channel === 'digests' || channel === 'run-started') held = [];
    yield event;
  }
}
