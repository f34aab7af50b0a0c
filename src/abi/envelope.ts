// The envelope: the one flat struct that `agent_receive` and `agent_step` get. Offsets never change within ABI 1.x.

/** Bytes of the envelope in ABI 1.0. Later 1.x versions only append; `size` tells the guest how much is there. */
export const envelopeSize = 72;

/** Byte offsets; every field is little-endian. Described for authors in `docs/formats/abi.md`. */
export const envelopeOffset = {
  size: 0,
  kind: 4,
  tick: 8,
  timeMs: 16,
  selfOrigin: 24,
  selfCounter: 28,
  senderOrigin: 32,
  senderCounter: 36,
  priority: 40,
  topicPointer: 44,
  topicLength: 48,
  payloadPointer: 52,
  payloadLength: 56,
  detail: 60,
  tag: 64,
  reserved: 68,
} as const;

/**
 * What a task is. Kinds below 16 are messages (`agent_receive`), 16 to 31 are steps (`agent_step`), and the two
 * from 32 on take no envelope.
 */
export const TaskKind = {
  /** A direct message. */
  message: 1,
  /** A message published to a topic or channel. */
  topic: 2,
  /** The engine tells a sender what became of its effects; the payload is a notice struct. */
  notice: 3,
  /** The configuration of the agent, or the payload of the `spawn` that made it; delivered first. */
  configuration: 4,
  /** An agent failed; the payload is a fault notice. About the receiver itself where it restarts from its image. */
  fault: 5,
  /** The answer to a request: `detail` is the request's number, `tag` what it was given; tensor-list.ts. */
  inference: 6,
  /** A piece of a generated text: `detail` and `tag` as of an answer; generation.ts. */
  generation: 7,
  /** A task scheduled from outside. */
  scheduled: 16,
  /** A timer fired: `detail` is the timer's number, `tag` what `set_timer` was given. */
  timer: 17,
  /** The declaration asks for a step in every tick. */
  everyTick: 18,
  /** The agent returned 1 in the tick before. */
  again: 19,
  init: 32,
  shutdown: 33,
} as const;
export type TaskKind = (typeof TaskKind)[keyof typeof TaskKind];

/** Whether a task of this kind goes to `agent_receive`. */
export function isMessage(kind: TaskKind): boolean {
  return kind < 16;
}

/** Bytes of the payload of a notice. */
export const noticeSize = 32;

/** Byte offsets of the payload of a notice; all fields u32 but `tick`, which is u64. */
export const noticeOffset = {
  count: 0,
  reason: 4,
  tick: 8,
  effectIndex: 16,
  effectKind: 20,
  receiverOrigin: 24,
  receiverCounter: 28,
} as const;

/** Bytes of the payload of a fault notice. */
export const faultNoticeSize = 48;

/** Byte offsets of the payload of a fault notice; all fields u32 but the ticks, which are u64. */
export const faultNoticeOffset = {
  /** Failures of the agent that it tells of; the other fields are of the last one. */
  count: 0,
  fault: 4,
  tick: 8,
  /** Identity of the agent that failed. */
  origin: 16,
  counter: 20,
  /** The incarnation that failed, from 0. */
  incarnation: 24,
  /** A `Recovery`. */
  recovery: 28,
  /** When the agent is restarted; 0 where it is not. */
  restartTick: 32,
  /** The tick of the image that it restarts from; 0 where there is none. */
  imageTick: 40,
} as const;

/** What becomes of an agent that failed. */
export const Recovery = { none: 0, fromInit: 1, fromImage: 2 } as const;
export type Recovery = (typeof Recovery)[keyof typeof Recovery];

/** Why an effect did not reach its receiver; the `reason` of a notice and of a dead letter. */
export const DropReason = {
  mailboxFull: 1,
  receiverUnknown: 2,
  receiverStopped: 3,
  notMember: 4,
  deliveryBudget: 5,
  spawnRefused: 6,
  poison: 7,
  topicBound: 8,
  /** Its sender waited in a circle of agents that waited for each other. */
  blockedCycle: 9,
  contractBroken: 10,
  droppedNewest: 11,
  droppedOldest: 12,
  channelLimit: 13,
  /** Too many requests wait for their answers. */
  requestLimit: 14,
} as const;
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** The names of drop reasons, as they appear in events. */
export const dropReasonName: Readonly<Record<DropReason, string>> = {
  [DropReason.mailboxFull]: 'mailbox-full',
  [DropReason.receiverUnknown]: 'receiver-unknown',
  [DropReason.receiverStopped]: 'receiver-stopped',
  [DropReason.notMember]: 'not-a-member',
  [DropReason.deliveryBudget]: 'delivery-budget',
  [DropReason.spawnRefused]: 'spawn-refused',
  [DropReason.poison]: 'poison',
  [DropReason.topicBound]: 'topic-bound',
  [DropReason.blockedCycle]: 'blocked-cycle',
  [DropReason.contractBroken]: 'contract-broken',
  [DropReason.droppedNewest]: 'dropped-newest',
  [DropReason.droppedOldest]: 'dropped-oldest',
  [DropReason.channelLimit]: 'channel-limit',
  [DropReason.requestLimit]: 'request-limit',
};
