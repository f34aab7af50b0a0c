// The same bits everywhere: runs one set of modules and systems under several versions of Node, tiers of V8, processors
// and numbers of workers, and prints one table. npm run test:portable [-- --cells N] [--without PROTECTION]. With a
// protection left out the table must differ. What cannot be installed is skipped, and said.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { generatedSystem } from '../src/engine/testing/generated-system.ts';
import { allCells, type Cell, chooseCells, pairsMet, tierFlags } from '../test/portable/cells.ts';
import { portableModules } from '../test/portable/portable-modules.ts';

const root = dirname(import.meta.dirname);
const cache = join(root, 'node_modules', '.cache', 'portable');
const emulator = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] as const;
const cellMs = 20 * 60_000;
const randomPrograms = 60;
const systemsGenerated = 4;

interface Result {
  readonly cell: Cell;
  readonly version: string;
  readonly parts: Readonly<Record<string, string>>;
}

/** The command that starts a Node, or why there is none. */
type Start = { readonly command: readonly string[] } | { readonly missing: string };

function installed(version: string, processor: string): string | undefined {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${processor}`;
  const folder = join(cache, `${name}-${version}`);
  const binary = join(
    folder,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--force', '--prefix', folder];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  spawnSync(npm, ['install', ...options, `${name}@${version}`], {
    cwd: folder,
    stdio: 'ignore',
    shell: process.platform === 'win32',
  });
  return existsSync(binary) ? binary : undefined;
}

function startOf(version: string, processor: string): Start {
  const emulated = processor !== process.arch;
  if (emulated && (processor !== 'arm64' || process.platform !== 'linux')) {
    return { missing: `this machine does not run ${processor}` };
  }
  if (emulated && (spawnSync(emulator[0], ['--version']).status !== 0 || !existsSync(emulator[2]))) {
    return {
      missing:
        'Debian packages qemu-user-static, libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross',
    };
  }
  const binary = installed(version, processor);
  if (binary === undefined)
    return { missing: `npm package node-${process.platform}-${processor}@${version}` };
  const command = emulated ? [...emulator, binary] : [binary];
  const [first, ...rest] = [...command, '--version'];
  const tried = spawnSync(first!, rest, { encoding: 'utf8' });
  if (tried.status === 0) return { command };
  return { missing: `what it needs to start: ${tried.stderr.trim().split('\n')[0]}` };
}

function writeSet(folder: string): void {
  writeFileSync(join(folder, 'modules.json'), JSON.stringify(portableModules(randomPrograms)));
  const systems = fc.sample(generatedSystem, { seed: 20, numRuns: systemsGenerated });
  writeFileSync(join(folder, 'systems.json'), JSON.stringify(systems));
}

function runCell(cell: Cell, command: readonly string[], set: string, without?: string): Promise<Result> {
  const program = join(root, 'test', 'portable', 'run-set.ts');
  const flags = [...tierFlags[cell.tier], '--disable-warning=ExperimentalWarning'];
  const leftOut = without === undefined ? [] : ['--without', without];
  const [first, ...rest] = [
    ...command,
    ...flags,
    program,
    set,
    '--workers',
    String(cell.workers),
    ...leftOut,
  ];
  return new Promise((resolve, reject) => {
    execFile(first!, rest, { timeout: cellMs, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      const text = stdout.trim().split('\n').at(-1) ?? '';
      if (error !== null || !text.startsWith('{')) {
        reject(new Error(`${nameOf(cell)} failed: ${error?.message ?? ''} ${stderr.slice(0, 2000)}`));
        return;
      }
      const { node, parts } = JSON.parse(text) as { node: string; parts: Record<string, string> };
      resolve({ cell, version: node, parts });
    });
  });
}

function nameOf({ version, tier, processor, workers }: Cell): string {
  return `Node ${version}, ${tier}, ${processor}, ${workers} workers`;
}

/** One row a cell, one column a part; what differs from the first row is marked. */
function table(results: readonly Result[]): { text: string; differing: readonly string[] } {
  const names = Object.keys(results[0]!.parts);
  const first = results[0]!.parts;
  const cell = (name: string, digest: string | undefined): string =>
    `${digest?.slice(0, 8) ?? 'nothing'}${digest === first[name] ? '' : '*'}`;
  const head = ['Node', 'tier', 'processor', 'workers', ...names];
  const rows = results.map(({ cell: { tier, processor, workers }, version, parts }) => [
    version,
    tier,
    processor,
    String(workers),
    ...names.map((name) => cell(name, parts[name])),
  ]);
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  const differing = names.filter((name) => results.some(({ parts }) => parts[name] !== first[name]));
  return { text: lines.join('\n'), differing };
}

async function runCells(cells: readonly Cell[], set: string, without?: string): Promise<Result[]> {
  const starts = new Map<string, Start>();
  for (const { version, processor } of cells) {
    const key = `${version} ${processor}`;
    if (starts.has(key)) continue;
    const start = startOf(version, processor);
    starts.set(key, start);
    if ('missing' in start)
      process.stdout.write(`skipped: Node ${version} on ${processor}, wanted ${start.missing}\n`);
  }
  const waiting = cells.flatMap((cell) => {
    const start = starts.get(`${cell.version} ${cell.processor}`)!;
    return 'command' in start ? [{ cell, command: start.command }] : [];
  });
  const results = new Map<Cell, Result>();
  const work = async (fits: (cell: Cell) => boolean): Promise<void> => {
    for (;;) {
      const next = waiting.findIndex(({ cell }) => fits(cell));
      if (next < 0) return;
      const [{ cell, command }] = waiting.splice(next, 1) as [(typeof waiting)[number]];
      results.set(cell, await runCell(cell, command, set, without));
      if (process.stderr.isTTY) process.stderr.write(`${nameOf(cell)}\n`);
    }
  };
  // The emulator keeps a record of every page that V8 reserves, 8 GB in all: one such cell at a time.
  const emulated = ({ processor }: Cell): boolean => processor !== process.arch;
  await Promise.all([work(emulated), work((cell) => !emulated(cell))]);
  return cells.flatMap((cell) => results.get(cell) ?? []);
}

const { values } = parseArgs({ options: { cells: { type: 'string' }, without: { type: 'string' } } });
const cells = values.cells === undefined ? allCells : chooseCells(allCells, Number(values.cells));
const set = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-set-'));
try {
  writeSet(set);
  const results = await runCells(cells, set, values.without);
  const { text, differing } = table(results);
  const [met, all] = pairsMet(
    results.map(({ cell }) => cell),
    allCells,
  );
  process.stdout.write(`${text}\n`);
  const verdict = differing.length === 0 ? 'every digest is equal' : `different: ${differing.join(', ')}`;
  process.stdout.write(`${results.length} cells, ${met} of ${all} pairs: ${verdict}\n`);
  if (differing.length > 0 || results.length < 2) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`Cannot compare: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(set, { recursive: true, force: true });
}
