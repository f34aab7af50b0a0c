// Timers count ticks.

import { HostCode, keep } from "./codes";
import * as host from "./host";

/** `onTimer` runs after this many ticks, at least 1; answers the number of the timer, or a negative `HostCode`. */
export function setTimer(delayTicks: i32, tag: i32 = 0): i32 {
  return keep(host.setTimer(delayTicks, tag));
}

export function cancelTimer(timer: i32): HostCode {
  return keep(host.cancelTimer(timer));
}
