import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayExplode } from './pattern-ambiguity.ts';

const calm: readonly string[] = [
  // Those of tokenizers that people use.
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  String.raw`[^\r\n\p{L}]?[\p{Lu}\p{Lm}\p{M}]*[\p{Ll}\p{Lm}\p{M}]+(?:'s|'t|'re)?|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ' {2,}',
  // What is repeated matches in one way.
  String.raw`(?:\p{L}\p{M}*)+Q`,
  String.raw`\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))`,
  '(?:ab|cd)+Q',
  '(?:[a-m]+[n-z]+)+Q',
  '(?:a{2}b?)+Q',
  String.raw`(?<year>\d{4})-(?:\d{2}-)*Q`,
  String.raw`(?:[\]\\[]|\u{1F600}|\x41|\cJ)+Q`,
  // Long, but no more than a power.
  'h*h*h*h*h*Q',
  'a{0,1000}Q',
  // Nothing behind them can fail.
  '(a+)+',
  '(?:a?b?)+|Q',
  String.raw`(?:\r\n|\n|\r)+`,
  '(?:a|aa)+(?:Qb*)?',
];

const explosive: readonly string[] = [
  '(h|hh|h)+Q',
  '(a+)+Q',
  '(a*)*Q',
  '(?:a+?)*?Q',
  '(a|a)+Q',
  '(?:a|ab|b)*Q',
  '(?:a?b?)+Q',
  '(?:a{1,3})+Q',
  '(?:a{0,1000})*Q',
  String.raw`(?:\w+\s?)+$`,
  String.raw`(?:\p{L}+|\p{Lu})+Q`,
  '(?:x(?:a?|b?)y)*Q',
  '(?:.*,)*Q',
  String.raw`(?:\r\n|\n|\r)+$`,
  '(?=(a+)+b)x',
  '(?:x(?:a|a)*y)+',
  '(?:a|aa){2,}',
  String.raw`(?:a|aa)+\b`,
  '(?:[ab]|(?<n>b|c))+Q',
  String.raw`(?:[\]a]|\])+Q`,
];

test('a pattern explodes where it repeats what matches in two ways, and may fail behind that', () => {
  for (const source of calm) assert.equal(mayExplode(new RegExp(source, 'gu')), false, source);
  for (const source of explosive) assert.equal(mayExplode(new RegExp(source, 'gu')), true, source);
  const words = Array.from({ length: 200 }, (_, i) => String.fromCodePoint(0x4e00 + i));
  assert.equal(mayExplode(new RegExp(`(?:${words.join('|')})+Q`, 'u')), false);
  assert.equal(mayExplode(new RegExp(`(?:${words.join('|')}|${words[9]})+Q`, 'u')), true);
  assert.equal(mayExplode(/(?:a|A)+Q/gu), false);
  assert.equal(mayExplode(/(?:a|A)+Q/giu), true);
});

test('what is said of a pattern takes little, however it was made up', () => {
  const times = (count: number, source: string): string =>
    count === 0 ? source : times(count - 1, `(?:${source}){8}`);
  const looking = (count: number): string =>
    count === 0 ? 'b' : `${times(3, `(?=${looking(count - 1)})a`)}`;
  for (const source of [times(40, ''), times(40, String.raw`\b`), looking(9)])
    assert.equal(mayExplode(new RegExp(source, 'u')), false, source.slice(0, 50));
  for (const part of ['a', '[a-z]'])
    assert.equal(mayExplode(new RegExp(`(?:${new Array(400).fill(part).join('|')})*Q`, 'u')), true, part);
  assert.equal(mayExplode(new RegExp(`(?:${'a?'.repeat(300)})*Q`, 'u')), true);
});

/** A pattern of these parts. */
type Shape = string | readonly ['+' | '?', Shape] | readonly ['|' | '.', Shape, Shape];

function sourceOf(shape: Shape): string {
  if (typeof shape === 'string') return shape;
  const [kind, first, second] = shape;
  if (kind === '+' || kind === '?') return `(?:${sourceOf(first)})${kind}`;
  return `(?:${sourceOf(first)}${kind === '|' ? '|' : ''}${sourceOf(second as Shape)})`;
}

/** By where they end, the ways from each of these places. A repetition that need not be takes something. */
function ways(shape: Shape, text: string, from: ReadonlyMap<number, number>): Map<number, number> {
  const to = new Map<number, number>();
  const add = (ends: ReadonlyMap<number, number>, behind = -1): void => {
    for (const [at, count] of ends) if (at > behind) to.set(at, (to.get(at) ?? 0) + count);
  };
  for (const [at, count] of from) {
    const here = new Map([[at, count]]);
    if (typeof shape === 'string') {
      if (text[at] === shape) add(new Map([[at + 1, count]]));
      continue;
    }
    const [kind, first, second] = shape;
    if (kind === '.') add(ways(second as Shape, text, ways(first, text, here)));
    else if (kind === '|') {
      add(ways(first, text, here));
      add(ways(second as Shape, text, here));
    } else if (kind === '?') {
      add(here);
      add(ways(first, text, here), at);
    } else {
      for (let ends = ways(first, text, here), isFirst = true; ends.size > 0; isFirst = false) {
        add(ends, isFirst ? -1 : at);
        const next = new Map<number, number>();
        for (const [end, some] of ends)
          if (end > at)
            for (const [further, more] of ways(first, text, new Map([[end, some]])))
              if (further > end) next.set(further, (next.get(further) ?? 0) + more);
        ends = next;
      }
    }
  }
  return to;
}

test('where a pattern is said not to explode, the number of its ways stays below a power of the length', () => {
  const shapes = fc.letrec<{ shape: Shape }>((tie) => ({
    shape: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('a', 'b'),
      fc.tuple(fc.constantFrom('+' as const, '?' as const), tie('shape')),
      fc.tuple(fc.constantFrom('|' as const, '.' as const), tie('shape'), tie('shape')),
    ),
  })).shape;
  let [calmOnes, others] = [0, 0];
  fc.assert(
    fc.property(shapes, (shape) => {
      const source = `${sourceOf(shape)}Q`;
      const isExplosive = mayExplode(new RegExp(source, 'gu'));
      if (isExplosive) others++;
      else calmOnes++;
      for (const unit of ['a', 'b', 'ab', 'aab', 'abb']) {
        const [few, many] = [12, 24].map((times) => {
          const all = ways(shape, unit.repeat(times), new Map([[0, 1]]));
          return [...all.values()].reduce((sum, count) => sum + count, 1);
        });
        // A power of at most nine.
        if (!isExplosive) assert.ok(many! / few! < 2 ** 9, `${source} ${unit} ${few} ${many}`);
      }
    }),
    { numRuns: 100 },
  );
  assert.ok(calmOnes > 10 && others > 3, `${calmOnes} ${others}`);
});
