// Outputs: what the system gives to the world outside.

import { JSON } from "json-as";
import { keep, HostCode } from "./codes";
import { encodePayload, payloadLength } from "./encoding";
import * as host from "./host";

/** Gives a value out as JSON. */
export function output<T>(value: T): HostCode {
  return outputText(JSON.stringify<T>(value));
}

/** Gives text out as it is. */
export function outputText(text: string): HostCode {
  const payload = encodePayload(text);
  return keep(host.output(payload, payloadLength));
}

export function outputBytes(bytes: Uint8Array): HostCode {
  return keep(host.output(bytes.dataStart, bytes.length));
}
