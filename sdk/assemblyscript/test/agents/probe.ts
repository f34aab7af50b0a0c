// Does on command what the tests want to see: a message is `{"do": …}`, the answer is an output.

import {
  Agent,
  AgentId,
  again,
  cancelTimer,
  fail,
  Fault,
  find,
  finish,
  generate,
  infer,
  join,
  JSON,
  lastCode,
  leave,
  LogLevel,
  log,
  Message,
  Notice,
  output,
  outputBytes,
  outputText,
  publish,
  publishBytes,
  publishText,
  random,
  randomBytes,
  randomInt,
  register,
  self,
  send,
  sendBytes,
  sendText,
  setTimer,
  spawn,
  Step,
  subscribe,
  Tensor,
  terminate,
  tick,
  timeMs,
  Timer,
  unsubscribe,
} from "@wasm-engine/assemblyscript";

@json
class Command {
  do: string = "";
  name: string = "";
  number: i32 = 0;
  text: string = "";
}

@json
class Seen {
  hook: string = "";
  kind: i32 = 0;
  tick: u64 = 0;
  timeMs: u64 = 0;
  self: u32[] = [];
  sender: u32[] = [];
  priority: i32 = 0;
  topic: string = "";
  payload: i32[] = [];
  timer: i32 = 0;
  tag: i32 = 0;
  numbers: u64[] = [];
}

function ids(id: AgentId): u32[] {
  return [id.origin, id.counter];
}

function numbersOf(bytes: Uint8Array): i32[] {
  const numbers: i32[] = [];
  for (let i = 0; i < bytes.length; i++) numbers.push(bytes[i]);
  return numbers;
}

function seenIn(hook: string): Seen {
  const seen = new Seen();
  seen.hook = hook;
  seen.tick = tick();
  seen.timeMs = timeMs();
  seen.self = ids(self());
  return seen;
}

class Probe extends Agent {
  onStart(): void {
    outputText("start");
  }

  onConfig(config: Message): void {
    output<Seen>(this.describe("config", config));
  }

  onMessage(message: Message): void {
    if (message.topic.length > 0 || !message.isJson()) {
      output<Seen>(this.describe("message", message));
      return;
    }
    const text = message.text();
    if (!text.startsWith('{"do"')) output<Seen>(this.describe("message", message));
    else this.obey(JSON.parse<Command>(text));
  }

  onStep(step: Step): void {
    const seen = seenIn("step");
    seen.kind = step.kind;
    seen.priority = step.priority;
    seen.payload = numbersOf(step.bytes());
    output<Seen>(seen);
  }

  onTimer(timer: Timer): void {
    const seen = seenIn("timer");
    seen.timer = timer.timer;
    seen.tag = timer.tag;
    output<Seen>(seen);
  }

  onNotice(notice: Notice): void {
    const seen = seenIn("notice");
    seen.sender = ids(notice.receiver);
    seen.numbers = [notice.count, notice.reason, notice.tick, notice.effectIndex, notice.effectKind];
    output<Seen>(seen);
  }

  onFault(fault: Fault): void {
    this.tell("fault", fault);
  }

  onRestart(fault: Fault): void {
    this.tell("restart", fault);
  }

  private tell(hook: string, fault: Fault): void {
    const seen = seenIn(hook);
    seen.sender = ids(fault.agent);
    seen.numbers = [
      fault.count,
      fault.kind,
      fault.tick,
      fault.incarnation,
      fault.recovery,
      fault.restartTick,
      fault.imageTick,
    ];
    output<Seen>(seen);
  }

  onShutdown(): void {
    outputText("shutdown");
  }

  private describe(hook: string, message: Message): Seen {
    const seen = seenIn(hook);
    seen.sender = ids(message.sender);
    seen.priority = message.priority;
    seen.topic = message.topic;
    seen.payload = numbersOf(message.bytes());
    return seen;
  }

  private obey(command: Command): void {
    const id = new AgentId(3, 4);
    const bytes = new Uint8Array(3);
    bytes.fill(0xfe);
    const name = command.name;
    if (command.do == "send") this.code(send<string>(id, command.text));
    else if (command.do == "sendText") this.code(sendText(id, command.text));
    else if (command.do == "sendBytes") this.code(sendBytes(id, bytes.subarray(1)));
    else if (command.do == "publish") this.code(publish<i32[]>(name, [1, -2]));
    else if (command.do == "publishText") this.code(publishText(name, command.text));
    else if (command.do == "publishBytes") this.code(publishBytes(name, bytes));
    else if (command.do == "subscribe") this.code(subscribe(name));
    else if (command.do == "unsubscribe") this.code(unsubscribe(name));
    else if (command.do == "join") this.code(join(name));
    else if (command.do == "leave") this.code(leave(name));
    else if (command.do == "setTimer") this.code(setTimer(command.number, -7));
    else if (command.do == "cancelTimer") this.code(cancelTimer(command.number));
    else if (command.do == "log") this.code(log(LogLevel.Warning, command.text));
    else if (command.do == "outputBytes") outputBytes(bytes);
    else if (command.do == "terminate") this.code(terminate(self()));
    else if (command.do == "find") this.identity(find(name));
    else if (command.do == "spawn") this.identity(spawn<string>(name, command.text));
    else if (command.do == "random") output<f64>(random());
    else if (command.do == "infer") this.code(infer(name, [Tensor.float32("x", [1], [0.5])], 7));
    else if (command.do == "generate") this.code(generate(name, command.text));
    else if (command.do == "randomInt") output<u32>(randomInt(<u32>command.number));
    else if (command.do == "randomBytes") outputBytes(randomBytes(command.number));
    else if (command.do == "again") again();
    else if (command.do == "finish") finish();
    else if (command.do == "fail") fail(command.number);
  }

  private code(code: i32): void {
    outputText(code.toString());
  }

  private identity(id: AgentId | null): void {
    outputText(id ? id.toString() : `none ${lastCode()}`);
  }
}

register<Probe>();
