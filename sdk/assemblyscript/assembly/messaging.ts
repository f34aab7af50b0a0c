// Messages out: to one agent, or to a topic or channel.
// They are delivered in the next tick, if this task does not fail.

import { JSON } from "json-as";
import { AgentId } from "./agent-id";
import { keep, HostCode } from "./codes";
import { encodeName, encodePayload, nameLength, payloadLength } from "./encoding";
import * as host from "./host";

/** Sends a value as JSON. */
export function send<T>(to: AgentId, value: T): HostCode {
  return sendText(to, JSON.stringify<T>(value));
}

/** Sends text as it is. */
export function sendText(to: AgentId, text: string): HostCode {
  const payload = encodePayload(text);
  return keep(host.send(to.origin, to.counter, payload, payloadLength));
}

export function sendBytes(to: AgentId, bytes: Uint8Array): HostCode {
  return keep(host.send(to.origin, to.counter, bytes.dataStart, bytes.length));
}

/** Publishes a value as JSON to a declared topic, or to a channel that this agent has joined. */
export function publish<T>(topic: string, value: T): HostCode {
  return publishText(topic, JSON.stringify<T>(value));
}

/** Publishes text as it is. */
export function publishText(topic: string, text: string): HostCode {
  const name = encodeName(topic);
  const payload = encodePayload(text);
  return keep(host.publish(name, nameLength, payload, payloadLength));
}

export function publishBytes(topic: string, bytes: Uint8Array): HostCode {
  const name = encodeName(topic);
  return keep(host.publish(name, nameLength, bytes.dataStart, bytes.length));
}

export function subscribe(topic: string): HostCode {
  const name = encodeName(topic);
  return keep(host.subscribe(name, nameLength));
}

export function unsubscribe(topic: string): HostCode {
  const name = encodeName(topic);
  return keep(host.unsubscribe(name, nameLength));
}

/** Becomes a member of a channel: a topic without declaration, to which members alone may publish. */
export function join(channel: string): HostCode {
  const name = encodeName(channel);
  return keep(host.join(name, nameLength));
}

export function leave(channel: string): HostCode {
  const name = encodeName(channel);
  return keep(host.leave(name, nameLength));
}
