// Tasks of a tick, from the columns of the record.

import { TaskKind } from '../../abi/envelope.ts';
import { outcomeNames } from '../../abi/record.ts';
import type { TickOutcomes } from '../../log/index.ts';

export interface TaskFact {
  /** Creation number of the agent. */
  readonly number: number;
  readonly kind: string;
  readonly outcome: string;
  readonly fuel: number;
}

const kindNames: ReadonlyMap<number, string> = new Map(
  Object.entries(TaskKind).map(([name, kind]) => [kind, name]),
);

/** The name of a kind of task. */
export function taskKindName(kind: number): string {
  return kindNames.get(kind) ?? String(kind);
}

/** One fact for each task, in order of the plan. */
export function outcomeFacts({ agent, kind, outcome, fuel }: TickOutcomes): TaskFact[] {
  return Array.from({ length: agent.length }, (_, i) => ({
    number: agent[i]!,
    kind: taskKindName(kind[i]!),
    outcome: outcomeNames[outcome[i]!] ?? String(outcome[i]),
    fuel: fuel[i]!,
  }));
}
