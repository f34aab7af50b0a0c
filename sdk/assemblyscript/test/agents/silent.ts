// Uses nothing of the engine, although it fails, allocates and parses.

import { Agent, Message, register } from "@wasm-engine/assemblyscript";

class Silent extends Agent {
  numbers: i32[] = [];

  onMessage(message: Message): void {
    this.numbers.push(message.json<i32>());
    if (this.numbers[0] < 0) throw new Error("negative");
  }
}

register<Silent>();
