// The public face of the telemetry room.

export {
  type InferenceTelemetry,
  type MessageTelemetry,
  type TelemetryHook,
  TelemetryHooks,
  type TickTelemetry,
  type TurnTelemetry,
} from './hook.ts';
