// Telling an agent that another one failed: one waiting notice per failed agent, which the latest fault overwrites.
// Such a notice takes no slot, and never causes another one.

import { DropReason, faultNoticeOffset, faultNoticeSize, type Recovery, TaskKind } from '../abi/envelope.ts';
import { enqueueFromAgent, withdraw } from './deliver.ts';
import { EventKind } from './event.ts';
import { type Agent, isAlive, type Payload, type SchedulerState, type Task } from './state.ts';

/** A failure of the agent's present incarnation in the current tick. */
export interface Fault {
  readonly agent: Agent;
  readonly code: number;
  readonly recovery: Recovery;
  readonly restartTick: number;
}

/** The payload of a notice. */
export function faultNotice(
  { tick }: SchedulerState,
  { agent, code, recovery, restartTick }: Fault,
): Payload {
  const bytes = new Uint8Array(faultNoticeSize);
  const view = new DataView(bytes.buffer);
  const wide = (offset: number, value: number): void => {
    view.setUint32(offset, value % 2 ** 32, true);
    view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
  };
  view.setUint32(faultNoticeOffset.count, 1, true);
  view.setUint32(faultNoticeOffset.fault, code, true);
  wide(faultNoticeOffset.tick, tick);
  view.setUint32(faultNoticeOffset.origin, agent.origin, true);
  view.setUint32(faultNoticeOffset.counter, agent.counter, true);
  view.setUint32(faultNoticeOffset.incarnation, agent.incarnation, true);
  view.setUint32(faultNoticeOffset.recovery, recovery, true);
  wide(faultNoticeOffset.restartTick, restartTick);
  wide(faultNoticeOffset.imageTick, restartTick > 0 ? agent.imageTick : 0);
  return { bytes, offset: 0, length: faultNoticeSize };
}

/** Tells the agent that the declaration names, if it lives and is not the failed one itself. */
export function noteFault(state: SchedulerState, fault: Fault): void {
  const { agent } = fault;
  const { onFault } = agent.declaration;
  const watcher = onFault === null ? undefined : state.hostAgents[onFault];
  if (watcher === undefined || watcher === agent || !isAlive(watcher) || watcher.phase === 'stopping') return;
  watcher.faultNotices ??= new Map();
  const payload = faultNotice(state, fault);
  const waiting = watcher.faultNotices.get(agent);
  if (waiting !== undefined) {
    overwrite(waiting, payload.bytes);
  } else if (watcher.faultNotices.size >= watcher.declaration.limits.mailboxMessagesMax) {
    state.events.push({
      kind: EventKind.dropped,
      agent: watcher,
      other: agent,
      reason: DropReason.mailboxFull,
    });
  } else {
    watcher.faultNotices.set(agent, enqueueFromAgent(state, watcher, TaskKind.fault, agent, payload));
  }
}

/** The later fault takes the place of the earlier, and counts for both. */
function overwrite(waiting: Task, later: Uint8Array): void {
  const count = countOf(waiting.bytes) + countOf(later);
  waiting.bytes.set(later);
  viewOf(waiting.bytes).setUint32(faultNoticeOffset.count, count, true);
}

function countOf(bytes: Uint8Array): number {
  return viewOf(bytes).getUint32(faultNoticeOffset.count, true);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset);
}

/** Whether the task is a notice of another agent's fault: there is one of these per failed agent. */
export function isFaultNotice({ kind, sender, agent }: Task): boolean {
  return kind === TaskKind.fault && sender !== agent;
}

/** A planned notice did not run: it waits again, and tells of a later fault too. */
export function putBackFaultNotice(state: SchedulerState, task: Task): void {
  const { agent } = task;
  const failed = task.sender!;
  agent.faultNotices ??= new Map();
  const later = agent.faultNotices.get(failed);
  agent.faultNotices.set(failed, task);
  if (later === undefined) return;
  withdraw(state, later);
  overwrite(task, later.bytes);
}
