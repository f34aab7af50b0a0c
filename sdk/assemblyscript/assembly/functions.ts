// An agent as a few functions: `onMessage((message) => { … })` at the top level of its file. State lives in globals.

import { Agent } from "./agent";
import { TextPiece } from "./generation";
import { Answer } from "./inference";
import { registerFactory } from "./register";
import { Fault, Message, Notice, Step, Timer } from "./tasks";

let start: (() => void) | null = null;
let config: ((config: Message) => void) | null = null;
let message: ((message: Message) => void) | null = null;
let step: ((step: Step) => void) | null = null;
let timer: ((timer: Timer) => void) | null = null;
let answer: ((answer: Answer) => void) | null = null;
let text: ((piece: TextPiece) => void) | null = null;
let notice: ((notice: Notice) => void) | null = null;
let fault: ((fault: Fault) => void) | null = null;
let restart: ((fault: Fault) => void) | null = null;
let shutdown: (() => void) | null = null;

class FunctionsAgent extends Agent {
  onStart(): void {
    const handler = start;
    if (handler) handler();
  }

  onConfig(received: Message): void {
    const handler = config;
    if (handler) handler(received);
  }

  onMessage(received: Message): void {
    const handler = message;
    if (handler) handler(received);
  }

  onStep(received: Step): void {
    const handler = step;
    if (handler) handler(received);
  }

  onTimer(received: Timer): void {
    const handler = timer;
    if (handler) handler(received);
  }

  onAnswer(received: Answer): void {
    const handler = answer;
    if (handler) handler(received);
  }

  onText(received: TextPiece): void {
    const handler = text;
    if (handler) handler(received);
  }

  onNotice(received: Notice): void {
    const handler = notice;
    if (handler) handler(received);
  }

  onFault(received: Fault): void {
    const handler = fault;
    if (handler) handler(received);
  }

  onRestart(received: Fault): void {
    const handler = restart;
    if (handler) handler(received);
  }

  onShutdown(): void {
    const handler = shutdown;
    if (handler) handler();
  }
}

function serve(): void {
  registerFactory((): Agent => new FunctionsAgent());
}

/** The first task of the agent's life. */
export function onStart(handler: () => void): void {
  start = handler;
  serve();
}

/** The configuration; comes before every message, and not at all where empty. */
export function onConfig(handler: (config: Message) => void): void {
  config = handler;
  serve();
}

export function onMessage(handler: (message: Message) => void): void {
  message = handler;
  serve();
}

/** A scheduled task, an every-tick step, or the step that `again()` asked for. */
export function onStep(handler: (step: Step) => void): void {
  step = handler;
  serve();
}

export function onTimer(handler: (timer: Timer) => void): void {
  timer = handler;
  serve();
}

/** A model answered a request of `infer`. */
export function onAnswer(handler: (answer: Answer) => void): void {
  answer = handler;
  serve();
}

/** A model wrote a piece of a text that `generate` asked for. */
export function onText(handler: (piece: TextPiece) => void): void {
  text = handler;
  serve();
}

/** Some of this agent's effects did not reach their receivers. */
export function onNotice(handler: (notice: Notice) => void): void {
  notice = handler;
  serve();
}

/** Another agent failed: called in the agent that `onFault` of the system file names. */
export function onFault(handler: (fault: Fault) => void): void {
  fault = handler;
  serve();
}

/** This agent failed and goes on as it was at its last image; its timers are gone, and what it joined or subscribed to. */
export function onRestart(handler: (fault: Fault) => void): void {
  restart = handler;
  serve();
}

/** The last task: `send`, `publish`, `output` and `log` alone are allowed. */
export function onShutdown(handler: () => void): void {
  shutdown = handler;
  serve();
}
