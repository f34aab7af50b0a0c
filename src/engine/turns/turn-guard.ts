// Whoever is told of turns, which then run one at a time. It changes nothing about them.

import type { Agent } from '../../scheduler/index.ts';

export interface TurnGuard {
  beforeTurn(agent: Agent): void;
  /** After the last turn of the tick. */
  afterTurns(): void;
}
