// The average of the latest prices, in whole cents.

export class MovingAverage {
  private readonly prices: StaticArray<i64>;
  private sum: i64 = 0;
  private count: i32 = 0;
  private next: i32 = 0;

  constructor(days: i32) {
    this.prices = new StaticArray<i64>(days);
  }

  /** Whether as many days as it spans have been seen. */
  get isFull(): bool {
    return this.count == this.prices.length;
  }

  get value(): i64 {
    return this.count == 0 ? 0 : this.sum / this.count;
  }

  add(price: i64): void {
    if (this.isFull) this.sum -= this.prices[this.next];
    else this.count++;
    this.sum += price;
    this.prices[this.next] = price;
    this.next = (this.next + 1) % this.prices.length;
  }
}
