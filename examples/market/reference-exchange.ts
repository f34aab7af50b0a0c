// The exchange in the plainest words, for its test: one list of orders, searched from the start each time.
// Must never share code with the agent.

export interface Order {
  readonly kind: 'limit' | 'market' | 'cancel' | 'open';
  readonly ref: number;
  readonly buy: boolean;
  readonly price: number;
  readonly quantity: number;
}

export interface Report {
  readonly to: number;
  readonly kind: string;
  readonly ref: number;
  readonly price: number;
  readonly quantity: number;
  readonly left: number;
}

interface Resting extends Order {
  readonly owner: number;
  readonly time: number;
  left: number;
}

export class ReferenceExchange {
  readonly cash: Map<number, number> = new Map();
  readonly shares: Map<number, number> = new Map();
  resting: Resting[] = [];
  private time = 0;

  open(owner: number, cash: number, shares: number): void {
    this.cash.set(owner, cash);
    this.shares.set(owner, shares);
  }

  /** What everybody is told about this order. */
  take(owner: number, order: Order): Report[] {
    if (order.kind === 'cancel') return this.cancel(owner, order.ref);
    const refused = [{ to: owner, kind: 'rejected', ref: order.ref, price: 0, quantity: 0, left: 0 }];
    if (order.quantity <= 0 || (order.kind === 'limit' && order.price <= 0)) return refused;
    if (this.resting.some((other) => other.owner === owner && other.ref === order.ref)) return refused;
    if (order.buy && order.kind === 'limit' && this.freeCash(owner) < order.price * order.quantity)
      return refused;
    if (!order.buy && this.freeShares(owner) < order.quantity) return refused;
    const taker: Resting = { ...order, owner, left: order.quantity, time: this.time++ };
    const reports = this.match(taker);
    if (order.kind === 'limit' && taker.left > 0) this.resting.push(taker);
    if (order.kind === 'market' && taker.left > 0) reports.push(closed(taker));
    return reports;
  }

  private match(taker: Resting): Report[] {
    const reports: Report[] = [];
    // Its own reserve is not free for anything else while it is matched, so it takes part as if it rested.
    while (taker.left > 0) {
      const maker = this.best(taker);
      if (maker === undefined) break;
      let quantity = Math.min(taker.left, maker.left);
      if (taker.buy && taker.kind === 'market') {
        quantity = Math.min(quantity, Math.floor(this.freeCash(taker.owner) / maker.price));
      }
      if (quantity === 0) break;
      taker.left -= quantity;
      maker.left -= quantity;
      const [buyer, seller] = taker.buy ? [taker.owner, maker.owner] : [maker.owner, taker.owner];
      this.cash.set(buyer, this.cash.get(buyer)! - maker.price * quantity);
      this.cash.set(seller, this.cash.get(seller)! + maker.price * quantity);
      this.shares.set(buyer, this.shares.get(buyer)! + quantity);
      this.shares.set(seller, this.shares.get(seller)! - quantity);
      for (const side of [maker, taker]) {
        const { owner, ref, left } = side;
        reports.push({ to: owner, kind: 'fill', ref, price: maker.price, quantity, left });
      }
      this.resting = this.resting.filter((order) => order.left > 0);
    }
    return reports;
  }

  private best(taker: Resting): Resting | undefined {
    const sign = taker.buy ? 1 : -1;
    return this.resting
      .filter((order) => order.buy !== taker.buy)
      .filter((order) => taker.kind === 'market' || sign * order.price <= sign * taker.price)
      .sort((a, b) => sign * (a.price - b.price) || a.time - b.time)[0];
  }

  private cancel(owner: number, ref: number): Report[] {
    const order = this.resting.find((other) => other.owner === owner && other.ref === ref);
    if (order === undefined) return [];
    this.resting = this.resting.filter((other) => other !== order);
    return [closed(order)];
  }

  private freeCash(owner: number): number {
    const open = this.resting.filter((order) => order.owner === owner && order.buy);
    return open.reduce((free, order) => free - order.price * order.left, this.cash.get(owner)!);
  }

  private freeShares(owner: number): number {
    const open = this.resting.filter((order) => order.owner === owner && !order.buy);
    return open.reduce((free, order) => free - order.left, this.shares.get(owner)!);
  }
}

function closed(order: Resting): Report {
  return { to: order.owner, kind: 'closed', ref: order.ref, price: 0, quantity: 0, left: order.left };
}
