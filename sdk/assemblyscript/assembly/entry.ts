// The five functions that the engine calls.

import { Agent } from "./agent";
import { EnvelopeOffset, TaskKind } from "./envelope";
import { TextPiece } from "./generation";
import { inboxOf } from "./inbox";
import { Answer } from "./inference";
import { makeAgent } from "./register";
import { begin, beginWith, end, self } from "./task-state";
import "./substitutes/bindings";
import "./substitutes/globals";
import { Fault, Message, Notice, Step, Timer } from "./tasks";

let agent: Agent | null = null;

export function agent_init(): i32 {
  begin();
  const made = makeAgent();
  agent = made;
  made.onStart();
  return end();
}

export function agent_receive(envelope: i32): i32 {
  beginWith(<usize>envelope);
  const receiver = agent!;
  const kind = load<i32>(<usize>envelope, EnvelopeOffset.kind);
  if (kind == TaskKind.notice) receiver.onNotice(new Notice(<usize>envelope));
  else if (kind == TaskKind.configuration) receiver.onConfig(new Message(<usize>envelope));
  else if (kind == TaskKind.fault) receiveFault(receiver, new Fault(<usize>envelope));
  else if (kind == TaskKind.inference) receiver.onAnswer(new Answer(<usize>envelope));
  else if (kind == TaskKind.generation) receiver.onText(new TextPiece(<usize>envelope));
  else if (kind == TaskKind.message || kind == TaskKind.topic) receiver.onMessage(new Message(<usize>envelope));
  return end();
}

function receiveFault(receiver: Agent, fault: Fault): void {
  if (fault.agent.equals(self())) receiver.onRestart(fault);
  else receiver.onFault(fault);
}

export function agent_step(envelope: i32): i32 {
  beginWith(<usize>envelope);
  const receiver = agent!;
  if (load<i32>(<usize>envelope, EnvelopeOffset.kind) == TaskKind.timer) {
    receiver.onTimer(new Timer(<usize>envelope));
  } else {
    receiver.onStep(new Step(<usize>envelope));
  }
  return end();
}

export function agent_shutdown(): i32 {
  begin();
  agent!.onShutdown();
  return end();
}

export function agent_alloc(size: i32): i32 {
  return <i32>inboxOf(size);
}
