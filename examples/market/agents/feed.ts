// The feed: turns lines of input, days of the real series, into market data.

import { Agent, Message, publish, register } from "@wasm-engine/assemblyscript";
import { Price } from "./market/messages";

@json
class Day {
  date: string = "";
  close: f64 = 0;
}

class Feed extends Agent {
  private days: i32 = 0;

  onMessage(message: Message): void {
    const day = message.json<Day>();
    const cents = <i64>Math.round(day.close * 100);
    publish<Price>("prices", { day: this.days, date: day.date, cents });
    this.days++;
  }
}

register<Feed>();
