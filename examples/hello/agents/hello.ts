// Greets everybody who comes in, in the words of its configuration.

import { Agent, Message, output, register } from "@wasm-engine/assemblyscript";

@json
class Config {
  greeting: string = "Hello";
}

@json
class Person {
  name: string = "";
}

@json
class Greeting {
  text: string = "";
  tick: u64 = 0;
}

class Hello extends Agent {
  greeting: string = "Hello";

  onConfig(config: Message): void {
    this.greeting = config.json<Config>().greeting;
  }

  onMessage(message: Message): void {
    const person = message.json<Person>();
    const text = `${this.greeting}, ${person.name}!`;
    output<Greeting>({ text, tick: message.tick });
  }
}

register<Hello>();
