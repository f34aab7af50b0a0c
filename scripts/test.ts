// Says whether all is well: types, lint, the examples' build, every test; the last line counts. With --unit only what
// takes seconds: types, lint, unit tests. Must never end well when something failed.

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { programOf } from './command-line.ts';

const root = dirname(import.meta.dirname);
const program = programOf('test', 'Says whether all is well; the last line counts.')
  .argument('[parts...]', 'parts of the paths of test files: only these run, and nothing else is checked')
  .option('--unit', 'only what takes seconds: types, lint, tests beside the code')
  .parse();
const unitOnly = program.opts<{ readonly unit?: boolean }>().unit === true;
const wanted = program.args;

const testMs = 5 * 60_000;
const unitMs = 5 * 60_000;
const allMs = 40 * 60_000;

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs one program of `node_modules` or one script, its output on the terminal only where it fails. */
function check(title: string, script: string, scriptArguments: readonly string[]): boolean {
  const begin = performance.now();
  const done = spawnSync(process.execPath, [script, ...scriptArguments], { cwd: root, encoding: 'utf8' });
  const passed = done.status === 0;
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  process.stdout.write(`${passed ? '✔' : '✖'} ${title} (${seconds} s)\n`);
  if (!passed) process.stdout.write(`${done.stdout ?? ''}${done.stderr ?? ''}${done.error?.message ?? ''}\n`);
  return passed;
}

function checks(): boolean[] {
  const bin = (...path: string[]): string => join(root, 'node_modules', ...path);
  const biomeMode = process.env.CI === undefined ? 'check' : 'ci';
  const colors = process.stdout.isTTY ? 'force' : 'off';
  const results = [
    check('types', bin('typescript', 'bin', 'tsc'), ['-p', '.']),
    check('format and lint', bin('@biomejs', 'biome', 'bin', 'biome'), [
      biomeMode,
      '--error-on-warnings',
      `--colors=${colors}`,
      '.',
    ]),
  ];
  if (!unitOnly) results.push(check('examples build', join('scripts', 'build-examples.ts'), []));
  return results;
}

function testFiles(): string[] {
  const rooms = unitOnly ? ['src', 'test/tidy.test.ts'] : ['src', 'sdk', 'test', 'examples'];
  const patterns = rooms.map((room) => (room.endsWith('.ts') ? room : `${room}/**/*.test.ts`));
  const exclude = (path: string): boolean => path.includes('node_modules');
  return globSync(patterns, { cwd: root, exclude })
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.replaceAll('\\', '/').includes(part)))
    .sort()
    .map((file) => join(root, file));
}

async function tests(files: readonly string[]): Promise<Counts> {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const stream = run({
    files,
    cwd: root,
    isolation: 'process',
    concurrency: availableParallelism(),
    // Only against what never ends: an open handle, a promise nobody keeps, a loop.
    execArgv: ['--test-force-exit'],
    timeout: testMs,
    signal: AbortSignal.timeout(unitOnly ? unitMs : allMs),
  });
  stream.on('test:summary', (summary) => {
    if (summary.file !== undefined) return;
    counts.passed = summary.counts.passed;
    counts.skipped = summary.counts.skipped + summary.counts.todo;
    counts.failed = summary.counts.tests - counts.passed - counts.skipped;
    if (!summary.success) counts.failed = Math.max(counts.failed, 1);
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(text);
  return counts;
}

const files = testFiles();
// A name that is misspelt must not look as if all were well.
if (files.length === 0) program.error(`error: no test file's path holds ${wanted.join(', ')}`);
const results = wanted.length > 0 ? [] : checks();
const counts = await tests(files);
counts.passed += results.filter(Boolean).length;
counts.failed += results.filter((passed) => !passed).length;
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;
