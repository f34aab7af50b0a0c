// Other agents: to make, to end, to find.

import { JSON } from "json-as";
import { AgentId } from "./agent-id";
import { HostCode, keep } from "./codes";
import { encodeName, encodePayload, nameLength, payloadLength } from "./encoding";
import * as host from "./host";

/** Where the engine writes an identity: two u32. */
function identity(): usize {
  return memory.data(8, 8);
}

function identityOf(code: i32): AgentId | null {
  if (keep(code) < 0) return null;
  return new AgentId(load<u32>(identity()), load<u32>(identity(), 4));
}

/** Makes an agent of a declaration of the system file, with a value as its configuration; null: see `lastCode()`. */
export function spawn<T>(declaration: string, config: T): AgentId | null {
  const payload = encodePayload(JSON.stringify<T>(config));
  const name = encodeName(declaration);
  return identityOf(host.spawn(name, nameLength, payload, payloadLength, identity()));
}

/** Ends this agent, or one that it spawned. */
export function terminate(agent: AgentId): HostCode {
  return keep(host.terminate(agent.origin, agent.counter));
}

/** The agent of the system file with this name: `exchange`, or `trader/3` of a counted one; null if none. */
export function find(name: string): AgentId | null {
  const text = encodeName(name);
  return identityOf(host.find(text, nameLength, identity()));
}
