// What the agents of the market say to each other. Money is in cents, always whole.

/** From the feed, on topic "prices": the close of the index on a day. */
@json
export class Price {
  day: i32 = 0;
  date: string = "";
  cents: i64 = 0;
}

/** From the exchange, on topic "quotes": the market after a day of trading; 0 where nobody bids or asks. */
@json
export class Quote {
  last: i64 = 0;
  bid: i64 = 0;
  ask: i64 = 0;
  volume: i64 = 0;
}

/** From a trader to the exchange. `kind`: "open" an account, "limit", "market", or "cancel" the order `ref`. */
@json
export class Order {
  kind: string = "";
  /** The trader's own number of the order. */
  ref: i32 = 0;
  buy: bool = false;
  price: i64 = 0;
  quantity: i64 = 0;
}

/** From the exchange to a trader. `kind`: "account", "fill", "rejected", or "closed" with what was `left` unfilled. */
@json
export class Report {
  kind: string = "";
  ref: i32 = 0;
  buy: bool = false;
  price: i64 = 0;
  quantity: i64 = 0;
  left: i64 = 0;
  cash: i64 = 0;
  shares: i64 = 0;
}
