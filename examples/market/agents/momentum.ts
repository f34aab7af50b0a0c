// The momentum trader: what has risen will rise. Buys when the short average is above the long one, sells when below.

import { Message, register } from "@wasm-engine/assemblyscript";
import { MovingAverage } from "./market/moving-average";
import { between, Trader } from "./market/trader";

@json
class Config {
  /** Days of the averages; each trader takes its own from these ranges. */
  shortMin: i32 = 3;
  shortMax: i32 = 10;
  longMin: i32 = 15;
  longMax: i32 = 60;
  /** By how many basis points the averages must differ. */
  threshold: i32 = 30;
  size: i64 = 3;
}

class Momentum extends Trader {
  private config: Config = new Config();
  private short: MovingAverage = new MovingAverage(5);
  private long: MovingAverage = new MovingAverage(20);

  strategy(): string {
    return "momentum";
  }

  onConfig(message: Message): void {
    const config = message.json<Config>();
    this.config = config;
    this.short = new MovingAverage(between(config.shortMin, config.shortMax));
    this.long = new MovingAverage(between(config.longMin, config.longMax));
  }

  trade(): void {
    this.short.add(this.marketPrice);
    this.long.add(this.marketPrice);
    if (!this.long.isFull) return;
    const difference = ((this.short.value - this.long.value) * 10_000) / this.long.value;
    if (difference > this.config.threshold) this.buyNow(this.config.size);
    else if (difference < -this.config.threshold) this.sellNow(this.config.size);
  }
}

register<Momentum>();
