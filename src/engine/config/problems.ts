// Problems of a configuration: collected, placed in their file, and told all at once.

import { EngineError, type ErrorCode } from '../../base/errors.ts';
import type { JsonPath } from './json-value.ts';

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export interface Problem {
  /** As the caller named it; empty for a description that came from no file. */
  readonly file: string;
  /** From 1; 0 where there is no file. */
  readonly line: number;
  readonly column: number;
  /** Such as `agents.feed.capabilities[1]`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** Collects the problems of one description. */
export class ProblemList {
  readonly #file: string;
  readonly #positions: ReadonlyMap<string, Position> | undefined;
  readonly #problems: Problem[] = [];
  readonly #unreadable = new Set<string>();
  #missingOnly = true;

  constructor(file: string, positions?: ReadonlyMap<string, Position>) {
    this.#file = file;
    this.#positions = positions;
  }

  get count(): number {
    return this.#problems.length;
  }

  add(path: JsonPath, message: string): void {
    if (this.#unreadable.has(renderPath(path))) return;
    this.#missingOnly = false;
    this.#push(path, message, this.#positionOf(path));
  }

  /** A value that could not even be taken over: what is said later about what stands in its place is not told. */
  addUnreadable(path: JsonPath, message: string): void {
    this.add(path, message);
    this.#unreadable.add(renderPath(path));
  }

  /** A problem at a place that is no value, such as a syntax error. */
  addAt(position: Position, message: string): void {
    this.#missingOnly = false;
    this.#push([], message, position);
  }

  /** A named file that is not there: where these are all, the error says so by its code. */
  addMissing(path: JsonPath, message: string): void {
    this.#push(path, message, this.#positionOf(path));
  }

  /** @throws EngineError `config-invalid` or `module-missing`, when there is any problem. */
  throwIfAny(what: string): void {
    if (this.#problems.length === 0) return;
    const code: ErrorCode = this.#missingOnly ? 'module-missing' : 'config-invalid';
    const problems = this.#problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const many = problems.length === 1 ? '' : ` (${problems.length} problems)`;
    const lines = problems.map((problem) => `\n  ${renderProblem(problem)}`).join('');
    throw new EngineError(code, `Cannot ${what}${many}:${lines}`, { problems });
  }

  #push(path: JsonPath, message: string, position: Position): void {
    const problem: Problem = { file: this.#file, ...position, path: renderPath(path), message };
    // A value that breaks two rules of one kind is told once.
    if (this.#problems.some((other) => other.path === problem.path && other.message === message)) return;
    this.#problems.push(problem);
  }

  /** The nearest place: what is missing has none of its own. */
  #positionOf(path: JsonPath): Position {
    const positions = this.#positions;
    if (positions === undefined) return { line: 0, column: 0 };
    for (let length = path.length; length > 0; length--) {
      const found = positions.get(positionKey(path.slice(0, length)));
      if (found !== undefined) return found;
    }
    return { line: 1, column: 1 };
  }
}

/** `file:line:column  path: message`, without what is not known. */
export function renderProblem(problem: Problem): string {
  const place = problem.line === 0 ? '' : `${problem.file}:${problem.line}:${problem.column}  `;
  return `${place}${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`;
}

export function positionKey(path: JsonPath): string {
  return JSON.stringify(path);
}

export function renderPath(path: JsonPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z0-9_-]+$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += text === '' ? JSON.stringify(part) : `.${JSON.stringify(part)}`;
  }
  return text;
}

/** A found value for a message: short, quoted, one line. */
export function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a table';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

export function list(values: readonly string[]): string {
  return values.map((value) => JSON.stringify(value)).join(', ');
}

/** The candidate that a person most likely meant, if one is near. */
export function nearest(found: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(found.length / 3)) + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - found.length) >= bestDistance) continue;
    const distance = editDistance(found.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, changes and swaps of neighbours that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, before[j - 2]! + 1);
      row.push(cost);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
