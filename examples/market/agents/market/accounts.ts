// What each trader owns, and what of it is promised to open orders.
// Nobody goes below zero, and nothing is made or lost.

export class Account {
  cash: i64;
  shares: i64;
  /** Promised to open buy orders, and to open sell orders. */
  reservedCash: i64 = 0;
  reservedShares: i64 = 0;

  constructor(
    readonly owner: u64,
    cash: i64,
    shares: i64,
  ) {
    this.cash = cash;
    this.shares = shares;
  }

  get freeCash(): i64 {
    return this.cash - this.reservedCash;
  }

  get freeShares(): i64 {
    return this.shares - this.reservedShares;
  }

  check(): void {
    assert(this.reservedCash >= 0 && this.cash >= this.reservedCash, "cash below zero");
    assert(this.reservedShares >= 0 && this.shares >= this.reservedShares, "shares below zero");
  }
}

export class Accounts {
  private readonly byOwner: Map<u64, Account> = new Map();

  get size(): i32 {
    return this.byOwner.size;
  }

  find(owner: u64): Account | null {
    return this.byOwner.has(owner) ? this.byOwner.get(owner) : null;
  }

  open(owner: u64, cash: i64, shares: i64): Account {
    const account = new Account(owner, cash, shares);
    this.byOwner.set(owner, account);
    return account;
  }

  totalCash(): i64 {
    let total: i64 = 0;
    const accounts = this.byOwner.values();
    for (let i = 0; i < accounts.length; i++) total += accounts[i].cash;
    return total;
  }

  totalShares(): i64 {
    let total: i64 = 0;
    const accounts = this.byOwner.values();
    for (let i = 0; i < accounts.length; i++) total += accounts[i].shares;
    return total;
  }
}
