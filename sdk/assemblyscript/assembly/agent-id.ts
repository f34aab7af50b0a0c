// Who an agent is. Identities are never used again, so one may be kept for as long as the agent likes.

/** The identity of an agent; `origin` 0 is the host, and 0, 0 the world outside. */
export class AgentId {
  constructor(
    readonly origin: u32 = 0,
    readonly counter: u32 = 0,
  ) {}

  /** Whether a message came from outside: from the input, not from an agent. */
  get isOutside(): bool {
    return this.origin == 0 && this.counter == 0;
  }

  /** Both halves in one number, for use as the key of a `Map`. */
  get key(): u64 {
    return ((<u64>this.origin) << 32) | (<u64>this.counter);
  }

  static fromKey(key: u64): AgentId {
    return new AgentId(<u32>(key >> 32), <u32>key);
  }

  equals(other: AgentId): bool {
    return this.key == other.key;
  }

  toString(): string {
    return `${this.origin}.${this.counter}`;
  }
}
