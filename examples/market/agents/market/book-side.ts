// One side of the order book: resting orders, the best price first, and the oldest first at one price.

import { Account } from "./accounts";

/** An order that the exchange took. */
export class BookOrder {
  left: i64;

  constructor(
    readonly account: Account,
    readonly ref: i32,
    readonly buy: bool,
    /** 0 for a market order. */
    readonly price: i64,
    readonly quantity: i64,
  ) {
    this.left = quantity;
  }

  get isMarket(): bool {
    return this.price == 0;
  }
}

export class BookSide {
  /** The best order is the last, so that taking it moves nothing. */
  private readonly orders: BookOrder[] = [];

  constructor(private readonly buy: bool) {}

  get size(): i32 {
    return this.orders.length;
  }

  best(): BookOrder | null {
    return this.orders.length == 0 ? null : this.orders[this.orders.length - 1];
  }

  /** 0 where nobody is there. */
  get bestPrice(): i64 {
    return this.orders.length == 0 ? 0 : this.orders[this.orders.length - 1].price;
  }

  add(order: BookOrder): void {
    let low = 0;
    let high = this.orders.length;
    // Behind an order of the same price in time is before it in the array.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.isWorse(this.orders[middle].price, order.price)) low = middle + 1;
      else high = middle;
    }
    this.orders.push(order);
    for (let i = this.orders.length - 1; i > low; i--) this.orders[i] = this.orders[i - 1];
    this.orders[low] = order;
  }

  removeBest(): void {
    this.orders.pop();
  }

  remove(order: BookOrder): void {
    const index = this.orders.indexOf(order);
    if (index >= 0) this.orders.splice(index, 1);
  }

  private isWorse(price: i64, than: i64): bool {
    return this.buy ? price < than : price > than;
  }
}
