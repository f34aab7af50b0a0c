// The market maker: always offers to buy a little below and to sell a little above, and lives on the difference.

import { Message, register } from "@wasm-engine/assemblyscript";
import { between, moved, Trader } from "./market/trader";

@json
class Config {
  /** Between the best bid and the best offer, in basis points. */
  spread: i32 = 40;
  /** Prices on each side, and shares at each. */
  levels: i32 = 4;
  size: i64 = 3;
  /** How far, in basis points, the prices are moved for each share above or below what it likes to hold. */
  skew: i32 = 2;
}

class Maker extends Trader {
  private config: Config = new Config();
  private target: i64 = -1;
  private own: i32 = 0;

  strategy(): string {
    return "maker";
  }

  onConfig(config: Message): void {
    this.config = config.json<Config>();
    this.own = between(-5, 5);
  }

  trade(): void {
    if (this.target < 0) this.target = this.shares;
    this.cancelAll();
    // It believes the market and the index half each, and leans against what it has too much of.
    const middle = (this.marketPrice + this.price.cents) / 2;
    const lean = <i32>(this.target - this.shares) * this.config.skew;
    const centre = moved(middle, max(-500, min(500, lean)));
    const half = max(2, this.config.spread / 2 + this.own);
    for (let level = 0; level < this.config.levels; level++) {
      const distance = half * (level + 1);
      this.buy(this.config.size, moved(centre, -distance));
      this.sell(this.config.size, moved(centre, distance));
    }
  }
}

register<Maker>();
