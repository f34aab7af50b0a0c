// A limit order book with price-time priority.
// It settles trades between accounts and reserves what open orders may cost.

import { Account } from "./accounts";
import { BookOrder, BookSide } from "./book-side";

/** A maker's order met a taker's, at the maker's price. */
export class Trade {
  readonly price: i64;
  /** What was open of each after this trade; more trades of the taker may have followed. */
  readonly makerLeft: i64;
  readonly takerLeft: i64;

  constructor(
    readonly maker: BookOrder,
    readonly taker: BookOrder,
    readonly quantity: i64,
  ) {
    this.price = maker.price;
    this.makerLeft = maker.left;
    this.takerLeft = taker.left;
  }
}

export class OrderBook {
  readonly bids: BookSide = new BookSide(true);
  readonly asks: BookSide = new BookSide(false);

  /** Whether the account can pay for the order, or deliver it; a market order to buy is cut to what is affordable. */
  canTake(order: BookOrder): bool {
    if (!order.buy) return order.account.freeShares >= order.quantity;
    return order.isMarket || order.account.freeCash / order.price >= order.quantity;
  }

  /** Matches an order. The rest of a limit order stays in the book; that of a market order the caller must close. */
  take(order: BookOrder): Trade[] {
    this.reserve(order, order.quantity);
    const trades: Trade[] = [];
    const others = order.buy ? this.asks : this.bids;
    while (order.left > 0) {
      const best = others.best();
      if (!best || !meets(order, best.price)) break;
      const quantity = min(min(order.left, best.left), affordable(order, best.price));
      if (quantity == 0) break;
      this.settle(order, best, quantity);
      trades.push(new Trade(best, order, quantity));
      if (best.left == 0) others.removeBest();
    }
    if (order.isMarket) this.reserve(order, -order.left);
    else if (order.left > 0) (order.buy ? this.bids : this.asks).add(order);
    return trades;
  }

  cancel(order: BookOrder): void {
    (order.buy ? this.bids : this.asks).remove(order);
    this.reserve(order, -order.left);
  }

  private settle(taker: BookOrder, maker: BookOrder, quantity: i64): void {
    const buyer = taker.buy ? taker : maker;
    const seller = taker.buy ? maker : taker;
    const cost = maker.price * quantity;
    this.reserve(buyer, -quantity);
    this.reserve(seller, -quantity);
    buyer.account.cash -= cost;
    seller.account.cash += cost;
    buyer.account.shares += quantity;
    seller.account.shares -= quantity;
    taker.left -= quantity;
    maker.left -= quantity;
    buyer.account.check();
    seller.account.check();
  }

  /** Promises what `quantity` of the order may cost (market orders to buy: nothing); a negative one gives it back. */
  private reserve(order: BookOrder, quantity: i64): void {
    if (order.buy) order.account.reservedCash += order.price * quantity;
    else order.account.reservedShares += quantity;
  }
}

function meets(order: BookOrder, price: i64): bool {
  if (order.isMarket) return true;
  return order.buy ? price <= order.price : price >= order.price;
}

/** How much of a market order to buy the free cash pays for; all of any other order, which has its reserve. */
function affordable(order: BookOrder, price: i64): i64 {
  if (!order.buy || !order.isMarket) return order.left;
  const account: Account = order.account;
  return account.freeCash / price;
}
