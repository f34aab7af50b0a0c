// How a run goes on after its process died of itself: each tick's inputs are in the file before the tick, turns run one
// at a time, and each is noted before it runs. No digest shows it, but for the agents that it is told to quarantine.

import {
  type Input,
  InputKind,
  type MarkedTurn,
  nodeStorage,
  readTurnMarker,
  type Storage,
  TurnMarker,
} from '../../log/index.ts';
import { createInput } from '../input/host-inputs.ts';
import type { Clock } from '../ports.ts';
import type { TurnGuard } from './turn-guard.ts';

/**
 * The turn that was being run alone when the process before this one died; undefined where none was. The mark goes:
 * it is held against a turn once.
 */
export function takeMarkedTurn(runDirectory: string): MarkedTurn | undefined {
  const storage = nodeStorage(runDirectory);
  const turn = readTurnMarker(storage);
  new TurnMarker(storage).remove();
  return turn;
}

export interface CarefulOptions {
  /** Agents that fail for good at a tick: their turn in it has ended the process twice. */
  readonly quarantined: readonly MarkedTurn[];
}

/**
 * So long a run stays careful: far longer than what a process that died had not yet written. What is left of it then
 * would have to die again to be careful again.
 */
const carefulMs = 30_000;

export class CarefulMode {
  readonly #marker: TurnMarker;
  readonly #quarantined: readonly MarkedTurn[];
  readonly #clock: Clock;
  readonly #untilMs: number;
  #isOn = true;

  constructor(storage: Storage, { quarantined }: CarefulOptions, clock: Clock) {
    this.#marker = new TurnMarker(storage);
    this.#quarantined = quarantined;
    this.#clock = clock;
    this.#untilMs = clock.nowMs() + carefulMs;
  }

  /** Looks at the clock: between two ticks. */
  get isOn(): boolean {
    if (this.#isOn && this.#clock.nowMs() > this.#untilMs) this.end();
    return this.#isOn;
  }

  /** The quarantines of a tick that are not among its inputs yet. */
  quarantines(tick: number, inputs: readonly Input[]): Input[] {
    const mine = this.#quarantined.filter((turn) => turn.tick === tick);
    const isNew = ({ origin, counter }: MarkedTurn): boolean =>
      !inputs.some(
        (input) =>
          input.kind === InputKind.quarantine && input.origin === origin && input.counter === counter,
      );
    return mine
      .filter(isNew)
      .map(({ origin, counter }) => createInput(InputKind.quarantine, { origin, counter }));
  }

  /** @param interrupted whether a process died in this tick: then its marks reach the disk itself */
  guard(tick: number, interrupted: boolean): TurnGuard {
    this.#marker.begin(tick, interrupted);
    return {
      beforeTurn: ({ origin, counter }) => this.#marker.mark(origin, counter),
      afterTurns: () => this.#marker.done(),
    };
  }

  end(): void {
    this.#isOn = false;
    this.#marker.remove();
  }
}
