// The models of a run between two ticks: what is in use, and what waits for it.

import { type ModelRequest, type SchedulerState, waitingRequests } from '../../scheduler/index.ts';
import { type AgentId, formatAgentId } from '../agent-id.ts';

/** A request whose answer, or the next piece of whose text, was not given yet. */
export interface RequestView {
  readonly agent: AgentId;
  /** Counted by the agent. */
  readonly number: number;
  /** The version that answers it, whatever is in use since. */
  readonly version: string;
  /** The tick of the call. */
  readonly tick: number;
  readonly dueTick: number;
  readonly payloadBytes: number;
  /** Of a text: the piece that is due, from 0, and the tokens that it has until then. */
  readonly text: { readonly part: number; readonly tokens: number } | undefined;
}

export interface ModelView {
  readonly id: string;
  /** The version that new requests go to. */
  readonly version: string;
  readonly versions: readonly string[];
  /** Whether an input declared it, and not the system. */
  readonly declaredByInput: boolean;
  /** Requests whose answers have not been taken: those under way, and answers that wait in mailboxes. */
  readonly pending: number;
  /** Those under way, in the order in which they will be answered. */
  readonly requests: readonly RequestView[];
}

/** By index: those of the system, then those that inputs declared. */
export function viewModels(state: SchedulerState): ModelView[] {
  const waiting = waitingRequests(state);
  return state.requests.models.map(({ declaration, version, pendingCount }, index) => {
    const { name, versions, detail } = declaration;
    const own = waiting.filter(({ model }) => model === index);
    return {
      id: name,
      version: versions[version]!,
      versions,
      declaredByInput: detail !== undefined,
      pending: pendingCount,
      requests: own.map((request) => viewRequest(request, versions)),
    };
  });
}

function viewRequest(
  { agent, number, version, tick, dueTick, payload, generation }: ModelRequest,
  versions: readonly string[],
): RequestView {
  return {
    ...{ agent: formatAgentId(agent), number, version: versions[version]!, tick, dueTick },
    payloadBytes: payload.length,
    text: generation && { part: generation.part, tokens: generation.tokens.length },
  };
}
