// What the entry points hand to an agent. Everything is copied out of the inbox, so it may be kept.

import { JSON } from "json-as";
import { validateJSON } from "json-as/assembly/util/validateJson";
import { AgentId } from "./agent-id";
import { EnvelopeOffset, FaultOffset, NoticeOffset } from "./envelope";

function copyOfPayload(envelope: usize): ArrayBuffer {
  const length = load<i32>(envelope, EnvelopeOffset.payloadLength);
  const copy = new ArrayBuffer(length);
  memory.copy(changetype<usize>(copy), load<u32>(envelope, EnvelopeOffset.payloadPointer), length);
  return copy;
}

/** A task and the bytes that came with it. */
export class Task {
  readonly tick: u64;
  /** Logical time in milliseconds. */
  readonly timeMs: u64;
  readonly priority: i32;
  private readonly payload: ArrayBuffer;

  constructor(envelope: usize) {
    this.tick = load<u64>(envelope, EnvelopeOffset.tick);
    this.timeMs = load<u64>(envelope, EnvelopeOffset.timeMs);
    this.priority = load<i32>(envelope, EnvelopeOffset.priority);
    this.payload = copyOfPayload(envelope);
  }

  /** Bytes of the payload. */
  get length(): i32 {
    return this.payload.byteLength;
  }

  /** The payload as it came. */
  bytes(): Uint8Array {
    return Uint8Array.wrap(this.payload);
  }

  /** The payload as UTF-8 text. */
  text(): string {
    return String.UTF8.decode(this.payload);
  }

  /** The payload as JSON; the task fails where it is not JSON. Ask `isJson()` first where a sender may be wrong. */
  json<T>(): T {
    const text = this.text();
    // The parser reads a wrong text as far as it can; whatever is behind it would go unseen.
    if (!validateJSON(text)) throw new Error("The payload is not JSON");
    return JSON.parse<T>(text);
  }

  /** Whether the payload is JSON (RFC 8259). */
  isJson(): bool {
    return validateJSON(this.text());
  }
}

/** A message: direct, of a topic or channel, or the configuration. */
export class Message extends Task {
  /** 0, 0 where it came from outside. */
  readonly sender: AgentId;
  /** The topic or channel; empty for a direct message. */
  readonly topic: string;

  constructor(envelope: usize) {
    super(envelope);
    this.sender = new AgentId(
      load<u32>(envelope, EnvelopeOffset.senderOrigin),
      load<u32>(envelope, EnvelopeOffset.senderCounter),
    );
    const length = load<u32>(envelope, EnvelopeOffset.topicLength);
    this.topic =
      length == 0 ? "" : String.UTF8.decodeUnsafe(load<u32>(envelope, EnvelopeOffset.topicPointer), length);
  }
}

export enum StepKind {
  /** A task scheduled from outside; it may have a payload. */
  Scheduled = 16,
  /** The declaration asks for a step in every tick. */
  EveryTick = 18,
  /** Asked for by `again()`. */
  Again = 19,
}

export class Step extends Task {
  readonly kind: StepKind;

  constructor(envelope: usize) {
    super(envelope);
    this.kind = load<i32>(envelope, EnvelopeOffset.kind);
  }
}

/** A timer that fired. */
export class Timer {
  /** What `setTimer` answered. */
  readonly timer: i32;
  /** What `setTimer` was given. */
  readonly tag: i32;

  constructor(envelope: usize) {
    this.timer = load<i32>(envelope, EnvelopeOffset.detail);
    this.tag = load<i32>(envelope, EnvelopeOffset.tag);
  }
}

/** Why an effect did not reach its receiver. */
export enum DropReason {
  MailboxFull = 1,
  ReceiverUnknown = 2,
  ReceiverStopped = 3,
  NotAMember = 4,
  DeliveryBudget = 5,
  SpawnRefused = 6,
  Poison = 7,
  TopicBound = 8,
  BlockedCycle = 9,
  ContractBroken = 10,
  DroppedNewest = 11,
  DroppedOldest = 12,
  ChannelLimit = 13,
  RequestLimit = 14,
}

/** Some of the agent's effects did not reach their receivers. All fields but `count` are about the first of them. */
export class Notice {
  readonly count: u32;
  readonly reason: DropReason;
  /** The tick in which it was asked for. */
  readonly tick: u64;
  readonly effectIndex: u32;
  readonly effectKind: u32;
  readonly receiver: AgentId;

  constructor(envelope: usize) {
    const payload = load<u32>(envelope, EnvelopeOffset.payloadPointer);
    assert(load<i32>(envelope, EnvelopeOffset.payloadLength) >= NoticeOffset.size);
    this.count = load<u32>(payload, NoticeOffset.count);
    this.reason = load<i32>(payload, NoticeOffset.reason);
    this.tick = load<u64>(payload, NoticeOffset.tick);
    this.effectIndex = load<u32>(payload, NoticeOffset.effectIndex);
    this.effectKind = load<u32>(payload, NoticeOffset.effectKind);
    this.receiver = new AgentId(
      load<u32>(payload, NoticeOffset.receiverOrigin),
      load<u32>(payload, NoticeOffset.receiverCounter),
    );
  }
}

/** How a task failed. */
export enum FaultKind {
  OutOfFuel = 1,
  StackExhausted = 2,
  MemoryOutOfBounds = 3,
  TableOutOfBounds = 4,
  IndirectCallMismatch = 5,
  IntegerOverflow = 6,
  DivideByZero = 7,
  /** `throw`, `assert` and indices out of bounds end here. */
  Unreachable = 8,
  /** What `fail(code)` makes. */
  NegativeReturn = 9,
  UnknownReturn = 10,
  InboxOutOfBounds = 11,
  HostCallNotAllowed = 12,
  /** Its turn crashed the engine's process twice. */
  Quarantined = 13,
}

/** What becomes of an agent that failed. */
export enum Recovery {
  /** It stays failed. */
  None = 0,
  /** It begins anew. */
  FromInit = 1,
  /** It goes on as it was at its last image. */
  FromImage = 2,
}

/** An agent failed. All fields but `count` are about its last failure. */
export class Fault {
  /** Failures since the agent was last told. */
  readonly count: u32;
  readonly kind: FaultKind;
  /** The tick in which it failed. */
  readonly tick: u64;
  readonly agent: AgentId;
  /** Which of its lives failed: 0, and one more with each restart. */
  readonly incarnation: u32;
  readonly recovery: Recovery;
  /** When it restarts; 0 where it does not. */
  readonly restartTick: u64;
  /** The tick of the image that it goes on from; 0 where there is none. */
  readonly imageTick: u64;

  constructor(envelope: usize) {
    const payload = load<u32>(envelope, EnvelopeOffset.payloadPointer);
    assert(load<i32>(envelope, EnvelopeOffset.payloadLength) >= FaultOffset.size);
    this.count = load<u32>(payload, FaultOffset.count);
    this.kind = load<i32>(payload, FaultOffset.fault);
    this.tick = load<u64>(payload, FaultOffset.tick);
    this.agent = new AgentId(load<u32>(payload, FaultOffset.origin), load<u32>(payload, FaultOffset.counter));
    this.incarnation = load<u32>(payload, FaultOffset.incarnation);
    this.recovery = load<i32>(payload, FaultOffset.recovery);
    this.restartTick = load<u64>(payload, FaultOffset.restartTick);
    this.imageTick = load<u64>(payload, FaultOffset.imageTick);
  }
}
