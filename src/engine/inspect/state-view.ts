// The observable state of a run, as plain data: what `snapshotState` answers.

import { encodeHex } from '../../base/encoding.ts';
import type { Sha256 } from '../../base/hash.ts';
import { type Agent, isAlive, type Phase, waitingTasks } from '../../scheduler/index.ts';
import { type AgentId, formatAgentId } from '../agent-id.ts';
import type { Machine } from '../turns/machine.ts';
import { type ModelView, viewModels } from './model-view.ts';

export interface AgentView {
  readonly id: AgentId;
  readonly name: string;
  /** Creation number. */
  readonly number: number;
  readonly phase: Phase;
  /** Messages and scheduled tasks that wait. */
  readonly mailboxMessages: number;
  /** Topics and channels, in the order of subscription. */
  readonly subscriptions: readonly string[];
  /** Pending timers in order of their numbers. */
  readonly timers: readonly { readonly number: number; readonly dueTick: number; readonly tag: number }[];
  readonly memoryBytes: number;
  /** SHA-256 of the whole memory; empty where the agent has none yet. */
  readonly memorySha256: string;
}

export interface QueuedTaskView {
  readonly agent: AgentId;
  readonly kind: number;
  readonly sequence: number;
  readonly priority: number;
  readonly payloadBytes: number;
}

/** The state of a run between two ticks. It describes; it is not what recovery needs. */
export interface StateView {
  /** Living agents, by creation number. */
  readonly agents: readonly AgentView[];
  /** Waiting tasks, by sequence. */
  readonly schedulerQueue: readonly QueuedTaskView[];
  /** Models, and what waits for them; none in a system without inference. */
  readonly onnxModelStates: readonly ModelView[];
  /** Logical milliseconds since the start. */
  readonly timestamp: number;
  readonly tick: number;
  readonly digest: string;
}

export function viewState(machine: Machine, tickMs: number, sha256: Sha256): StateView {
  const { state } = machine;
  const alive = state.agents.filter((agent) => agent !== undefined && isAlive(agent));
  return {
    agents: alive.map((agent) => viewAgent(agent, machine.memoryOf(agent), sha256)),
    schedulerQueue: alive
      .flatMap((agent) => waitingTasks(agent))
      .sort((a, b) => a.sequence - b.sequence)
      .map((task) => ({
        agent: formatAgentId(task.agent),
        kind: task.kind,
        sequence: task.sequence,
        priority: task.priority,
        payloadBytes: task.length,
      })),
    onnxModelStates: viewModels(state),
    timestamp: state.tick * tickMs,
    tick: state.tick,
    digest: encodeHex(machine.digest),
  };
}

function viewAgent(agent: Agent, memory: Uint8Array | undefined, sha256: Sha256): AgentView {
  const timers = [...agent.timers.values()].map(({ number, dueTick, tag }) => ({ number, dueTick, tag }));
  return {
    id: formatAgentId(agent),
    name: agent.name,
    number: agent.number,
    phase: agent.phase,
    mailboxMessages: agent.slotsUsed,
    subscriptions: [...agent.topics].map((topic) => topic.name),
    timers: timers.sort((a, b) => a.number - b.number),
    memoryBytes: memory?.length ?? 0,
    memorySha256: memory === undefined ? '' : encodeHex(sha256(memory)),
  };
}
