// Log texts. They are recorded, and survive a task that fails.

import { HostCode, keep, LogLevel } from "./codes";
import { encodePayload, payloadLength } from "./encoding";
import * as host from "./host";

export function log(level: LogLevel, text: string): HostCode {
  const payload = encodePayload(text);
  return keep(host.log(level, payload, payloadLength));
}

export function debug(text: string): HostCode {
  return log(LogLevel.Debug, text);
}

export function info(text: string): HostCode {
  return log(LogLevel.Info, text);
}

export function warn(text: string): HostCode {
  return log(LogLevel.Warning, text);
}

export function error(text: string): HostCode {
  return log(LogLevel.Error, text);
}
