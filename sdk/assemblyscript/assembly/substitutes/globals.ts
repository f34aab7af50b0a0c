// What the global functions of AssemblyScript that a host must supply become in an agent.

import { LogLevel } from "../codes";
import * as host from "../host";
import { log } from "../logging";
import { isRunning } from "../task-state";

/** The seed of `Math.random`: from the agent's own stream, so the run's seed decides. */
export function seed(): f64 {
  const word = memory.data(8, 8);
  assert(host.random(word, 8) == 0, "Math.random() is not allowed here");
  return load<f64>(word);
}

export function trace(
  message: string,
  count: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  let text = message;
  if (count > 0) text += ` ${a0}`;
  if (count > 1) text += ` ${a1}`;
  if (count > 2) text += ` ${a2}`;
  if (count > 3) text += ` ${a3}`;
  if (count > 4) text += ` ${a4}`;
  log(LogLevel.Debug, text);
}

const abortCharactersMax: i32 = 256;
const abortBuffer: usize = memory.data(1024, 8);

function copyText(text: string | null, at: usize): usize {
  if (!text) return at;
  const length = min(text.length, abortCharactersMax);
  const mode = String.UTF8.ErrorMode.REPLACE;
  return at + String.UTF8.encodeUnsafe(changetype<usize>(text), length, at, false, mode);
}

/**
 * A failed assertion, a `throw`, a check of the standard library: the task ends as `unreachable`. Where the author's
 * code logs, the reason is logged first; else the build program leaves only the last line. Allocates nothing, since it
 * may be called because memory is out.
 */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  if (isRunning()) {
    let end = copyText(message, abortBuffer);
    store<u8>(end++, 0x20);
    store<u8>(end++, 0x28);
    end = copyText(file, end);
    store<u8>(end++, 0x3a);
    end = copyNumber(line, end);
    store<u8>(end++, 0x29);
    host.logFromAbort(LogLevel.Error, abortBuffer, <i32>(end - abortBuffer));
  }
  unreachable();
}

function copyNumber(value: u32, at: usize): usize {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  while (divisor > 0) {
    store<u8>(at++, <u8>(0x30 + ((value / divisor) % 10)));
    divisor /= 10;
  }
  return at;
}
