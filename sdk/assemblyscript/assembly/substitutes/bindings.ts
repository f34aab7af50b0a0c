// What the standard library's `console` and `Date.now` are bound to instead of a browser: the engine's log and clock.

import { log } from "../logging";
import { timeMs } from "../task-state";
import { LogLevel } from "../codes";

export namespace console {
  export function assert(condition: bool, message: string): void {
    if (!condition) write(LogLevel.Error, `Assertion failed: ${message}`);
  }

  export function log(message: string): void {
    write(LogLevel.Info, message);
  }

  export function debug(message: string): void {
    write(LogLevel.Debug, message);
  }

  export function info(message: string): void {
    write(LogLevel.Info, message);
  }

  export function warn(message: string): void {
    write(LogLevel.Warning, message);
  }

  export function error(message: string): void {
    write(LogLevel.Error, message);
  }

  export function time(label: string): void {
    ERROR("console.time() measures wall-clock time, which agents do not have; use tick() or timeMs()");
  }

  export function timeLog(label: string): void {
    ERROR("console.timeLog() measures wall-clock time, which agents do not have; use tick() or timeMs()");
  }

  export function timeEnd(label: string): void {
    ERROR("console.timeEnd() measures wall-clock time, which agents do not have; use tick() or timeMs()");
  }
}

function write(level: LogLevel, message: string): void {
  log(level, message);
}

export namespace Date {
  /** Logical milliseconds; 0 in the first task. */
  export function now(): f64 {
    return <f64>timeMs();
  }
}
