// `npm start`: builds the examples, runs the market on real prices, says what came out, replays the record with another
// number of workers and compares. Must use only what a user has: the command and its output.

import { spawn, spawnSync } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';

const root = dirname(import.meta.dirname);
const command = join('src', 'cli', 'main.ts');
const system = join('examples', 'market', 'system.toml');
const runWorkers = 0;
const replayWorkers = 2;

/** The last line of `run --json` and `replay --json`. */
interface Summary {
  readonly ticks: number;
  readonly executed: number;
  readonly agents: number;
  readonly messages: number;
  readonly fuel: number;
  readonly faults: number;
  readonly digest: string;
  readonly runDirectory: string;
}

interface Trader {
  readonly name: string;
  readonly strategy: string;
  /** In cents. */
  readonly profit: number;
}

interface Finished {
  readonly summary: Summary;
  readonly traders: readonly Trader[];
}

function say(line = ''): void {
  process.stdout.write(`${line}\n`);
}

function fail(what: string): never {
  process.stderr.write(`${what}\n`);
  process.exit(1);
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

function money(cents: number): string {
  const whole = grouped(Math.trunc(Math.abs(cents) / 100));
  const sign = cents < 0 ? '-' : '+';
  return `${sign}${whole}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;
}

function buildExamples(): void {
  const script = join('scripts', 'build-examples.ts');
  const done = spawnSync(process.execPath, [script], { cwd: root, stdio: ['ignore', 2, 2] });
  if (done.status !== 0) fail('Cannot start: the agents of the examples could not be built.');
}

/** Runs the command; its progress goes to the terminal, its outputs are read. */
async function wasmEngine(...commandArguments: string[]): Promise<Finished> {
  const child = spawn(process.execPath, [command, ...commandArguments, '--json'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const traders: Trader[] = [];
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    const { agent, payload } = JSON.parse(line) as { agent?: string; payload?: { report?: string } & Trader };
    if (agent !== undefined && payload?.report === 'trader') traders.push({ ...payload, name: agent });
  }
  const exitCode = await ended;
  if (exitCode !== 0)
    fail(`Cannot go on: "wasm-engine ${commandArguments.join(' ')}" ended with ${exitCode}.`);
  return { summary: JSON.parse(last) as Summary, traders };
}

function table(traders: readonly Trader[]): string[] {
  const sorted = [...traders].sort((a, b) => b.profit - a.profit || (a.name < b.name ? -1 : 1));
  const cells = sorted.map(({ name, profit }, index) => {
    return `${String(index + 1).padStart(3)}  ${name.padEnd(13)}${money(profit).padStart(12)}`;
  });
  const columns = (process.stdout.columns ?? 100) >= 96 ? 3 : 2;
  const rows = Math.ceil(cells.length / columns);
  return Array.from({ length: rows }, (_, row) => {
    return cells.filter((_cell, index) => index % rows === row).join('   ');
  });
}

function strategies(traders: readonly Trader[]): string[] {
  const sums = new Map<string, { count: number; profit: number }>();
  for (const { strategy, profit } of traders) {
    const sum = sums.get(strategy) ?? { count: 0, profit: 0 };
    sums.set(strategy, { count: sum.count + 1, profit: sum.profit + profit });
  }
  return [...sums]
    .map(([strategy, { count, profit }]) => ({ strategy, count, mean: Math.round(profit / count) }))
    .sort((a, b) => b.mean - a.mean)
    .map(
      ({ strategy, count, mean }) =>
        `  ${strategy.padEnd(12)}${String(count).padStart(3)}${money(mean).padStart(14)}`,
    );
}

buildExamples();
say(`Running ${system}: sixty traders on three years of a real index …`);
const runBegin = performance.now();
const { summary, traders } = await wasmEngine('run', system, '--workers', String(runWorkers));
const runSeconds = ((performance.now() - runBegin) / 1000).toFixed(1);
const runDirectory = relative(root, summary.runDirectory);

say('\nProfit of each trader, in dollars:\n');
for (const line of table(traders)) say(line);
say('\nMean profit of each strategy:\n');
for (const line of strategies(traders)) say(line);
say(`
  agents     ${grouped(summary.agents)}
  ticks      ${grouped(summary.ticks)}
  messages   ${grouped(summary.messages)}
  fuel       ${grouped(summary.fuel)}
  faults     ${grouped(summary.faults)}
  digest     ${summary.digest}
  record     ${runDirectory}
  time       ${runSeconds} s with ${runWorkers === 0 ? 'no workers' : `${runWorkers} workers`}
`);

say(`Replaying the record with ${replayWorkers} workers …`);
const replayed = await wasmEngine('replay', summary.runDirectory, '--workers', String(replayWorkers));
if (replayed.summary.digest !== summary.digest) {
  fail(`The digests differ: ${summary.digest} was recorded, ${replayed.summary.digest} was replayed.`);
}
say(`The digests of all ${grouped(replayed.summary.ticks)} ticks agree, bit for bit.

Try next:
  npm run -s wasm-engine -- run ${system} --seed 7     the same rules, other luck
  npm run -s wasm-engine -- inspect ${runDirectory}
  npm run -s wasm-engine -- run ${join('examples', 'hello', 'system.toml')}
Then change a rule in ${system} and run npm start again.`);
