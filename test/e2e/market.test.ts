// The market example, run whole: what must hold of every market, and that its record gives the same again.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadSystem, Orchestrator, openInput, type RunSummary, replayRun } from '../../src/engine/index.ts';

const example = join(import.meta.dirname, '..', '..', 'examples', 'market');
const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-market-'));
after(() => rmSync(folder, { recursive: true, force: true }));

type Report = Readonly<Record<string, number>> & { readonly report: unknown; readonly strategy?: unknown };

interface Run {
  readonly summary: RunSummary;
  readonly exchange: Report;
  readonly traders: ReadonlyMap<string, Report>;
}

async function run(name: string, options: { seed?: number; workers?: number; ticks?: number }): Promise<Run> {
  const { seed, workers = 0, ticks } = options;
  const system = await loadSystem(join(example, 'system.toml'), seed === undefined ? {} : { seed });
  const reports = new Map<string, Report>();
  const orchestrator = await Orchestrator.create({
    system,
    workers,
    runDirectory: join(folder, name),
    outputs: {
      write: ({ agent, payload }) => void reports.set(agent, JSON.parse(Buffer.from(payload).toString())),
    },
  });
  const source = openInput(system.host.inputFile!);
  const summary = await orchestrator.run({ source, ...(ticks === undefined ? {} : { ticks }) });
  const exchange = reports.get('exchange')!;
  reports.delete('exchange');
  return { summary, exchange, traders: reports };
}

function sum(reports: Iterable<Report>, field: string): number {
  return [...reports].reduce((total, report) => total + report[field]!, 0);
}

const whole = await run('whole', {});
const traders = [...whole.traders.values()];

test('nothing fails and nothing is dropped', () => {
  const { faults, dropped, badLines, reason, outputs } = whole.summary;
  assert.deepEqual([faults, dropped, badLines, reason, outputs], [0, 0, 0, 'quiescence', 61]);
});

test('cash and shares are conserved, and nobody goes below zero', () => {
  const { exchange } = whole;
  assert.equal(exchange.accounts, 60);
  assert.equal(exchange.cash, exchange.cashAtStart);
  assert.equal(exchange.shares, exchange.sharesAtStart);
  assert.deepEqual([exchange.cashAtStart, exchange.sharesAtStart], [60 * 10_000_000, 60 * 70]);
  assert.equal(sum(traders, 'cash'), exchange.cash);
  assert.equal(sum(traders, 'shares'), exchange.shares);
  for (const [name, { cash, shares }] of whole.traders) assert.ok(cash! >= 0 && shares! >= 0, name);
});

test('no order is lost', () => {
  const { exchange } = whole;
  assert.equal(sum(traders, 'orders'), exchange.ordersReceived);
  assert.equal(sum(traders, 'rejected'), exchange.ordersRejected);
  const ended = ['ordersRejected', 'ordersFilled', 'ordersCancelled', 'ordersOpen'];
  assert.equal(
    ended.reduce((total, name) => total + exchange[name]!, 0),
    exchange.ordersReceived,
  );
  assert.equal(sum(traders, 'fills'), 2 * exchange.trades!);
});

test('what one trader earns, others lost; together they earn what their shares did', () => {
  const closes = readFileSync(join(example, 'build', 'prices.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { payload: { close: number } }).payload.close);
  const rise = Math.round(closes.at(-1)! * 100) - Math.round(closes[0]! * 100);
  assert.equal(sum(traders, 'againstHolding'), 0);
  assert.equal(sum(traders, 'profit'), whole.exchange.shares! * rise);
});

test('the market is alive: thousands of trades, five strategies, and no two strategies with the same result', () => {
  assert.ok(whole.exchange.trades! > 5000, `${whole.exchange.trades} trades`);
  const results = new Map<unknown, number>();
  for (const trader of traders) {
    results.set(trader.strategy, (results.get(trader.strategy) ?? 0) + trader.profit!);
    assert.ok(trader.fills! > 100);
  }
  assert.deepEqual([...results.keys()].sort(), ['maker', 'momentum', 'noise', 'reversion', 'value']);
  assert.equal(new Set(results.values()).size, 5);
});

test('its record replays to the same digest with workers', async () => {
  const replayed = await replayRun(join(folder, 'whole'), { workers: 4 });
  assert.equal(replayed.complete, true);
  assert.equal(replayed.digest, whole.summary.digest);
});

test('the same seed gives the same digest with any number of workers, another seed another market', async () => {
  const first = await run('first', { ticks: 300 });
  for (const count of [1, 2, 4]) {
    const other = await run(`workers-${count}`, { ticks: 300, workers: count });
    assert.equal(other.summary.digest, first.summary.digest, `${count} workers`);
    assert.deepEqual(other.exchange, first.exchange);
  }
  const other = await run('other', { ticks: 300, seed: 7 });
  assert.notEqual(other.summary.digest, first.summary.digest);
  assert.notEqual(other.exchange.turnover, first.exchange.turnover);
});
