// The class that an author extends.

import { TextPiece } from "./generation";
import { Answer } from "./inference";
import { Fault, Message, Notice, Step, Timer } from "./tasks";

/** An agent: override what it should react to. It is made in its first task, so its constructor may call the engine. */
export class Agent {
  /** The first task of its life. */
  onStart(): void {}

  /** `config` of the system file, or what `spawn` was given; comes before every message, and not at all where empty. */
  onConfig(config: Message): void {}

  onMessage(message: Message): void {}

  /** A scheduled task, an every-tick step, or the step that `again()` asked for. */
  onStep(step: Step): void {}

  onTimer(timer: Timer): void {}

  /** A model answered a request of `infer`. */
  onAnswer(answer: Answer): void {}

  /** A model wrote a piece of a text that `generate` asked for. */
  onText(piece: TextPiece): void {}

  /** Some of this agent's effects did not reach their receivers. */
  onNotice(notice: Notice): void {}

  /** Another agent failed: called in the agent that `onFault` of the system file names. */
  onFault(fault: Fault): void {}

  /**
   * This agent failed and goes on as it was at its last image: its first task then, in place of `onStart`. Timers, and
   * subscriptions and channels of its own making, are gone, and can be made again here.
   */
  onRestart(fault: Fault): void {}

  /** The last task: `send`, `publish`, `output` and `log` alone are allowed. */
  onShutdown(): void {}
}
