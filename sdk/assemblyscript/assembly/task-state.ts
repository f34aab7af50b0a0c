// What is known about the task that runs, and how it will end. Set by the entry points alone.

import { AgentId } from "./agent-id";
import { EnvelopeOffset } from "./envelope";

let currentTick: u64 = 0;
let currentTimeMs: u64 = 0;
let selfOrigin: u32 = 0;
let selfCounter: u32 = 0;
let answer: i32 = 0;
let running: bool = false;

/** The tick that runs; in `onStart` and `onShutdown`, which are told none, that of the latest task. */
export function tick(): u64 {
  return currentTick;
}

/** Logical time in milliseconds: tick times `tickMs`. There is no other clock. */
export function timeMs(): u64 {
  return currentTimeMs;
}

/** This agent; known from its first message or step on (0, 0 before). */
export function self(): AgentId {
  return new AgentId(selfOrigin, selfCounter);
}

/** Asks for one `onStep` in the next tick. */
export function again(): void {
  answer = 1;
}

/** Says that this agent has finished: `onShutdown` is its only task in the next tick. */
export function finish(): void {
  answer = 2;
}

/** Fails the task: what it asked for is discarded, and so is this agent's memory. */
export function fail(code: i32 = 1): void {
  answer = code > 0 ? -code : -1;
}

/** For the SDK: whether host functions may be called now. */
export function isRunning(): bool {
  return running;
}

/** For the SDK: a task without an envelope begins. */
export function begin(): void {
  answer = 0;
  running = true;
}

/** For the SDK: a task with an envelope begins. */
export function beginWith(envelope: usize): void {
  begin();
  currentTick = load<u64>(envelope, EnvelopeOffset.tick);
  currentTimeMs = load<u64>(envelope, EnvelopeOffset.timeMs);
  selfOrigin = load<u32>(envelope, EnvelopeOffset.selfOrigin);
  selfCounter = load<u32>(envelope, EnvelopeOffset.selfCounter);
}

/** For the SDK: the task is over. */
export function end(): i32 {
  running = false;
  return answer;
}
