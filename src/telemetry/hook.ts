// What observers may attach: hooks that see committed ticks. Nothing they do can change a run; one that throws is
// detached. What a turn or a model took exists only here, never in the record.

/** One committed tick. */
export interface TickTelemetry {
  readonly tick: number;
  /** Tasks that ran. */
  readonly tasks: number;
  /** Messages delivered to mailboxes. */
  readonly messages: number;
  readonly fuel: number;
  readonly faults: number;
  /** Wall-clock time from opening to commit, in milliseconds. */
  readonly durationMs: number;
  /** Lower-case hexadecimal. */
  readonly digest: string;
}

/** The work of one agent within a tick. */
export interface TurnTelemetry {
  readonly tick: number;
  readonly agent: string;
  readonly tasks: number;
  readonly fuel: number;
  /** Wall-clock time of the turn, in milliseconds. */
  readonly durationMs: number;
}

/** The messages that one tick moved. */
export interface MessageTelemetry {
  readonly tick: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly outputs: number;
}

/** What one answer of a model, or one piece of a text, took on this machine. */
export interface InferenceTelemetry {
  /** In which it was due. */
  readonly tick: number;
  readonly agent: string;
  /** What `infer` or `generate` gave the agent. */
  readonly request: number;
  readonly model: string;
  readonly version: string;
  /** What answered: `wasm`, `cpu`, `cuda` or `webgpu`. */
  readonly provider: string;
  /** How many requests ran together with it, itself among them; 0 where it did not run. */
  readonly batch: number;
  /** From asking to the answer, less `computeMs`. */
  readonly queueMs: number;
  /** In the model, with all that ran together. */
  readonly computeMs: number;
  /** Time that the tick was held for it; 0 where it was there. */
  readonly waitedMs: number;
  /** What the model counts for in the budget. */
  readonly bytes: number;
  /** Bytes that the process it ran in had in memory, looked at now and then. */
  readonly processBytes: number;
}

/**
 * Each method is optional; ticks come in order, and for each tick `inference` in the order of the answers, then
 * `messages`, then `turn` in plan order, then `tick`.
 */
export interface TelemetryHook {
  readonly tick?: (telemetry: TickTelemetry) => void;
  readonly turn?: (telemetry: TurnTelemetry) => void;
  readonly messages?: (telemetry: MessageTelemetry) => void;
  readonly inference?: (telemetry: InferenceTelemetry) => void;
}

/** The hooks of one run. */
export class TelemetryHooks {
  readonly #hooks: TelemetryHook[] = [];

  get isEmpty(): boolean {
    return this.#hooks.length === 0;
  }

  /** Whether any hook asks for turns, which then are measured. */
  get wantsTurns(): boolean {
    return this.#hooks.some((hook) => hook.turn !== undefined);
  }

  add(hook: TelemetryHook): void {
    this.#hooks.push(hook);
  }

  emitTick(telemetry: TickTelemetry): void {
    this.#emit((hook) => hook.tick?.(telemetry));
  }

  emitTurn(telemetry: TurnTelemetry): void {
    this.#emit((hook) => hook.turn?.(telemetry));
  }

  emitMessages(telemetry: MessageTelemetry): void {
    this.#emit((hook) => hook.messages?.(telemetry));
  }

  emitInference(telemetry: InferenceTelemetry): void {
    this.#emit((hook) => hook.inference?.(telemetry));
  }

  #emit(call: (hook: TelemetryHook) => unknown): void {
    for (const hook of [...this.#hooks]) {
      try {
        const answer = call(hook);
        // A function of the program may be asynchronous, whatever its type says; its failure must not go unhandled.
        if (answer instanceof Promise) answer.catch(() => this.#detach(hook));
      } catch {
        this.#detach(hook);
      }
    }
  }

  #detach(hook: TelemetryHook): void {
    const at = this.#hooks.indexOf(hook);
    if (at >= 0) this.#hooks.splice(at, 1);
  }
}
