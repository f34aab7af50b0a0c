// The exchange agent against the plainest exchange: the same orders must give the same reports, accounts and counts.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { StubHost, textOf } from '../../sdk/assemblyscript/test/stub-host.ts';
import { type Order, ReferenceExchange, type Report } from './reference-exchange.ts';

const bytes = new Uint8Array(readFileSync(join(import.meta.dirname, 'build', 'exchange.wasm')));
const start = { cash: 1000, shares: 10 };

type Account = { cash: number; shares: number };

class ExchangeUnderTest {
  readonly host: StubHost = new StubHost(bytes);
  /** What each trader was told last. */
  readonly accounts: Map<number, Account> = new Map();

  constructor(traders: number) {
    this.host.init();
    this.host.deliver({ kind: 4, payload: JSON.stringify(start) });
    for (let trader = 1; trader <= traders; trader++) {
      const open = { kind: 'open', ref: 0, buy: false, price: 0, quantity: 0 } as const;
      const [report, ...more] = this.take(trader, open);
      assert.deepEqual([report?.to, report?.kind, more.length], [trader, 'account', 0]);
    }
  }

  take(trader: number, order: Order): Report[] {
    this.host.deliver({ kind: 1, sender: [0, trader], payload: JSON.stringify(order) });
    return this.host.take('send').map((call) => {
      const report = JSON.parse(textOf(call.args[2])) as Report & Account;
      const to = call.args[1] as number;
      if (report.kind !== 'rejected') this.accounts.set(to, { cash: report.cash, shares: report.shares });
      const { kind, ref, price, quantity, left } = report;
      return { to, kind, ref, price, quantity, left };
    });
  }

  summary(): Record<string, number> {
    this.host.shutdown();
    return JSON.parse(textOf(this.host.take('output')[0]?.args[0])) as Record<string, number>;
  }
}

const orders = fc.array(
  fc.record({
    trader: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom('limit', 'limit', 'limit', 'market', 'cancel'),
    cancelled: fc.integer({ min: 0, max: 40 }),
    buy: fc.boolean(),
    price: fc.integer({ min: 0, max: 12 }).map((step) => step * 10),
    quantity: fc.integer({ min: 0, max: 8 }),
  }),
  { maxLength: 40 },
);

test('any orders give the reports, accounts and counts of the plainest exchange', () => {
  fc.assert(
    fc.property(orders, (list) => {
      const agent = new ExchangeUnderTest(3);
      const reference = new ReferenceExchange();
      for (const trader of [1, 2, 3]) reference.open(trader, start.cash, start.shares);
      const counts = { received: 0, rejected: 0, cancels: 0 };
      for (const [index, { trader, kind, cancelled, buy, price, quantity }] of list.entries()) {
        const order = { kind, ref: kind === 'cancel' ? cancelled : index, buy, price, quantity } as Order;
        const expected = reference.take(trader, order);
        assert.deepEqual(agent.take(trader, order), expected, `order ${index}`);
        if (kind === 'cancel') counts.cancels++;
        else counts.received++;
        if (expected[0]?.kind === 'rejected') counts.rejected++;
      }
      for (const [trader, { cash, shares }] of agent.accounts) {
        assert.deepEqual([cash, shares], [reference.cash.get(trader), reference.shares.get(trader)]);
        assert.ok(cash >= 0 && shares >= 0);
      }
      const summary = agent.summary();
      assert.equal(summary['cash'], 3 * start.cash);
      assert.equal(summary['shares'], 3 * start.shares);
      assert.equal(summary['ordersReceived'], counts.received);
      assert.equal(summary['ordersRejected'], counts.rejected);
      assert.equal(summary['cancelsReceived'], counts.cancels);
      assert.equal(summary['ordersOpen'], reference.resting.length);
      const ended = ['ordersRejected', 'ordersFilled', 'ordersCancelled', 'ordersOpen'];
      assert.equal(
        ended.reduce((sum, name) => sum + summary[name]!, 0),
        counts.received,
      );
    }),
    { numRuns: 300, seed: 11 },
  );
});

test('an order of somebody without an account is rejected', () => {
  const agent = new ExchangeUnderTest(1);
  const order: Order = { kind: 'limit', ref: 1, buy: true, price: 10, quantity: 1 };
  assert.equal(agent.take(9, order)[0]?.kind, 'rejected');
});

test('an order too large for any account is rejected without an overflow', () => {
  const agent = new ExchangeUnderTest(1);
  const order: Order = { kind: 'limit', ref: 1, buy: true, price: 2 ** 40, quantity: 2 ** 50 };
  assert.equal(agent.take(1, order)[0]?.kind, 'rejected');
});
