// Whether a pattern may try some text in a number of ways that grows exponentially with it: where it repeats what can
// match one text in two ways, and may fail behind that. Reckoned from the pattern alone, so it is the same everywhere.

import { type PatternNode, readPattern } from './pattern-syntax.ts';

/** Repetitions of up to so many times are laid out; more are taken for endless ones. */
const laidOutMax = 8;
/** Groups of a pattern, and its characters, laid out. */
const groupsMax = 500;
const positionsMax = 2000;
/** Steps of laying a pattern out, and of following two ways through it. */
const workMax = 4_000_000;
/** Sets of characters within one repetition. */
const setsMax = 40;

interface Position {
  readonly source: string;
  readonly ignoresCase: boolean;
}

/** Where a part begins and ends, and in how many ways: 2 stands for more. */
interface Part {
  readonly first: ReadonlyMap<number, number>;
  readonly last: ReadonlyMap<number, number>;
  /** In how many ways it matches nothing. */
  readonly empty: number;
}

/** Whether it may take exponentially long; of those too large to say, nothing is said. */
export function mayExplode(pattern: RegExp): boolean {
  if (pattern.source.split('(').length > groupsMax) return false;
  const looks = new Set<PatternNode>();
  const whole = new Steps(looks);
  whole.lay(readPattern(pattern), true);
  if (whole.areExplosive(pattern.flags)) return true;
  // What looks ahead or back is added as it is found.
  for (const body of looks) {
    const steps = new Steps(looks);
    steps.lay(body, false);
    if (steps.areExplosive(pattern.flags)) return true;
  }
  return false;
}

/** A pattern as steps from one character to the next. */
class Steps {
  readonly #looks: Set<PatternNode>;
  readonly #positions: Position[] = [];
  /** By position: what may follow, and in how many ways. */
  readonly #next: Map<number, number>[] = [];
  #work = 0;

  constructor(looks: Set<PatternNode>) {
    this.#looks = looks;
  }

  get #isTooLarge(): boolean {
    return this.#positions.length > positionsMax || this.#work > workMax;
  }

  /** @param isLast nothing behind it can fail: what it has matched is enough, and no other way is tried */
  lay(node: PatternNode, isLast: boolean): Part {
    this.#work++;
    if (this.#isTooLarge) return nothing;
    switch (node.kind) {
      case 'character':
        return this.#character(node);
      case 'look':
        this.#looks.add(node.body);
        return nothing;
      case 'sequence': {
        const enoughFrom = node.parts.findLastIndex((part) => !mayBeNothing(part));
        const lay = (before: Part, part: PatternNode, i: number): Part =>
          this.#join(before, this.lay(part, isLast && i >= enoughFrom));
        return node.parts.reduce(lay, nothing);
      }
      case 'choice':
        return node.parts.map((part) => this.lay(part, isLast)).reduce(either);
      case 'repeat':
        return this.#repeat(node, isLast);
    }
  }

  #character({ source, ignoresCase }: Position): Part {
    const place = new Map([[this.#positions.length, 1]]);
    this.#positions.push({ source, ignoresCase });
    this.#next.push(new Map());
    return { first: place, last: place, empty: 0 };
  }

  #repeat({ body, min, max }: Extract<PatternNode, { kind: 'repeat' }>, isLast: boolean): Part {
    if (max === undefined || max > laidOutMax) {
      const isEnough = isLast && min <= 1;
      const loop = this.lay(body, isEnough);
      // Where one time fails, those before it are enough.
      if (!isEnough) this.#follow(loop.last, loop.first);
      return min > 0 ? loop : { ...loop, empty: 1 };
    }
    let whole = nothing;
    for (let i = 0; i < min; i++) whole = this.#join(whole, this.lay(body, isLast && i + 1 === min));
    // Each of them only behind the one before.
    let tail = nothing;
    for (let i = min; i < max; i++) tail = { ...this.#join(this.lay(body, isLast), tail), empty: 1 };
    return this.#join(whole, tail);
  }

  #join(a: Part, b: Part): Part {
    this.#follow(a.last, b.first);
    return {
      first: sum(a.first, b.first, a.empty),
      last: sum(b.last, a.last, b.empty),
      empty: Math.min(2, a.empty * b.empty),
    };
  }

  #follow(last: ReadonlyMap<number, number>, first: ReadonlyMap<number, number>): void {
    this.#work += last.size * first.size;
    if (this.#isTooLarge) return;
    for (const [from, ways] of last) for (const [to, more] of first) add(this.#next[from]!, to, ways * more);
  }

  /** Whether some text leads from a position back to it in two ways. */
  areExplosive(flags: string): boolean {
    if (this.#isTooLarge) return false;
    const loops = components(this.#next.map((next) => [...next.keys()]));
    return loops.some((loop) => this.#isTwofold(loop) || this.#parts(loop, flags));
  }

  /** Whether one step of a loop can be taken in two ways. */
  #isTwofold(loop: readonly number[]): boolean {
    const members = new Set(loop);
    return loop.some((at) => [...this.#next[at]!].some(([to, ways]) => ways > 1 && members.has(to)));
  }

  /** Whether two ways that begin at one position part, and meet there again. */
  #parts(loop: readonly number[], flags: string): boolean {
    if (loop.length === 1) return false;
    const sets = setsOf(
      loop.map((at) => this.#positions[at]!),
      flags,
    );
    if (sets === undefined) return false;
    const placeOf = new Map(loop.map((at, place) => [at, place]));
    const next = loop.map((at) => [...this.#next[at]!.keys()].flatMap((to) => placeOf.get(to) ?? []));
    return meetAgain(next, sharedBy(sets));
  }
}

/**
 * Whether two ways part at a place, take the same text and meet at one, from where some text leads back to the first.
 * @param next by place; each leads to every other
 */
function meetAgain(next: readonly (readonly number[])[], shared: readonly (readonly number[])[]): boolean {
  const isNext = next.map((places) => new Set(places));
  const known = new Set<number>();
  const open = next.map((_, place): readonly [number, number] => [place, place]);
  let work = 0;
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const [a, b] = pair;
    for (const to of next[a]!)
      for (const other of shared[to]!) {
        if (++work > workMax) return false;
        if (!isNext[b]!.has(other)) continue;
        if (to === other && a !== b) return true;
        const key = to * next.length + other;
        if (to === other || known.has(key)) continue;
        known.add(key);
        open.push([to, other]);
      }
  }
  return false;
}

/** Whether it can be passed by, whatever the text. */
function mayBeNothing(node: PatternNode): boolean {
  switch (node.kind) {
    case 'sequence':
      return node.parts.every(mayBeNothing);
    case 'choice':
      return node.parts.some(mayBeNothing);
    case 'repeat':
      return node.min === 0 || mayBeNothing(node.body);
    default:
      return false;
  }
}

const nothing: Part = { first: new Map(), last: new Map(), empty: 1 };

function either(a: Part, b: Part): Part {
  const empty = Math.min(2, a.empty + b.empty);
  return { first: sum(a.first, b.first, 1), last: sum(a.last, b.last, 1), empty };
}

function sum(
  a: ReadonlyMap<number, number>,
  b: ReadonlyMap<number, number>,
  times: number,
): Map<number, number> {
  const total = new Map(a);
  if (times > 0) for (const [at, ways] of b) add(total, at, ways * times);
  return total;
}

function add(counts: Map<number, number>, at: number, ways: number): void {
  counts.set(at, Math.min(2, (counts.get(at) ?? 0) + ways));
}

/** Characters that are looked at: the first two planes. */
const charactersEnd = 0x20000;

/** By position the characters that it takes: one, or by code whether it is among them. */
type Characters = string | Uint8Array;

/** undefined where there are too many to look at. */
function setsOf(positions: readonly Position[], flags: string): Characters[] | undefined {
  const known = new Map<string, Uint8Array>();
  const sets = positions.map(({ source, ignoresCase }): Characters => {
    if (!ignoresCase && /^[^.[\\]$/u.test(source)) return source;
    const key = `${source} ${ignoresCase}`;
    const found = known.get(key) ?? new Uint8Array(known.size < setsMax ? charactersEnd : 0);
    if (!known.has(key)) {
      const own = flags.replace(/[giy]/g, '') + (ignoresCase ? 'i' : '');
      const pattern = new RegExp(`^(?:${source})$`, own);
      for (let code = 0; code < found.length; code++)
        found[code] = pattern.test(String.fromCodePoint(code)) ? 1 : 0;
    }
    known.set(key, found);
    return found;
  });
  return known.size > setsMax ? undefined : sets;
}

/** By position those that take some character that it takes, too. */
function sharedBy(sets: readonly Characters[]): number[][] {
  const known = new Map<Characters, Map<Characters, boolean>>();
  const isShared = (a: Characters, b: Characters): boolean => {
    if (a === b) return true;
    if (typeof a === 'string') return typeof b !== 'string' && b[a.codePointAt(0)!] === 1;
    if (typeof b === 'string') return a[b.codePointAt(0)!] === 1;
    const answers = known.get(a) ?? new Map<Characters, boolean>();
    known.set(a, answers);
    let answer = answers.get(b);
    for (let code = 0; answer === undefined && code < charactersEnd; code++)
      if (a[code] === 1 && b[code] === 1) answer = true;
    answers.set(b, answer ?? false);
    return answer ?? false;
  };
  return sets.map((a) => sets.flatMap((b, place) => (isShared(a, b) ? [place] : [])));
}

/** Groups of places that lead to one another, and single ones that lead to themselves. */
function components(next: readonly (readonly number[])[]): number[][] {
  const found: number[][] = [];
  const order: number[] = next.map(() => -1);
  const low: number[] = next.map(() => 0);
  const open: number[] = [];
  const isOpen: boolean[] = next.map(() => false);
  let count = 0;
  for (let root = 0; root < next.length; root++) {
    if (order[root] !== -1) continue;
    /** Where the walk is, and which of the ways on comes next. */
    const walk: [at: number, way: number][] = [[root, 0]];
    while (walk.length > 0) {
      const here = walk.at(-1)!;
      const [at, way] = here;
      if (way === 0) {
        order[at] = low[at] = count++;
        open.push(at);
        isOpen[at] = true;
      }
      if (way < next[at]!.length) {
        here[1]++;
        const to = next[at]![way]!;
        if (order[to] === -1) walk.push([to, 0]);
        else if (isOpen[to]) low[at] = Math.min(low[at]!, order[to]!);
        continue;
      }
      walk.pop();
      const above = walk.at(-1)?.[0];
      if (above !== undefined) low[above] = Math.min(low[above]!, low[at]!);
      if (low[at] !== order[at]) continue;
      const group = open.splice(open.lastIndexOf(at));
      for (const member of group) isOpen[member] = false;
      if (group.length > 1 || next[at]!.includes(at)) found.push(group);
    }
  }
  return found;
}
