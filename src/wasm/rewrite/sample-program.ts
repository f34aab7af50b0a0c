// For tests only: random programs in the text format, from a seed. They end, may trap, and never look at a NaN's bits.
import { type PrngState, prngFromBytes, prngNext } from '../../base/prng.ts';

type Type = 'i32' | 'i64' | 'f32' | 'f64';
const types: readonly Type[] = ['i32', 'i64', 'f32', 'f64'];

interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

const unary: Readonly<Record<Type, readonly string[]>> = {
  i32: ['i32.clz', 'i32.ctz', 'i32.popcnt', 'i32.eqz', 'i32.extend8_s', 'i32.extend16_s'],
  i64: ['i64.clz', 'i64.popcnt', 'i64.extend32_s', 'i64.extend8_s'],
  f32: ['f32.abs', 'f32.neg', 'f32.ceil', 'f32.sqrt'],
  f64: ['f64.abs', 'f64.neg', 'f64.floor', 'f64.sqrt', 'f64.nearest'],
};
const binary: Readonly<Record<Type, readonly string[]>> = {
  i32: [
    'add',
    'sub',
    'mul',
    'div_s',
    'div_u',
    'rem_s',
    'and',
    'or',
    'xor',
    'shl',
    'shr_u',
    'rotl',
    'lt_s',
    'ge_u',
  ],
  i64: ['add', 'sub', 'mul', 'div_u', 'rem_u', 'and', 'xor', 'shr_s', 'rotr'],
  f32: ['add', 'sub', 'mul', 'div', 'min'],
  f64: ['add', 'sub', 'mul', 'div', 'max'],
};
/** Conversions by the type they give, then the type they take. */
const conversions: Readonly<Record<Type, Partial<Record<Type, string>>>> = {
  i32: { i64: 'i32.wrap_i64', f32: 'i32.trunc_sat_f32_s', f64: 'i32.trunc_f64_s' },
  i64: { i32: 'i64.extend_i32_u', f32: 'i64.trunc_sat_f32_u', f64: 'i64.trunc_sat_f64_s' },
  f32: { i32: 'f32.convert_i32_s', i64: 'f32.convert_i64_u', f64: 'f32.demote_f64' },
  f64: { i32: 'f64.convert_i32_u', i64: 'f64.convert_i64_s', f32: 'f64.promote_f32' },
};

export class SampleProgram {
  readonly #random: PrngState;
  readonly #signatures: Signature[] = [];
  #locals: Type[] = [];
  #results: readonly Type[] = [];
  /** Types of the open labels, innermost last; undefined for one that carries nothing. */
  #labels: (Type | undefined)[] = [];
  #loops = 0;
  #callsLeft = 0;
  #counters = 0;

  constructor(seed: number) {
    this.#random = prngFromBytes(new Uint8Array(Int32Array.of(seed, 0x5eed, ~seed, 77).buffer));
  }

  #below(limit: number): number {
    return prngNext(this.#random) % limit;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  /** The module: functions `f0` … are exported, and take what `signatures` says. */
  text(): string {
    const functions = Array.from({ length: 2 + this.#below(5) }, (_, index) => this.#function(index));
    const elements = functions.map((_, index) => `$f${index}`).join(' ');
    return `(module (memory (export "memory") 1 3) (data (i32.const 5) "some bytes") (data $d "other bytes")
      (table $t 8 12 funcref) (elem (i32.const 1) ${elements}) (elem $e funcref (ref.func $f0) (ref.null func))
      (global $i32 (export "gi") (mut i32) (i32.const 7)) (global $i64 (export "gl") (mut i64) (i64.const -9))
      (global $f32 (mut f32) (f32.const 1.5)) (global $f64 (mut f64) (f64.const -2.25))
      ${functions.join('\n')})`;
  }

  signature(index: number): Signature {
    return this.#signatures[index]!;
  }

  get functionCount(): number {
    return this.#signatures.length;
  }

  #function(index: number): string {
    const params = Array.from({ length: this.#below(4) }, () => this.#pick(types));
    const results = Array.from({ length: this.#below(3) }, () => this.#pick(types));
    const locals = Array.from({ length: 1 + this.#below(5) }, () => this.#pick(types));
    this.#locals = [...params, ...locals];
    this.#results = results;
    this.#labels = [];
    this.#callsLeft = 2;
    this.#counters = 0;
    const body = this.#statements(3);
    const last = results.map((type) => this.#expression(type, 3)).join(' ');
    const counters = '(local i32)'.repeat(this.#counters);
    this.#signatures.push({ params, results });
    const head = `(func $f${index} (export "f${index}")`;
    const list = (word: string, of: readonly Type[]) => (of.length === 0 ? '' : `(${word} ${of.join(' ')})`);
    const names = list('param', params) + list('result', results) + list('local', locals);
    return `${head} ${names} ${counters}\n${body}\n${last})`.replaceAll(/\$counter(\d+)/g, (_, number) =>
      String(this.#locals.length + Number(number)),
    );
  }

  #statements(depth: number): string {
    return Array.from({ length: 1 + this.#below(4) }, () => this.#statement(depth)).join('\n');
  }

  #statement(depth: number): string {
    const kinds = depth <= 0 ? 5 : 13;
    switch (this.#below(kinds)) {
      case 0:
      case 1: {
        const index = this.#below(this.#locals.length);
        return `(local.set ${index} ${this.#expression(this.#locals[index]!, depth)})`;
      }
      case 2: {
        const type = this.#pick(types);
        return `(global.set $${type} ${this.#expression(type, depth)})`;
      }
      case 3:
        return `(i64.store offset=${this.#below(70_000)} ${this.#address(depth)} ${this.#expression('i64', depth)})`;
      case 4:
        return this.#bulk(depth);
      case 5:
        return `(if ${this.#expression('i32', depth - 1)} (then ${this.#inside(depth)}) (else ${this.#inside(depth)}))`;
      case 6:
        return `(if ${this.#expression('i32', depth - 1)} (then ${this.#inside(depth)}))`;
      case 7:
        return `(block ${this.#inside(depth)})`;
      case 8:
        return this.#loop(depth);
      case 9:
        return this.#branch(depth);
      case 10:
        return `(if ${this.#expression('i32', 1)} (then ${this.#leave(depth)}))`;
      case 11:
        return `(drop ${this.#expression(this.#pick(types), depth)})`;
      default:
        return `(if ${this.#rare()} (then (unreachable) ${this.#inside(depth - 1)}))`;
    }
  }

  #rare(): string {
    return `(i32.eq ${this.#expression('i32', 0)} (i32.const ${this.#below(50)}))`;
  }

  #inside(depth: number): string {
    this.#labels.push(undefined);
    const text = this.#statements(depth - 1);
    this.#labels.pop();
    return text;
  }

  #loop(depth: number): string {
    if (this.#loops >= 2) return '(nop)';
    this.#loops++;
    const counter = `$counter${this.#counters++}`;
    // Its label is behind the counter, so nothing inside goes back without counting.
    this.#labels.push(undefined, undefined);
    const body = this.#statements(depth - 1);
    this.#labels.length -= 2;
    this.#loops--;
    return `(local.set ${counter} (i32.const ${1 + this.#below(4)}))
      (loop (block ${body})
        (br_if 0 (i32.gt_s (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1))) (i32.const 0))))`;
  }

  /** A branch to a label that carries nothing and is no loop's. */
  #branch(depth: number): string {
    const count = this.#labels.length;
    const free = this.#labels.flatMap((type, index) => (type === undefined ? [count - 1 - index] : []));
    const safe = free.filter((label) => label === 0 || this.#loops === 0);
    if (safe.length === 0) return '(nop)';
    const condition = this.#expression('i32', depth - 1);
    if (this.#below(2) === 0) return `(br_if ${this.#pick(safe)} ${condition})`;
    return `(if ${this.#rare()} (then (br_table ${safe.map((l) => l + 1).join(' ')} ${safe[0]! + 1} ${condition})))`;
  }

  #leave(depth: number): string {
    const values = this.#results.map((type) => this.#expression(type, depth - 1)).join(' ');
    const same = this.#signatures.findIndex(
      ({ params, results }) => params.length === 0 && results.join() === this.#results.join(),
    );
    if (same >= 0 && this.#below(2) === 0) return `(return_call $f${same})`;
    return `(return ${values})`;
  }

  #bulk(depth: number): string {
    const [a, b] = [this.#address(depth), this.#address(depth)];
    const size = `(i32.and ${this.#expression('i32', depth - 1)} (i32.const 127))`;
    const small = (limit: number) => `(i32.const ${this.#below(limit)})`;
    return this.#pick([
      `(memory.fill ${a} ${small(256)} ${size})`,
      `(memory.copy ${a} ${b} ${size})`,
      `(memory.init $d ${a} ${small(6)} ${small(8)})`,
      `(table.init $t $e ${small(8)} (i32.const 0) ${small(3)})`,
      `(table.fill $t ${small(8)} (ref.func $f0) ${small(3)})`,
      `(table.copy $t $t ${small(8)} ${small(8)} ${small(3)})`,
      `(table.set $t ${small(9)} (table.get $t ${small(9)}))`,
    ]);
  }

  #address(depth: number): string {
    return `(i32.and ${this.#expression('i32', depth - 1)} (i32.const 0xffff))`;
  }

  #expression(type: Type, depth: number): string {
    if (depth <= 0) return this.#leaf(type);
    const inner = (of: Type) => this.#expression(of, depth - 1);
    switch (this.#below(11)) {
      case 0:
      case 1:
        return `(${type}.${this.#pick(binary[type])} ${inner(type)} ${inner(type)})`;
      case 2:
        return `(${this.#pick(unary[type])} ${inner(type)})`;
      case 3: {
        const from = this.#pick(types.filter((other) => other !== type));
        return `(${conversions[type][from]!} ${inner(from)})`;
      }
      case 4:
        return `(select ${inner(type)} ${inner(type)} ${inner('i32')})`;
      case 5:
        return `(if (result ${type}) ${inner('i32')} (then ${this.#valued(type, depth)}) (else ${this.#valued(type, depth)}))`;
      case 6:
        return `(block (result ${type}) ${this.#valued(type, depth)})`;
      case 7:
        return this.#call(type, depth);
      case 8:
        if (type === 'i32')
          return this.#pick(['(memory.size)', '(memory.grow (i32.const 1))', '(table.size $t)']);
        return this.#leaf(type);
      case 9:
        if (type === 'i32' || type === 'i64')
          return `(${type}.load offset=${this.#below(9)} ${this.#address(depth)})`;
        return this.#leaf(type);
      default:
        return this.#leaf(type);
    }
  }

  #valued(type: Type, depth: number): string {
    this.#labels.push(type);
    const before = this.#below(2) === 0 ? this.#statement(depth - 1) : '';
    const value = this.#expression(type, depth - 1);
    const early = `(br_if 0 ${this.#expression(type, depth - 1)} ${this.#rare()}) (drop)`;
    this.#labels.pop();
    return `${before} ${this.#below(3) === 0 ? early : ''} ${value}`;
  }

  #call(type: Type, depth: number): string {
    if (this.#loops > 0 || this.#callsLeft <= 0) return this.#leaf(type);
    const index = this.#signatures.findIndex(({ results }) => results.length === 1 && results[0] === type);
    if (index < 0) return this.#leaf(type);
    this.#callsLeft--;
    const { params } = this.#signatures[index]!;
    const values = params.map((param) => this.#expression(param, depth - 1)).join(' ');
    if (this.#below(3) > 0) return `(call $f${index} ${values})`;
    const list = params.length === 0 ? '' : `(param ${params.join(' ')})`;
    return `(call_indirect $t ${list} (result ${type}) ${values} (i32.const ${index + 1}))`;
  }

  #leaf(type: Type): string {
    const local = this.#locals.indexOf(type);
    switch (this.#below(3)) {
      case 0:
        return local >= 0 ? `(local.get ${local})` : `(global.get $${type})`;
      case 1:
        return `(global.get $${type})`;
      default:
        return type.startsWith('i')
          ? `(${type}.const ${this.#pick([0, 1, -1, 8, 255, 65_535, -2147483648, this.#below(1e6)])})`
          : `(${type}.const ${this.#pick([0, 1.5, -2, 1e10, 'inf', -0.5])})`;
    }
  }
}
