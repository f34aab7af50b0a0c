// Which snapshots a run keeps: the newest, and older ones the thinner the older they are. A pure decision.

/**
 * The snapshots that can go. The newest `kept` stay. Of the older ones so many stay that between two of them lies no
 * more than a `kept`-th of their age, or what lay there when they were taken: going back to a tick costs the more, the
 * longer it is past, and never more than that.
 *
 * @param ticks ascending
 * @param start where the run begins without a snapshot: 0, or the tick of the one that it began from
 * @param kept at least 1
 */
export function superfluous(ticks: readonly number[], start: number, kept: number): number[] {
  const newest = ticks.at(-1) ?? 0;
  const older = ticks.slice(0, Math.max(0, ticks.length - kept)).reverse();
  let last = ticks[older.length] ?? newest;
  const gone: number[] = [];
  for (const [i, tick] of older.entries()) {
    const before = older[i + 1] ?? start;
    if (tick > start && (last - before) * kept <= newest - last) gone.push(tick);
    else last = tick;
  }
  return gone.reverse();
}
