// The noise trader: has no opinion, and trades all the same. The others live on it.

import { Message, register } from "@wasm-engine/assemblyscript";
import { between, moved, Trader } from "./market/trader";

@json
class Config {
  /** Of a hundred days, on how many it trades. */
  activity: i32 = 50;
  sizeMax: i32 = 4;
}

class Noise extends Trader {
  private config: Config = new Config();

  strategy(): string {
    return "noise";
  }

  onConfig(config: Message): void {
    this.config = config.json<Config>();
  }

  trade(): void {
    this.cancelAll();
    if (between(1, 100) > this.config.activity) return;
    const size = between(1, this.config.sizeMax);
    const choice = between(0, 3);
    if (choice == 0) this.buyNow(size);
    else if (choice == 1) this.sellNow(size);
    else if (choice == 2) this.buy(size, moved(this.marketPrice, between(-100, 50)));
    else this.sell(size, moved(this.marketPrice, between(-50, 100)));
  }
}

register<Noise>();
