// The time of whoever runs models: it says what took how long, and when something is given up; it never decides an
// answer of a portable model.

export interface HostClock {
  /** Milliseconds since some moment. */
  nowMs(): number;
  /** Calls back after at least so many milliseconds; answers what takes that back. */
  after(waitMs: number, callback: () => void): () => void;
}

export const hostClock: HostClock = {
  nowMs: () => performance.now(),
  after(waitMs, callback) {
    const timer = setTimeout(callback, waitMs);
    return () => clearTimeout(timer);
  },
};
