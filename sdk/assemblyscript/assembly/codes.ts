// What the engine answers, under names. The values are those of the agent ABI.

/** What a host function answered; a refused call has no effect, and the agent goes on. */
export enum HostCode {
  /** Taken. What was asked for happens in the next tick. */
  Ok = 0,
  /** A pointer or length lies outside memory. */
  BadPointer = -1,
  /** The payload is larger than the limits of the agent allow. */
  TooLarge = -2,
  /** The quota of this turn, or the number of timers, is used up. */
  Quota = -3,
  /** No such topic, agent or declaration. */
  UnknownName = -4,
  /** Not allowed here: `onShutdown` may only send, publish, output and log. */
  NotAllowed = -5,
  /** Text that is not UTF-8, an unknown level, a delay of 0. */
  BadArgument = -6,
}

export enum LogLevel {
  Debug = 0,
  Info = 1,
  Warning = 2,
  Error = 3,
}

let last: i32 = 0;

/** The answer to the latest call; for functions that answer with an `AgentId | null`. */
export function lastCode(): HostCode {
  return last;
}

/** For the SDK: keeps an answer and passes it on. */
export function keep(code: i32): i32 {
  last = code;
  return code;
}
