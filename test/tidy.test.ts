// The house rules as a test, read from the files themselves and not through the linter: layers, purity, sizes, words,
// tests beside code. Must never need a build or the network.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';

const root = dirname(import.meta.dirname);

/** Which rooms a room may import; written down a second time on purpose, beside the linter's table. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  abi: ['base'],
  wasm: ['base', 'abi'],
  log: ['base', 'abi'],
  telemetry: ['base', 'abi'],
  inference: ['base', 'abi', 'log'],
  scheduler: ['base', 'abi'],
  sandbox: ['base', 'abi', 'wasm', 'log', 'telemetry'],
  engine: ['base', 'abi', 'wasm', 'log', 'telemetry', 'inference', 'scheduler', 'sandbox'],
  cli: ['base'],
};
/** The rooms of `engine`, lowest first: each imports only those before it. What lies beside them is shared by all. */
const engineRooms =
  'config modules input turns models snapshot record replay inspect compact export diff live'.split(' ');
/** What `cli` may import besides: what a program that embeds the engine has. */
const publicFaces = ['src/engine/index.ts', 'src/wasm/index.ts'];
const pureRooms = ['base', 'abi', 'wasm', 'scheduler'];
/** Rooms that wire others together; most of what they do is seen only in a run. */
const wiringRooms = ['engine', 'sandbox', 'telemetry', 'inference'];
const pureCodecs = /^\.\.\/log\/(event|input|message)[\w-]*\.ts$/;

const fileLinesMax = 400;
const functionLinesMax = 70;
const lineWidthMax = 120;
/** Tests hold modules as text, one function a line. */
const fixtureWidthMax = 160;
const fileBytesMax = 512 * 1024;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

function list(...patterns: string[]): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => /node_modules|[\\/](build|dist)$/.test(path) })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  return { path, text, lines: text.split('\n') };
}

function withoutComments(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (found) => found.replace(/[^\n]/g, ' '))
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}

function importsOf(source: string): string[] {
  const text = withoutComments(source);
  const statements = text.matchAll(/^(?:import|export)\b(?:[^'"`;]*?\bfrom)?\s*(['"])([^'"\n]+)\1/gm);
  const calls = text.matchAll(/\bimport\(\s*(['"])([^'"\n]+)\1/g);
  return [...statements, ...calls].map((match) => match[2] ?? '');
}

function isTest(path: string): boolean {
  return path.endsWith('.test.ts');
}

/** Code that only tests run; it is not published. */
function isFixture(path: string): boolean {
  return /^(test|sample)-/.test(basename(path)) || /^test\/|\/testing\//.test(path);
}

function none(problems: readonly string[]): void {
  assert.equal(problems.length, 0, `\n  ${problems.join('\n  ')}`);
}

const sources = list('src/**/*.ts').map(read);
const code = list('{src,scripts,test,bench}/**/*.{ts,mjs}', '{sdk,examples}/**/*.ts').map(read);
const rooms = new Map(sources.map((file) => [file.path, file.path.split('/')[1] ?? '']));

test('a room imports only rooms below it', () => {
  const problems: string[] = [];
  for (const file of sources) {
    const room = rooms.get(file.path) ?? '';
    const allowed = mayImport[room];
    if (allowed === undefined) {
      problems.push(`${file.path}: "${room}" is not a room of docs/ARCHITECTURE.md`);
      continue;
    }
    for (const wanted of importsOf(file.text)) {
      if (!wanted.startsWith('.')) continue;
      const target = join(dirname(file.path), wanted).replaceAll('\\', '/');
      if (target === 'package.json') continue;
      if (!target.startsWith('src/')) {
        if (!isTest(file.path)) problems.push(`${file.path}: imports "${wanted}" from outside src`);
        continue;
      }
      const other = target.split('/')[1] ?? '';
      if (room === 'cli' && publicFaces.includes(target)) continue;
      if (other === room || allowed.includes(other)) continue;
      if (room === 'scheduler' && pureCodecs.test(wanted)) continue;
      problems.push(`${file.path}: "${room}" imports "${wanted}"; wanted one of: ${allowed.join(', ')}`);
    }
  }
  none(problems);
});

test('a room of "engine" imports only rooms below it', () => {
  const problems: string[] = [];
  for (const { path, text } of sources) {
    const [, , room = '', inRoom] = path.split('/');
    if (!path.startsWith('src/engine/') || inRoom === undefined || isTest(path) || isFixture(path)) continue;
    if (!engineRooms.includes(room)) problems.push(`${path}: "${room}" is not a room of "engine"`);
    for (const wanted of importsOf(text)) {
      const target = join(dirname(path), wanted).replaceAll('\\', '/').split('/');
      if (target[1] !== 'engine' || target[3] === undefined) continue;
      const allowed = engineRooms.slice(0, engineRooms.indexOf(room) + 1);
      if (!allowed.includes(target[2] ?? '')) problems.push(`${path}: "${room}" imports "${wanted}"`);
    }
  }
  none(problems);
});

test('pure rooms use no Node API, clock, chance or locale', () => {
  const impure =
    /\b(Date\.now|new Date|performance|setTimeout|setInterval|setImmediate|queueMicrotask|process|Buffer|console|WeakRef|Intl)\b/;
  const problems: string[] = [];
  for (const file of sources) {
    if (isTest(file.path) || isFixture(file.path) || !pureRooms.includes(rooms.get(file.path) ?? ''))
      continue;
    for (const wanted of importsOf(file.text)) {
      if (wanted.startsWith('node:') || !wanted.startsWith('.'))
        problems.push(`${file.path}: imports "${wanted}"`);
    }
    const text = withoutComments(file.text).replace(/(['"`])(?:\\.|(?!\1)[^\\\n])*\1/g, '""');
    for (const [index, line] of text.split('\n').entries()) {
      const found = impure.exec(line);
      if (found !== null && !new RegExp(`[.\\w]${found[0]}|${found[0]}\\??:`).test(line)) {
        problems.push(`${file.path}:${index + 1}: uses "${found[0]}"`);
      }
    }
  }
  none(problems);
});

test('no source asks for chance or locale', () => {
  const banned = /\bMath\.random\b|\.localeCompare\b|\.toLocale\w+/;
  const problems = sources.flatMap((file) =>
    withoutComments(file.text)
      .split('\n')
      .flatMap((line, index) => (banned.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
  none(problems);
});

// The formatter breaks code, but leaves alone a text or a pattern that fills a line.
function isUnbreakable(line: string): boolean {
  if (line.length > 160 || /^\s*(\/\/|\*)/.test(line)) return false;
  return /(['"`/])(?:(?!\1).){50,}\1/.test(line);
}

test(`no file is longer than ${fileLinesMax} lines or wider than ${lineWidthMax} columns`, () => {
  const problems: string[] = [];
  for (const file of code) {
    const count = file.lines.length - 1;
    if (count > fileLinesMax) problems.push(`${file.path}: ${count} lines`);
    const widthMax = isTest(file.path) || isFixture(file.path) ? fixtureWidthMax : lineWidthMax;
    for (const [index, line] of file.lines.entries()) {
      if (line.length > widthMax && !isUnbreakable(line))
        problems.push(`${file.path}:${index + 1}: ${line.length} columns`);
    }
  }
  none(problems);
});

// A function runs from a line that opens one to the closing brace at the same indentation; the formatter keeps it so.
function longFunctions(file: SourceFile): string[] {
  const opens =
    /^(\s*)(?:export |default |async |static |override |get |set |private |public |readonly |const |#)*(?:function\b.*|[\w#]+\(.*\).*|[\w#]+ = .*=> )\{$/;
  const problems: string[] = [];
  for (const [index, line] of file.lines.entries()) {
    const indent = opens.exec(line)?.[1];
    if (indent === undefined || /^\s*(if|for|while|switch|describe|test|it|suite)\b/.test(line)) continue;
    const end = file.lines.findIndex((later, at) => at > index && later.startsWith(`${indent}}`));
    if (end - index - 1 > functionLinesMax)
      problems.push(`${file.path}:${index + 1}: ${end - index - 1} lines`);
  }
  return problems;
}

test(`no function is longer than ${functionLinesMax} lines`, () => {
  none(code.filter((file) => !isTest(file.path)).flatMap(longFunctions));
});

test('every file opens with a comment that says what it is for', () => {
  const opening = /^(#!.*\n)?(\/\/ \S|\/\*\*?\s)/;
  none(code.filter((file) => !isTest(file.path) && !opening.test(file.text)).map((file) => file.path));
});

test('no file has a name that says nothing, or is not in kebab-case', () => {
  const problems: string[] = [];
  for (const file of code) {
    const name = basename(file.path).replace(/(\.test|\.d)?\.(ts|mjs)$/, '');
    if (/(^|-)(utils?|common|manager|helpers?|misc)(-|$)/.test(name))
      problems.push(`${file.path}: says nothing`);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) problems.push(`${file.path}: not in kebab-case`);
  }
  none(problems);
});

test('unfinished work gives its reason', () => {
  const mark = /\b(TODO|FIXME|XXX|HACK)\b(?!\([^)]+\)|: \w+.* because )/;
  const problems = code
    .filter((file) => file.path !== 'test/tidy.test.ts')
    .flatMap((file) =>
      file.lines.flatMap((line, index) =>
        mark.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [],
      ),
    );
  none(problems);
});

function hasLogic(file: SourceFile): boolean {
  const text = withoutComments(file.text).replace(/^export type .*$/gm, '');
  return /\bfunction\b|\bclass\b|= (async )?\([^)]*\)[^=]*=>/.test(text);
}

function targetsOf(file: SourceFile): string[] {
  const relative = importsOf(file.text).filter((wanted) => wanted.startsWith('.'));
  const started = [...file.text.matchAll(/new URL\(`(\.\/[\w-]+)\.\$\{extension\}`/g)].map(
    ([, path]) => `${path}.ts`,
  );
  return [...relative, ...started].map((wanted) => join(dirname(file.path), wanted).replaceAll('\\', '/'));
}

// Tested: by a test beside it, or by name in a test of its own folder. A part of a tested file is tested through it,
// where both are in one folder, or in a room that has rooms of its own. The rooms that wire others together are tested
// through their faces, in test/ too.
function testedFiles(): Set<string> {
  const byPath = new Map(code.map((file) => [file.path, file]));
  const tested = new Set<string>();
  const isWiring = (path: string): boolean => wiringRooms.includes(rooms.get(path) ?? '');
  const areNear = (a: string, b: string): boolean =>
    dirname(a) === dirname(b) ||
    (rooms.get(a) === rooms.get(b) && ['wasm', 'cli'].includes(rooms.get(a) ?? ''));
  for (const file of code.filter((file) => isTest(file.path))) {
    tested.add(file.path.replace(/\.test\.ts$/, '.ts'));
    for (const target of targetsOf(file)) {
      if (areNear(target, file.path) || isWiring(target) || target.startsWith('test/')) tested.add(target);
    }
  }
  for (const path of tested) {
    const file = byPath.get(path);
    if (file === undefined || (basename(path) === 'index.ts' && !isWiring(path))) continue;
    for (const target of targetsOf(file)) {
      if (areNear(target, path) || isWiring(target)) tested.add(target);
    }
  }
  return tested;
}

test('every source with logic is reached by a test', () => {
  const tested = testedFiles();
  const problems: string[] = [];
  for (const file of sources) {
    if (isTest(file.path) || isFixture(file.path) || !hasLogic(file)) continue;
    if (!tested.has(file.path)) problems.push(`${file.path}: no test reaches it`);
  }
  none(problems);
});

function committed(): string[] {
  const listed = spawnSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' });
  return listed.status === 0 ? listed.stdout.split('\0').filter((path) => path !== '') : [];
}

test('no committed file names a path of one machine, carries CR line ends, or is large', (t) => {
  const paths = committed().filter((path) => existsSync(join(root, path)));
  if (paths.length === 0) return t.skip('this folder is not a git checkout');
  const absolute = /\/(?:home|Users)\/\w|\/(?:root|work)\/|[A-Z]:\\\\Users/;
  const problems: string[] = [];
  for (const path of paths) {
    const bytes = statSync(join(root, path)).size;
    if (bytes > fileBytesMax) problems.push(`${path}: ${bytes} bytes, wanted at most ${fileBytesMax}`);
    if (/\.(wasm|mcap|png)$/.test(path) || path === 'test/tidy.test.ts') continue;
    const text = readFileSync(join(root, path), 'utf8');
    const found = absolute.exec(text);
    if (found !== null) problems.push(`${path}: names "${found[0]}"`);
    if (text.includes('\r\n')) problems.push(`${path}: carries CR line ends`);
  }
  none(problems);
});

test('every error code of the table is given somewhere', () => {
  const table = read('src/base/errors.ts').text;
  const codes = [...table.matchAll(/^ {2}\| '([\w-]+)'/gm)].map((match) => match[1] ?? '');
  assert.ok(codes.length > 5, 'the table of codes was not found in src/base/errors.ts');
  const users = sources.filter((file) => !isTest(file.path) && file.path !== 'src/base/errors.ts');
  none(codes.filter((code) => code !== 'bug' && !users.some((file) => file.text.includes(`'${code}'`))));
});

function dependencies(): [string, string][] {
  const manifest: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
    read('package.json').text,
  );
  const kinds = ['dependencies', 'optionalDependencies', 'devDependencies'];
  return kinds.flatMap((kind) => Object.entries(manifest[kind] ?? {}));
}

test('every dependency is explained in docs/ARCHITECTURE.md', () => {
  const names = dependencies().map(([name]) => name);
  const explained = read('docs/ARCHITECTURE.md').text;
  none(
    names.filter((name) => !explained.includes(`\`${name}\``)).map((name) => `"${name}" is not explained`),
  );
});

test('every link of a document leads to a file', () => {
  const problems: string[] = [];
  for (const path of list('*.md', '{docs,examples,sdk}/**/*.md')) {
    const prose = read(path).text.replace(/^```[\s\S]*?^```$/gm, '');
    for (const [, target = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target) || target.startsWith('#')) continue;
      const file = join(root, dirname(path), target.replace(/#.*$/, ''));
      if (!existsSync(file)) problems.push(`${path}: "${target}" is not there`);
    }
  }
  none(problems);
});

test('every dependency is exact, and the lock names no host', () => {
  const versions = dependencies();
  const loose = versions.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  none(loose.map(([name, version]) => `"${name}" is "${version}"`));
  none(read('package-lock.json').text.includes('"resolved"') ? ['package-lock.json: has "resolved"'] : []);
});
