// From an executed tick to what telemetry hooks see.

import { recordWord } from '../../abi/record.ts';
import { EventKind, type SchedulerEvent } from '../../scheduler/index.ts';
import type { TelemetryHooks } from '../../telemetry/index.ts';
import type { ExecutedTick } from '../turns/machine.ts';

/** Tells the hooks of one tick: messages, then turns in plan order, then the tick. */
export function emitTelemetry(
  hooks: TelemetryHooks,
  executed: ExecutedTick,
  events: readonly SchedulerEvent[],
  durationMs: number,
  digest: string,
): void {
  const { tick, committed } = executed;
  hooks.emitMessages({
    tick,
    delivered: committed.messageCount,
    dropped: events.filter((event) => event.kind === EventKind.dropped).length,
    outputs: committed.sink.outputs.length,
  });
  if (hooks.wantsTurns) emitTurns(hooks, executed);
  hooks.emitTick({
    tick,
    tasks: committed.taskCount,
    messages: committed.messageCount,
    fuel: committed.fuel,
    faults: committed.faults.length,
    durationMs,
    digest,
  });
}

function emitTurns(hooks: TelemetryHooks, { tick, plan, committed, turnMicros }: ExecutedTick): void {
  const turns = new Map<number, { agent: string; tasks: number; fuel: number }>();
  plan.forEach((task, i) => {
    const at = committed.recordAt[i]!;
    const { words } = committed;
    if (words[at + recordWord.size] === 0) return;
    const fuel = words[at + recordWord.fuelLow]! + words[at + recordWord.fuelHigh]! * 2 ** 32;
    const turn = turns.get(task.agent.number) ?? { agent: task.agent.name, tasks: 0, fuel: 0 };
    turns.set(task.agent.number, { agent: turn.agent, tasks: turn.tasks + 1, fuel: turn.fuel + fuel });
  });
  for (const [number, turn] of turns) {
    hooks.emitTurn({ tick, ...turn, durationMs: (turnMicros.get(number) ?? 0) / 1000 });
  }
}
