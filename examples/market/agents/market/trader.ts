// What all traders do alike: an account, orders, and the reckoning at the end.
// A strategy decides once a day, in `trade`.

import {
  Agent,
  AgentId,
  find,
  Message,
  output,
  randomInt,
  send,
} from "@wasm-engine/assemblyscript";
import { Order, Price, Quote, Report } from "./messages";

/** An order that the exchange may still have. */
class OpenOrder {
  constructor(
    readonly buy: bool,
    readonly price: i64,
    public left: i64,
  ) {}
}

/** Money in cents. `againstHolding` is the profit less that of doing nothing: over all traders it adds up to zero. */
@json
class Result {
  report: string = "trader";
  strategy: string = "";
  profit: i64 = 0;
  againstHolding: i64 = 0;
  orders: i32 = 0;
  rejected: i32 = 0;
  fills: i32 = 0;
  cash: i64 = 0;
  shares: i64 = 0;
}

export abstract class Trader extends Agent {
  /** The latest close of the index, and the latest state of the market. */
  protected price: Price = new Price();
  protected quote: Quote = new Quote();
  protected shares: i64 = 0;
  private cash: i64 = 0;
  private exchange: AgentId = new AgentId();
  private startCash: i64 = 0;
  private startShares: i64 = 0;
  private startPrice: i64 = 0;
  private lastRef: i32 = 0;
  private readonly open: Map<i32, OpenOrder> = new Map();
  private reservedCash: i64 = 0;
  private reservedShares: i64 = 0;
  private fills: i32 = 0;
  private rejected: i32 = 0;

  /** The name under which results are given. */
  abstract strategy(): string;

  /** Once a day, when the index has closed: look at `price` and `quote`, and place orders. */
  abstract trade(): void;

  onStart(): void {
    const found = find("exchange");
    assert(found != null, "there is no exchange");
    this.exchange = found!;
    const order = new Order();
    order.kind = "open";
    send<Order>(this.exchange, order);
  }

  onMessage(message: Message): void {
    if (message.topic == "prices") {
      this.price = message.json<Price>();
      if (this.startPrice == 0) this.startPrice = this.price.cents;
      if (this.startCash > 0) this.trade();
    } else if (message.topic == "quotes") this.quote = message.json<Quote>();
    else if (message.sender.equals(this.exchange)) this.hear(message.json<Report>());
  }

  onShutdown(): void {
    const profit = this.cash - this.startCash + this.shares * this.price.cents - this.startShares * this.startPrice;
    output<Result>({
      report: "trader",
      strategy: this.strategy(),
      profit,
      againstHolding: profit - this.startShares * (this.price.cents - this.startPrice),
      orders: this.lastRef,
      rejected: this.rejected,
      fills: this.fills,
      cash: this.cash,
      shares: this.shares,
    });
  }

  /** What the market asks for a share; the latest trade or the index where nobody does. */
  protected get marketPrice(): i64 {
    return this.quote.last > 0 ? this.quote.last : this.price.cents;
  }

  protected get freeCash(): i64 {
    return this.cash - this.reservedCash;
  }

  protected get freeShares(): i64 {
    return this.shares - this.reservedShares;
  }

  /** Bids for as many shares as the free cash pays for, at most `quantity`. */
  protected buy(quantity: i64, price: i64): void {
    if (price <= 0) return;
    const affordable = min(quantity, this.freeCash / price);
    if (affordable > 0) this.place("limit", true, affordable, price);
  }

  /** Offers as many shares as are free, at most `quantity`. */
  protected sell(quantity: i64, price: i64): void {
    const owned = min(quantity, this.freeShares);
    if (owned > 0 && price > 0) this.place("limit", false, owned, price);
  }

  /** Buys at whatever is asked. */
  protected buyNow(quantity: i64): void {
    const affordable = min(quantity, this.freeCash / this.marketPrice);
    if (affordable > 0) this.place("market", true, affordable, 0);
  }

  /** Sells at whatever is bid. */
  protected sellNow(quantity: i64): void {
    const owned = min(quantity, this.freeShares);
    if (owned > 0) this.place("market", false, owned, 0);
  }

  /** Takes back every order that may still be open. A fill that is on its way is heard of later. */
  protected cancelAll(): void {
    const refs = this.open.keys();
    for (let i = 0; i < refs.length; i++) {
      const order = new Order();
      order.kind = "cancel";
      order.ref = refs[i];
      send<Order>(this.exchange, order);
      this.forget(refs[i]);
    }
  }

  private place(kind: string, buy: bool, quantity: i64, price: i64): void {
    this.lastRef++;
    const sent = send<Order>(this.exchange, { kind, ref: this.lastRef, buy, price, quantity });
    assert(sent == 0, "an order was not taken");
    this.open.set(this.lastRef, new OpenOrder(buy, price, quantity));
    this.reserve(buy, price, quantity);
  }

  private hear(report: Report): void {
    if (report.kind == "account") {
      this.startCash = report.cash;
      this.startShares = report.shares;
    } else if (report.kind == "fill") {
      this.fills++;
      this.hearFill(report);
    } else {
      if (report.kind == "rejected") this.rejected++;
      this.forget(report.ref);
    }
    if (report.kind != "rejected") {
      this.cash = report.cash;
      this.shares = report.shares;
    }
  }

  private hearFill(report: Report): void {
    if (!this.open.has(report.ref)) return;
    const order = this.open.get(report.ref);
    this.reserve(order.buy, order.price, report.left - order.left);
    order.left = report.left;
    if (order.left == 0) this.open.delete(report.ref);
  }

  private forget(ref: i32): void {
    if (!this.open.has(ref)) return;
    const order = this.open.get(ref);
    this.reserve(order.buy, order.price, -order.left);
    this.open.delete(ref);
  }

  private reserve(buy: bool, price: i64, quantity: i64): void {
    if (buy) this.reservedCash += price * quantity;
    else this.reservedShares += quantity;
  }
}

/** A price moved by basis points: 10,000 of them are the price itself. */
export function moved(price: i64, basisPoints: i32): i64 {
  return (price * (10_000 + basisPoints)) / 10_000;
}

/** A whole number from `low` to `high`, both included, all alike. */
export function between(low: i32, high: i32): i32 {
  return low + <i32>randomInt(<u32>(high - low + 1));
}
