// TOML text to plain data with the place of every key. Never gives a value that JSON cannot carry.

import type { AST } from 'toml-eslint-parser';
import { type JsonPath, type JsonValue, jsonDepthMax } from './json-value.ts';
import { type Position, ProblemList, positionKey, quote } from './problems.ts';

type Table = { [key: string]: JsonValue };
type Container = Table | JsonValue[];

export interface TomlSource {
  /** null where the text is not well formed. */
  readonly value: JsonValue;
  /** Knows the places in this text; holds what was found so far. */
  readonly problems: ProblemList;
  readonly wellFormed: boolean;
}

/** Reads a text. Syntax errors, and values outside JSON, are in `problems`. */
export async function readToml(text: string, file: string): Promise<TomlSource> {
  const { parseTOML, ParseError } = await import('toml-eslint-parser');
  const positions = new Map<string, Position>();
  const problems = new ProblemList(file, positions);
  let program: AST.TOMLProgram;
  try {
    // Editors on Windows put a byte order mark in front.
    program = parseTOML(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch (error) {
    if (error instanceof ParseError) {
      const at = { line: error.lineNumber, column: error.column + 1 };
      problems.addAt(at, `not valid TOML: ${lowerFirst(error.message)}`);
    } else if (error instanceof RangeError) {
      problems.addAt({ line: 1, column: 1 }, 'not readable: nested too deeply');
    } else {
      throw error;
    }
    return { value: null, problems, wellFormed: false };
  }
  const reader = new Reader(problems, positions);
  reader.readProgram(program);
  return { value: reader.root, problems, wellFormed: true };
}

class Reader {
  readonly root: Table = Object.create(null);
  readonly #problems: ProblemList;
  readonly #positions: Map<string, Position>;

  constructor(problems: ProblemList, positions: Map<string, Position>) {
    this.#problems = problems;
    this.#positions = positions;
  }

  readProgram(program: AST.TOMLProgram): void {
    const top = program.body[0];
    for (const node of top.body) {
      if (node.type === 'TOMLKeyValue') this.#readPair(node, this.root, []);
      else this.#readTable(node);
    }
  }

  #readTable(node: AST.TOMLTable): void {
    const holder = this.#open(this.root, [], node.resolvedKey, startOf(node.key));
    if (holder === undefined) return;
    for (const pair of node.body) this.#readPair(pair, holder as Table, node.resolvedKey);
  }

  #readPair(node: AST.TOMLKeyValue, table: Table, path: JsonPath): void {
    const keys = node.key.keys.map(keyText);
    const last = keys.at(-1)!;
    const holder = this.#open(table, path, keys.slice(0, -1), startOf(node.key)) as Table | undefined;
    const full = [...path, ...keys];
    if (holder === undefined) return;
    this.#place(full, startOf(node.key.keys.at(-1)!));
    if (this.#forbidden(last, full)) return;
    holder[last] = this.#content(node.value, full);
  }

  /** The table or list at `keys` below `from`, made where it is missing. */
  #open(from: Container, base: JsonPath, keys: JsonPath, at: Position): Container | undefined {
    let holder = from as Record<string | number, JsonValue>;
    let path = base;
    for (const [index, key] of keys.entries()) {
      path = [...path, key];
      this.#place(path, at);
      if (this.#forbidden(key, path) || this.#tooDeep(path)) return undefined;
      holder[key] ??= typeof keys[index + 1] === 'number' ? [] : Object.create(null);
      holder = holder[key] as Record<string | number, JsonValue>;
    }
    return holder as Container;
  }

  #content(node: AST.TOMLContentNode, path: JsonPath): JsonValue {
    if (node.type === 'TOMLValue') return this.#scalar(node, path);
    if (this.#tooDeep(path)) return null;
    if (node.type === 'TOMLArray') {
      return node.elements.map((element, index) => {
        const inner = [...path, index];
        this.#place(inner, startOf(element));
        return this.#content(element, inner);
      });
    }
    const table: Table = Object.create(null);
    for (const pair of node.body) this.#readPair(pair, table, path);
    return table;
  }

  #scalar(node: AST.TOMLValue, path: JsonPath): JsonValue {
    switch (node.kind) {
      case 'string':
      case 'boolean':
        return node.value;
      case 'integer':
        if (Number.isSafeInteger(node.value)) return node.value;
        return this.#refuse(path, `found ${node.bigint}, wanted a whole number within 2^53 - 1 of zero`);
      case 'float':
        if (Number.isFinite(node.value)) return node.value;
        return this.#refuse(path, `found ${node.value}, wanted a finite number`);
      default:
        return this.#refuse(
          path,
          'found a date or time, wanted a value that JSON has; write it as text in quotes',
        );
    }
  }

  #refuse(path: JsonPath, message: string): null {
    this.#problems.addUnreadable(path, message);
    return null;
  }

  #forbidden(key: string | number, path: JsonPath): boolean {
    if (key !== '__proto__') return false;
    this.#problems.add(path, `unknown key ${quote(key)}`);
    return true;
  }

  #tooDeep(path: JsonPath): boolean {
    if (path.length < jsonDepthMax) return false;
    this.#problems.add(path.slice(0, 1), `nested more than ${jsonDepthMax} deep`);
    return true;
  }

  #place(path: JsonPath, position: Position): void {
    const key = positionKey(path);
    if (!this.#positions.has(key)) this.#positions.set(key, position);
  }
}

function keyText(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === 'TOMLBare' ? key.name : key.value;
}

function startOf(node: { readonly loc: { readonly start: { line: number; column: number } } }): Position {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
