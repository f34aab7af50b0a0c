// Gives every message back as it understood it: JSON in, JSON out.

import { Agent, Message, output, outputText, register } from "@wasm-engine/assemblyscript";

@json
class Leaf {
  name: string = "";
  @omitnull()
  note: string | null = null;
}

@json
class Everything {
  text: string = "";
  yes: bool = false;
  small: i8 = 0;
  large: i64 = 0;
  huge: u64 = 0;
  float: f64 = 0;
  list: i32[] = [];
  texts: string[] = [];
  leaf: Leaf = new Leaf();
  leaves: Leaf[] = [];
  floats: f64[] = [];
}

class Codec extends Agent {
  onMessage(message: Message): void {
    if (message.topic == "text") outputText(message.text());
    else if (message.topic == "string") output<string>(message.json<string>());
    else if (message.topic == "float") output<f64>(message.json<f64>());
    else output<Everything>(message.json<Everything>());
  }
}

register<Codec>();
