// Uses what the standard library would take from a browser.

import { Agent, Message, outputText, register } from "@wasm-engine/assemblyscript";

class Substitutes extends Agent {
  onMessage(message: Message): void {
    const what = message.text();
    if (what == "console") {
      console.log("a log");
      console.debug("a debug");
      console.warn("a warning");
      console.error("an error");
      console.assert(1 > 2, "one is not more than two");
    } else if (what == "date") outputText(Date.now().toString());
    else if (what == "random") outputText(Math.random().toString());
    else if (what == "trace") trace("values", 2, 1.5, -2);
    else if (what == "throw") throw new Error("Grüße 😀");
    else if (what == "assert") assert(false, "it does not hold");
  }
}

register<Substitutes>();
