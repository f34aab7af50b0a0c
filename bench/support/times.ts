// Time by the clock and of the processor. On a machine with other work the second one is what a program takes.

export type TimeKind = 'wall' | 'thread' | 'process';

export const timeKinds: readonly TimeKind[] = ['wall', 'thread', 'process'];

/** How a report calls each. */
export const timeNames: Readonly<Record<TimeKind, string>> = {
  wall: 'by the clock',
  thread: 'time of the thread',
  process: 'time of all threads',
};

/** Milliseconds by the clock, of the processor for the caller's thread, and for all threads of the process. */
export function now(): Readonly<Record<TimeKind, number>> {
  const [own, all] = [process.threadCpuUsage(), process.cpuUsage()];
  return {
    wall: performance.now(),
    thread: (own.user + own.system) / 1000,
    process: (all.user + all.system) / 1000,
  };
}

/** What work takes, in each kind of time. */
export async function timesOf(work: () => Promise<void>): Promise<Record<TimeKind, number>> {
  const begun = now();
  await work();
  const ended = now();
  return {
    wall: ended.wall - begun.wall,
    thread: ended.thread - begun.thread,
    process: ended.process - begun.process,
  };
}
