// Fuzzing: npm run fuzz -- TARGET --runs N --seed S. A target is a program test/fuzz/TARGET.ts that runs a range of
// seeds; it is started anew for every thousand, and its death is a finding like any other. Findings become
// fixtures.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Argument } from 'commander';
import { wholeNumber } from '../src/cli/command-options.ts';
import { fuzzedModule } from '../test/fuzz/fuzzed-module.ts';
import { randomProgram } from '../test/wasm/random-program.ts';
import { programOf } from './command-line.ts';

const root = dirname(import.meta.dirname);
/** The module of a seed, by target. */
const targets: Readonly<Record<string, (seed: number) => Uint8Array>> = {
  instrument: fuzzedModule,
  fuel: (seed) => randomProgram(seed).bytes,
};
const runsPerProcess = 1000;
/** A process that is at one seed for so long hangs. */
const hangMs = 120_000;

interface Finding {
  readonly seed: number;
  readonly what: string;
}

interface Batch {
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  /** How many of the seeds were run: fewer where the process died. */
  readonly done: number;
}

function runBatch(program: string, first: number, count: number, progress: string): Promise<Batch> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', program, String(first), String(count), progress],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let output = '';
    let errors = '';
    let [last, hung] = [-1, false];
    const seedAtWork = (): number => (existsSync(progress) ? Number(readFileSync(progress, 'utf8')) : first);
    const watch = setInterval(() => {
      const seed = seedAtWork();
      if (seed === last) {
        hung = true;
        child.kill('SIGKILL');
      }
      last = seed;
    }, hangMs);
    child.stdout.on('data', (text) => (output += String(text)));
    child.stderr.on('data', (text) => (errors += String(text)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearInterval(watch);
      const lines = output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      const findings = lines
        .filter((line) => 'finding' in line)
        .map(({ finding, what }) => ({ seed: finding, what }));
      const end = lines.find((line) => 'counts' in line);
      if (end !== undefined) {
        resolve({ counts: end.counts, findings, done: count });
        return;
      }
      const seed = seedAtWork();
      const how = hung ? 'hangs' : `ends the process (${signal ?? code}): ${errors.trim().slice(0, 500)}`;
      resolve({ counts: {}, findings: [...findings, { seed, what: how }], done: seed - first + 1 });
    });
  });
}

function save(target: string, { seed, what }: Finding): void {
  process.stdout.write(`finding: seed ${seed}: ${what}\n`);
  const path = join(root, 'test', 'fuzz', 'fixtures', `${target}-${seed}.wasm`);
  writeFileSync(path, targets[target]!(seed));
}

async function fuzz(target: string, runs: number, seed: number): Promise<number> {
  const program = join(root, 'test', 'fuzz', `${target}.ts`);
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-fuzz-'));
  const progress = join(folder, 'seed');
  const totals = new Map<string, number>();
  const begin = performance.now();
  let findings = 0;
  try {
    for (let done = 0; done < runs; ) {
      const batch = await runBatch(program, seed + done, Math.min(runsPerProcess, runs - done), progress);
      done += batch.done;
      for (const finding of batch.findings) save(target, finding);
      findings += batch.findings.length;
      for (const [what, count] of Object.entries(batch.counts))
        totals.set(what, (totals.get(what) ?? 0) + count);
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${runs}, ${findings} findings`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const counts = [...totals].map(([what, count]) => `${count} ${what}`).join(', ');
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stdout.write(
    `${runs} modules from seed ${seed} in ${seconds} s: ${counts}; ${findings} findings\n`,
  );
  process.stdout.write(`${Number(findings === 0)} passed, ${findings} failed\n`);
  return findings;
}

const program = programOf(
  'fuzz',
  'Runs random and damaged modules, and keeps those that show a fault as fixtures.',
)
  .addArgument(new Argument('<target>', 'what is fuzzed').choices(Object.keys(targets)))
  .option('--runs <count>', 'how many modules', wholeNumber(1, 2 ** 30), 10_000)
  .option('--seed <number>', 'the first seed', wholeNumber(0, 2 ** 30), 1)
  .parse();
const { runs, seed } = program.opts<{ readonly runs: number; readonly seed: number }>();
if ((await fuzz(program.args[0]!, runs, seed)) > 0) process.exitCode = 1;
