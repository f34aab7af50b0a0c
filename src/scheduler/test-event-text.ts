// For tests only: commit events as one line of text each.

import { type DropReason, dropReasonName } from '../abi/envelope.ts';
import { EventKind, eventKindNames, type SchedulerEvent } from './event.ts';

/** `dropped b from a: mailbox-full`, `spawned c/1.1 from a`, `failed a: 8`. */
export function eventText({ kind, agent, other, reason }: SchedulerEvent): string {
  const name = agent === null ? '' : ` ${agent.name}`;
  const from = other === null ? '' : ` from ${other.name}`;
  const why = kind === EventKind.dropped ? dropReasonName[reason as DropReason] : `${reason}`;
  return `${eventKindNames[kind]}${name}${from}${reason === 0 ? '' : `: ${why}`}`;
}
