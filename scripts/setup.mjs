// Installs what is missing before a command runs: plain JavaScript, since the Node of the machine may be as old as 20.
// Must never write to standard output, which belongs to the command that follows, and must need no package.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const oldestNode = [22, 18];

function say(line) {
  process.stderr.write(`${line}\n`);
}

function packagesOf(lockFile) {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')).packages ?? {};
  } catch {
    return undefined;
  }
}

// npm leaves its own list of what it installed, written last; an interrupted or partial install does not match.
function whyInstall() {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  if (wanted === undefined) return undefined;
  if (!existsSync(modules)) return 'first time';
  const found = packagesOf(join(modules, '.package-lock.json'));
  if (found === undefined) return 'the last install did not finish';
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '' || entry.optional || entry.devOptional || entry.link) continue;
    const installed = found[path];
    if (installed === undefined || !existsSync(join(root, path))) return `"${path}" is missing`;
    if (installed.version !== entry.version || installed.integrity !== entry.integrity) {
      return `"${path}" is not version ${entry.version}`;
    }
  }
  return undefined;
}

function pinnedNodeThere() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  return existsSync(join(modules, 'node', 'bin', name));
}

// Inside npm scripts this process may run on the pinned Node; what counts then is the one that npm runs on.
function ownVersion() {
  const own = process.env.npm_node_execpath;
  if (!own) return process.version;
  return spawnSync(own, ['--version'], { encoding: 'utf8' }).stdout?.trim() || process.version;
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

function npm(commandArguments) {
  const script = process.env.npm_execpath;
  if (script === undefined || !/^npm-cli\.[cm]?js$/.test(basename(script))) {
    say('Cannot install packages: this script was not started by npm. Wanted: npm run setup');
    process.exit(1);
  }
  const node = process.env.npm_node_execpath || process.execPath;
  const done = spawnSync(node, [script, ...commandArguments, '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (done.status === 0) return;
  say(
    `Cannot install packages: "npm ${commandArguments.join(' ')}" ended with ${done.status ?? done.signal}.`,
  );
  process.exit(1);
}

function install(reason) {
  // Windows cannot delete the program that runs, and `ci` deletes everything first.
  const runsFromModules = process.platform === 'win32' && process.execPath.startsWith(modules + sep);
  const how = runsFromModules ? ['install', '--no-save'] : ['ci'];
  say(`Installing packages with "npm ${how.join(' ')}": ${reason} …`);
  npm(how);
}

function placeNode() {
  const version = ownVersion();
  if (isNewEnough(version)) return;
  if (existsSync(join(modules, 'node'))) {
    say('Placing Node 24 in this folder with "npm rebuild node" …');
    npm(['rebuild', 'node']);
  }
  if (pinnedNodeThere()) return;
  say(
    `Cannot go on with Node ${version}: Node 24 could not be placed in this folder. ` +
      `Wanted: Node ${oldestNode.join('.')} or newer (https://nodejs.org), or an install with scripts allowed.`,
  );
  process.exit(1);
}

const reason = whyInstall();
if (reason !== undefined) install(reason);
if (!pinnedNodeThere()) placeNode();
