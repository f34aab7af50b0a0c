// Faults, drops and refusals in words, for the record and for people.

import { type DropReason, dropReasonName, TaskKind } from '../../abi/envelope.ts';
import { faultKind } from '../../abi/fault.ts';
import { hostCodeName, hostFunctionNames } from '../../abi/host-functions.ts';
import { EventKind, type SchedulerEvent, type TaskFault } from '../../scheduler/index.ts';

const explanations: Readonly<Record<string, string>> = {
  'out-of-fuel': 'it used up its fuel',
  'stack-exhausted': 'its calls nested too deep',
  'memory-out-of-bounds': 'it accessed memory outside its bounds',
  'table-out-of-bounds': 'it accessed a table outside its bounds',
  'indirect-call-mismatch': 'it called through a table entry that is empty or of another type',
  'integer-overflow': 'a result does not fit its integer type',
  'divide-by-zero': 'it divided by zero',
  unreachable: 'it reached an "unreachable" instruction',
  'unknown-return': 'it returned a value that means nothing; 0, 1, 2 or a negative one was wanted',
  'inbox-out-of-bounds': 'agent_alloc answered a range that does not lie inside its memory',
  'host-call-not-allowed': 'it called a host function where none is allowed',
  quarantined: 'its turn ended the engine process twice',
};

/** The entry point that runs a task of this kind. */
export function entryPoint(kind: TaskKind): string {
  if (kind === TaskKind.init) return 'agent_init';
  if (kind === TaskKind.shutdown) return 'agent_shutdown';
  return kind < 16 ? 'agent_receive' : 'agent_step';
}

export function faultName(code: number): string {
  return faultKind(code) ?? `fault ${code}`;
}

/** @param place the functions it trapped in, and the offset in its module; undefined where that is not known */
export function faultText(
  fault: TaskFault,
  place?: { readonly functions: string; readonly offset: number },
): string {
  const name = faultName(fault.code);
  const why = name === 'negative-return' ? `it returned ${fault.returned}` : (explanations[name] ?? name);
  const where = place === undefined ? '' : `, in ${place.functions} at byte ${place.offset} of its module`;
  return `Agent "${fault.agent.name}" failed in ${entryPoint(fault.taskKind)}: ${why}${where}`;
}

/** The reason of an event in words; empty where it has none. */
export function eventReason(event: SchedulerEvent): string {
  if (event.kind === EventKind.dropped) return dropReasonName[event.reason as DropReason];
  if (event.kind === EventKind.restarted) return event.reason === 1 ? 'from-image' : 'from-init';
  const isFault = event.kind === EventKind.failed || event.kind === EventKind.backingOff;
  return isFault ? faultName(event.reason) : '';
}

export function refusalText(functionIndex: number, code: number): { name: string; reason: string } {
  return { name: hostFunctionNames[functionIndex] ?? '?', reason: hostCodeName[code] ?? String(code) };
}
