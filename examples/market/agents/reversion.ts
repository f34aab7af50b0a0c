// The mean reversion trader: what is far from its average comes back.
// Buys when the market is low, sells when it is high.

import { Message, register } from "@wasm-engine/assemblyscript";
import { MovingAverage } from "./market/moving-average";
import { between, moved, Trader } from "./market/trader";

@json
class Config {
  /** Days of the average; each trader takes its own from this range. */
  daysMin: i32 = 8;
  daysMax: i32 = 40;
  /** How far from the average the market must be, in basis points. */
  threshold: i32 = 120;
  size: i64 = 3;
}

class Reversion extends Trader {
  private config: Config = new Config();
  private average: MovingAverage = new MovingAverage(20);

  strategy(): string {
    return "reversion";
  }

  onConfig(message: Message): void {
    const config = message.json<Config>();
    this.config = config;
    this.average = new MovingAverage(between(config.daysMin, config.daysMax));
  }

  trade(): void {
    const market = this.marketPrice;
    this.average.add(market);
    if (!this.average.isFull) return;
    this.cancelAll();
    const distance = ((market - this.average.value) * 10_000) / this.average.value;
    if (distance < -this.config.threshold) this.buy(this.config.size, moved(market, 20));
    else if (distance > this.config.threshold) this.sell(this.config.size, moved(market, -20));
  }
}

register<Reversion>();
