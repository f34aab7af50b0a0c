// The one table of default limits. Every value is part of the configuration, and so of the digest.

/** Limits of one agent; each can be set per agent in the system file under `limits`. */
export interface AgentLimits {
  /** Fuel of one task. */
  readonly fuelPerTask: number;
  /** Fuel of the start function, the segments and `agent_init` together. */
  readonly fuelPerInit: number;
  /** Fuel of `agent_shutdown`. */
  readonly fuelPerShutdown: number;
  /** Pages of 64 KiB that the memory may reach. */
  readonly memoryPagesMax: number;
  /** Messages that may wait in the mailbox. */
  readonly mailboxMessagesMax: number;
  /** Bytes of one payload: message, output, log text or configuration. */
  readonly messageBytesMax: number;
  /** Effects that one turn may ask for. */
  readonly effectsPerTurnMax: number;
  /** Bytes of payload that the effects of one turn may carry together. */
  readonly effectBytesPerTurnMax: number;
  /** Deliveries that the agent's effects may cause in a tick, fan-out counted. */
  readonly deliveriesPerTickMax: number;
  /** Timers that may be pending. */
  readonly timersMax: number;
  /** Channels that the agent may be a member of. */
  readonly channelsMax: number;
  /** A message is dead after its receiver failed on it this often. */
  readonly attemptsMax: number;
}

export const agentLimitDefaults: AgentLimits = {
  fuelPerTask: 50_000_000,
  fuelPerInit: 200_000_000,
  fuelPerShutdown: 10_000_000,
  memoryPagesMax: 256,
  mailboxMessagesMax: 1024,
  messageBytesMax: 65_536,
  effectsPerTurnMax: 4096,
  effectBytesPerTurnMax: 1_048_576,
  deliveriesPerTickMax: 65_536,
  timersMax: 256,
  channelsMax: 256,
  attemptsMax: 3,
};

/** What each limit may be set to, both ends included. */
export const agentLimitRanges: Readonly<Record<keyof AgentLimits, readonly [number, number]>> = {
  fuelPerTask: [1, Number.MAX_SAFE_INTEGER],
  fuelPerInit: [1, Number.MAX_SAFE_INTEGER],
  fuelPerShutdown: [1, Number.MAX_SAFE_INTEGER],
  memoryPagesMax: [1, 65_536],
  mailboxMessagesMax: [1, 1_000_000],
  messageBytesMax: [1, 16_777_216],
  effectsPerTurnMax: [1, 1_000_000],
  effectBytesPerTurnMax: [1, 268_435_456],
  deliveriesPerTickMax: [1, 100_000_000],
  timersMax: [0, 100_000],
  channelsMax: [0, 100_000],
  attemptsMax: [1, 1000],
};

/** Limits of the whole run, set under `[run]`. */
export interface RunLimits {
  /** Tasks that one tick executes at most. */
  readonly tasksPerTickMax: number;
  /** Lines that one tick pulls from a source. */
  readonly inputsPerTickMax: number;
  /** Agents that may be alive at once. */
  readonly agentsMax: number;
  /** Pages of 64 KiB that all living agents may reach together: the sum of their `memoryPagesMax`. */
  readonly memoryPagesReservedMax: number;
  /** Bytes of the answers that one tick takes; one is taken whatever its size, and the others come in the next tick. */
  readonly answerBytesPerTickMax: number;
}

export const runLimitDefaults: RunLimits = {
  tasksPerTickMax: 1_000_000,
  inputsPerTickMax: 256,
  agentsMax: 10_000,
  memoryPagesReservedMax: 268_435_456,
  answerBytesPerTickMax: 67_108_864,
};

export const runLimitRanges: Readonly<Record<keyof RunLimits, readonly [number, number]>> = {
  tasksPerTickMax: [1, 1_000_000],
  inputsPerTickMax: [1, 1_000_000],
  agentsMax: [1, 1_000_000],
  memoryPagesReservedMax: [1, 2 ** 36],
  answerBytesPerTickMax: [1, 2 ** 36],
};
