// The exchange: keeps the accounts and the order book, tells both sides of each trade, and gives a summary at the end.

import {
  Agent,
  again,
  AgentId,
  Message,
  output,
  publish,
  register,
  send,
  Step,
} from "@wasm-engine/assemblyscript";
import { Account, Accounts } from "./market/accounts";
import { BookOrder } from "./market/book-side";
import { Order, Quote, Report } from "./market/messages";
import { OrderBook, Trade } from "./market/order-book";

@json
class Config {
  /** What everybody who opens an account gets. */
  cash: i64 = 0;
  shares: i64 = 0;
  /** Whether each trade is an output. */
  tape: bool = false;
}

@json
class TapeLine {
  tick: u64 = 0;
  price: i64 = 0;
  quantity: i64 = 0;
}

/** Every order received ends as exactly one of rejected, filled, cancelled or open. */
@json
class Summary {
  report: string = "exchange";
  trades: i64 = 0;
  volume: i64 = 0;
  turnover: i64 = 0;
  ordersReceived: i64 = 0;
  ordersRejected: i64 = 0;
  ordersFilled: i64 = 0;
  ordersCancelled: i64 = 0;
  ordersOpen: i64 = 0;
  cancelsReceived: i64 = 0;
  cancelsTooLate: i64 = 0;
  accounts: i32 = 0;
  cash: i64 = 0;
  shares: i64 = 0;
  cashAtStart: i64 = 0;
  sharesAtStart: i64 = 0;
  lastPrice: i64 = 0;
}

class Exchange extends Agent {
  private config: Config = new Config();
  private readonly accounts: Accounts = new Accounts();
  private readonly book: OrderBook = new OrderBook();
  /** Resting orders by owner and the owner's number. */
  private readonly resting: Map<string, BookOrder> = new Map();
  private readonly summary: Summary = new Summary();
  private volumeSinceQuote: i64 = 0;

  onConfig(config: Message): void {
    this.config = config.json<Config>();
  }

  onMessage(message: Message): void {
    const order = message.json<Order>();
    const owner = message.sender.key;
    if (order.kind == "open") this.open(message.sender);
    else if (order.kind == "cancel") this.cancel(owner, order.ref);
    else this.take(owner, order, message.tick);
    again();
  }

  /** After the orders of a tick: what the market looks like now. */
  onStep(step: Step): void {
    publish<Quote>("quotes", {
      last: this.summary.lastPrice,
      bid: this.book.bids.bestPrice,
      ask: this.book.asks.bestPrice,
      volume: this.volumeSinceQuote,
    });
    this.volumeSinceQuote = 0;
  }

  onShutdown(): void {
    const summary = this.summary;
    summary.ordersOpen = this.resting.size;
    summary.accounts = this.accounts.size;
    summary.cash = this.accounts.totalCash();
    summary.shares = this.accounts.totalShares();
    output<Summary>(summary);
  }

  private open(owner: AgentId): void {
    if (this.accounts.find(owner.key)) return;
    const account = this.accounts.open(owner.key, this.config.cash, this.config.shares);
    this.summary.cashAtStart += account.cash;
    this.summary.sharesAtStart += account.shares;
    const report = new Report();
    report.kind = "account";
    report.cash = account.cash;
    report.shares = account.shares;
    send<Report>(owner, report);
  }

  private take(owner: u64, wanted: Order, tick: u64): void {
    this.summary.ordersReceived++;
    const account = this.accounts.find(owner);
    const priced = wanted.kind == "limit" ? wanted.price > 0 : wanted.kind == "market";
    if (!account || !priced || wanted.quantity <= 0 || this.resting.has(keyOf(owner, wanted.ref))) {
      this.reject(owner, wanted);
      return;
    }
    const price = wanted.kind == "limit" ? wanted.price : 0;
    const order = new BookOrder(account, wanted.ref, wanted.buy, price, wanted.quantity);
    if (!this.book.canTake(order)) {
      this.reject(owner, wanted);
      return;
    }
    const trades = this.book.take(order);
    for (let i = 0; i < trades.length; i++) this.tell(trades[i], tick);
    if (order.left == 0) this.summary.ordersFilled++;
    else if (order.isMarket) this.close(order);
    else this.resting.set(keyOf(owner, order.ref), order);
  }

  private cancel(owner: u64, ref: i32): void {
    this.summary.cancelsReceived++;
    const key = keyOf(owner, ref);
    if (!this.resting.has(key)) {
      this.summary.cancelsTooLate++;
      return;
    }
    const order = this.resting.get(key);
    this.resting.delete(key);
    this.book.cancel(order);
    this.close(order);
  }

  private close(order: BookOrder): void {
    this.summary.ordersCancelled++;
    const report = this.reportOn(order, "closed");
    report.left = order.left;
    send<Report>(AgentId.fromKey(order.account.owner), report);
  }

  private reject(owner: u64, wanted: Order): void {
    this.summary.ordersRejected++;
    const report = new Report();
    report.kind = "rejected";
    report.ref = wanted.ref;
    report.buy = wanted.buy;
    send<Report>(AgentId.fromKey(owner), report);
  }

  private tell(trade: Trade, tick: u64): void {
    const summary = this.summary;
    summary.trades++;
    summary.volume += trade.quantity;
    summary.turnover += trade.price * trade.quantity;
    summary.lastPrice = trade.price;
    this.volumeSinceQuote += trade.quantity;
    this.tellFill(trade.maker, trade, trade.makerLeft);
    this.tellFill(trade.taker, trade, trade.takerLeft);
    if (trade.makerLeft == 0) {
      summary.ordersFilled++;
      this.resting.delete(keyOf(trade.maker.account.owner, trade.maker.ref));
    }
    if (this.config.tape) output<TapeLine>({ tick, price: trade.price, quantity: trade.quantity });
  }

  private tellFill(order: BookOrder, trade: Trade, left: i64): void {
    const report = this.reportOn(order, "fill");
    report.price = trade.price;
    report.quantity = trade.quantity;
    report.left = left;
    send<Report>(AgentId.fromKey(order.account.owner), report);
  }

  private reportOn(order: BookOrder, kind: string): Report {
    const account: Account = order.account;
    const report = new Report();
    report.kind = kind;
    report.ref = order.ref;
    report.buy = order.buy;
    report.cash = account.cash;
    report.shares = account.shares;
    return report;
  }
}

function keyOf(owner: u64, ref: i32): string {
  return `${owner}/${ref}`;
}

register<Exchange>();
