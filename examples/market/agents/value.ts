// The value trader: has an opinion of what a share is worth, buys below it and sells above it.

import { Message, register } from "@wasm-engine/assemblyscript";
import { between, moved, Trader } from "./market/trader";

@json
class Config {
  /** How wrong a trader's opinion may be for good, and how much it wavers from day to day, in basis points. */
  bias: i32 = 150;
  doubt: i32 = 50;
  /** How far from its opinion the price must be, in basis points. */
  margin: i32 = 40;
  size: i64 = 4;
}

class Value extends Trader {
  private config: Config = new Config();
  private bias: i32 = 0;

  strategy(): string {
    return "value";
  }

  onConfig(config: Message): void {
    this.config = config.json<Config>();
    this.bias = between(-this.config.bias, this.config.bias);
  }

  trade(): void {
    this.cancelAll();
    const doubt = between(-this.config.doubt, this.config.doubt);
    const worth = moved(this.price.cents, this.bias + doubt);
    this.buy(this.config.size, moved(worth, -this.config.margin));
    this.sell(this.config.size, moved(worth, this.config.margin));
  }
}

register<Value>();
