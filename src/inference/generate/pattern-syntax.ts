// What a pattern of JavaScript says, as a tree: read from the source of one that compiled with the flag `u`.

export type PatternNode =
  /** One character. */
  | { readonly kind: 'character'; readonly source: string; readonly ignoresCase: boolean }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternNode[] }
  /** `max` undefined: without end. */
  | { readonly kind: 'repeat'; readonly body: PatternNode; readonly min: number; readonly max?: number }
  /** Takes nothing, but may fail: it looks ahead or back, or at where it is. */
  | { readonly kind: 'look'; readonly body: PatternNode };

const nothing: PatternNode = { kind: 'sequence', parts: [] };

/** What must be at a place, and a group that was matched before, of which nothing more is known. */
const takesNothing = /^(?:\^|\$|\\[bB]|\\[1-9]\d*|\\k<[^>]*>)/;
const escaped = /^\\(?:[pP]\{[^}]*\}|u\{[^}]*\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[a-zA-Z]|[\s\S])/u;
const opened = /^\((?:\?(?:(?<look><?[=!])|<[^>]*>|(?<on>[a-z]*)(?:-(?<off>[a-z]+))?:))?/;
const repeated = /^(?:[*+?]|\{(?<min>\d+)(?<comma>,(?<max>\d*))?\})\??/;

export function readPattern({ source, ignoreCase }: RegExp): PatternNode {
  return new Reader(source).read(ignoreCase);
}

class Reader {
  #rest: string;

  constructor(source: string) {
    this.#rest = source;
  }

  /** Up to the end, or to the end of the group that is open. */
  read(ignoresCase: boolean): PatternNode {
    const choices: PatternNode[][] = [[]];
    while (this.#rest !== '' && !this.#rest.startsWith(')')) {
      if (this.#take(/^\|/) !== undefined) choices.push([]);
      else choices.at(-1)!.push(this.#repeated(this.#one(ignoresCase)));
    }
    const parts = choices.map((all): PatternNode => ({ kind: 'sequence', parts: all }));
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #one(ignoresCase: boolean): PatternNode {
    const group = this.#take(opened);
    if (group !== undefined) {
      const { look, on = '', off = '' } = group.groups ?? {};
      const body = this.read(on.includes('i') || (ignoresCase && !off.includes('i')));
      this.#take(/^\)/);
      return look === undefined ? body : { kind: 'look', body };
    }
    if (this.#take(takesNothing) !== undefined) return { kind: 'look', body: nothing };
    const source = this.#set() ?? this.#take(escaped)?.[0] ?? this.#take(/^[\s\S]/u)![0];
    return { kind: 'character', source, ignoresCase };
  }

  /** `[…]`, which may hold others. */
  #set(): string | undefined {
    if (!this.#rest.startsWith('[')) return undefined;
    let depth = 0;
    let end = 0;
    do {
      const character = this.#rest[end];
      if (character === '\\') end++;
      else if (character === '[') depth++;
      else if (character === ']') depth--;
      end++;
    } while (depth > 0 && end < this.#rest.length);
    const set = this.#rest.slice(0, end);
    this.#rest = this.#rest.slice(end);
    return set;
  }

  #repeated(body: PatternNode): PatternNode {
    const found = this.#take(repeated);
    if (found === undefined) return body;
    const { min, comma, max } = found.groups ?? {};
    if (min !== undefined) {
      const most = comma === undefined ? min : max;
      const bounds = most === '' || most === undefined ? {} : { max: Number(most) };
      return { kind: 'repeat', body, min: Number(min), ...bounds };
    }
    if (found[0].startsWith('?')) return { kind: 'repeat', body, min: 0, max: 1 };
    return { kind: 'repeat', body, min: found[0].startsWith('+') ? 1 : 0 };
  }

  #take(wanted: RegExp): RegExpExecArray | undefined {
    const found = wanted.exec(this.#rest);
    if (found === null) return undefined;
    this.#rest = this.#rest.slice(found[0].length);
    return found;
  }
}
