// For tests only: random programs that make NaN of every sign and payload, pass them through locals, calls, globals and
// memory, and look at their bits everywhere. With `eager`, each result that may be a NaN is made canonical by a call.
import { type PrngState, prngFromBytes, prngNext } from '../../base/prng.ts';

type Type = 'f32' | 'f64' | 'v128';
const types: readonly Type[] = ['f32', 'f64', 'v128'];
const locals = 5;
const canonical = {
  f32: '$c32',
  f64: '$c64',
  f32x4: '$c32x4',
  f64x2: '$c64x2',
} as const;

const binary = ['add', 'sub', 'mul', 'div', 'min', 'max'];
const unary = ['sqrt', 'ceil', 'floor', 'trunc', 'nearest'];

function canonicalFunction(name: string, type: string, of: string, nan: string, choose: string): string {
  return `(func ${name} (param ${type}) (result ${type})
    (${choose} (local.get 0) (${type}.const ${nan}) (${of}.eq (local.get 0) (local.get 0))))`;
}

const canonicalFunctions = [
  canonicalFunction('$c32', 'f32', 'f32', 'nan', 'select'),
  canonicalFunction('$c64', 'f64', 'f64', 'nan', 'select'),
  canonicalFunction('$c32x4', 'v128', 'f32x4', 'f32x4 nan nan nan nan', 'v128.bitselect'),
  canonicalFunction('$c64x2', 'v128', 'f64x2', 'f64x2 nan nan', 'v128.bitselect'),
].join('\n');

export class SampleNanProgram {
  readonly #random: PrngState;
  readonly #eager: boolean;
  #loops = 0;
  #callable = 0;

  constructor(seed: number, eager: boolean) {
    this.#random = prngFromBytes(new Uint8Array(Int32Array.of(seed, 0x7ff8, ~seed, 3).buffer));
    this.#eager = eager;
  }

  #below(limit: number): number {
    return prngNext(this.#random) % limit;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!;
  }

  /** The module: `f0` and on take a float of each kind and give one of each. */
  text(): string {
    const functions = Array.from({ length: 3 }, (_, index) => {
      this.#callable = index;
      return `(func $f${index} (export "f${index}") (param f32 f64 v128) (result f32 f64 v128)
        ${types.map((type) => `(local ${`${type} `.repeat(locals)})`).join(' ')} (local $counter i32)
        ${this.#statements(3)}
        ${types.map((type) => this.#expression(type, 3)).join('\n')})
        (func (export "run${index}") (call $f${index} (f32.const nan:0x234567) (f64.const -nan:0x8000000000123)
          (v128.const i32x4 0x7fc00001 0xffc12345 0x7f800001 0x3f800000)) ${this.#storeAll()})`;
    });
    return `(module (memory (export "memory") 1) ${canonicalFunctions}
      (global $f32 (mut f32) (f32.const -nan:0x1)) (global $f64 (mut f64) (f64.const nan:0x1))
      (global $v128 (mut v128) (v128.const i32x4 -1 0x7fa00000 0 0x7ff00001))
      (data (i32.const 0) "${this.#data()}") ${functions.join('\n')})`;
  }

  /** Numbers, infinities and NaN, quiet and signalling, as bytes. */
  #data(): string {
    const heads = ['f07f', 'f8ff', 'f87f', 'f03f', '00c0', '807f', 'c07f', 'a0ff', 'ffff', '0000'];
    let text = '';
    for (let slot = 0; slot < 64; slot++) {
      const low = Array.from({ length: 2 }, () => this.#below(256).toString(16).padStart(2, '0')).join('');
      text +=
        this.#below(2) === 0
          ? `0000${low}0000${this.#pick(heads)}`
          : low + this.#pick(heads) + low + this.#pick(heads);
    }
    return text.replaceAll(/../g, '\\$&');
  }

  #storeAll(): string {
    return `(v128.store (i32.const 1024) (global.get $v128)) global.set $v128 global.set $f64 global.set $f32
      (f32.store (i32.const 1040) (global.get $f32)) (f64.store (i32.const 1048) (global.get $f64))`;
  }

  #statements(depth: number): string {
    return Array.from({ length: 2 + this.#below(4) }, () => this.#statement(depth)).join('\n');
  }

  #local(type: Type): number {
    const at = types.indexOf(type);
    return this.#below(5) === 0 ? at : 3 + at * locals + this.#below(locals);
  }

  #statement(depth: number): string {
    const type = this.#pick(types);
    const value = () => this.#expression(type, depth);
    const address = `(i32.const ${this.#below(63) * 8})`;
    switch (this.#below(depth > 0 ? 9 : 6)) {
      case 0:
      case 1:
      case 2:
        return `(local.set ${this.#local(type)} ${value()})`;
      case 3:
        return `(global.set $${type} ${value()})`;
      case 4:
        return `(${type}.store ${address} ${value()})`;
      case 5:
        return `(i64.store ${address} (i64.reinterpret_f64 ${this.#expression('f64', depth)}))`;
      case 6:
        return `(if ${this.#condition(depth)} (then ${this.#statements(depth - 1)}) (else ${this.#statements(depth - 1)}))`;
      case 7:
        return `(block ${this.#statements(depth - 1)} (br_if 0 ${this.#condition(depth)}) ${this.#statements(depth - 1)})`;
      default:
        return this.#loop(depth);
    }
  }

  #loop(depth: number): string {
    if (this.#loops > 0) return '';
    this.#loops++;
    const body = this.#statements(depth - 1);
    this.#loops--;
    return `(local.set $counter (i32.const 3)) (loop ${body}
      (br_if 0 (local.tee $counter (i32.sub (local.get $counter) (i32.const 1)))))`;
  }

  #condition(depth: number): string {
    const of = this.#pick(['f32', 'f64'] as const);
    const [a, b] = [this.#expression(of, depth - 1), this.#expression(of, depth - 1)];
    return this.#pick([
      `(${of}.lt ${a} ${b})`,
      `(i32.and (i32.trunc_sat_${of}_s ${a}) (i32.const 1))`,
      `(i32.shr_u (i32.reinterpret_f32 ${this.#expression('f32', depth - 1)}) (i32.const 31))`,
    ]);
  }

  #made(of: keyof typeof canonical, text: string): string {
    return this.#eager ? `(call ${canonical[of]} ${text})` : text;
  }

  #expression(type: Type, depth: number): string {
    if (depth <= 0) return this.#leaf(type);
    const inner = () => this.#expression(type, depth - 1);
    switch (this.#below(9)) {
      case 0:
        return `(local.tee ${this.#local(type)} ${inner()})`;
      case 1:
        return `(select ${type === 'v128' ? `(result v128) ` : ''}${inner()} ${inner()} ${this.#condition(depth)})`;
      case 2:
        return `(block (result ${type}) (br_if 0 ${inner()} ${this.#condition(depth)}))`;
      case 3:
        return this.#call(type, depth);
      default:
        return type === 'v128' ? this.#vector(depth) : this.#scalar(type, depth);
    }
  }

  #call(type: Type, depth: number): string {
    if (this.#callable === 0 || this.#loops > 0) return this.#leaf(type);
    const values = types.map((of) => this.#expression(of, depth - 2)).join(' ');
    const place = types.indexOf(type);
    const after = `${'drop '.repeat(2 - place)} (local.set ${this.#local(type)}) ${'drop '.repeat(place)}`;
    const callee = `(call $f${this.#below(this.#callable)} ${values})`;
    return `(block (result ${type}) ${callee} ${after} ${this.#leaf(type)})`;
  }

  #scalar(type: 'f32' | 'f64', depth: number): string {
    const inner = () => this.#expression(type, depth - 1);
    const other = type === 'f32' ? 'f64' : 'f32';
    switch (this.#below(9)) {
      case 0:
        return `(${type}.${this.#pick(['abs', 'neg'])} ${inner()})`;
      case 1:
        return `(${type}.copysign ${inner()} ${inner()})`;
      case 2:
        return this.#made(type, `(${type}.${this.#pick(unary)} ${inner()})`);
      case 3: {
        const convert = type === 'f32' ? 'f32.demote_f64' : 'f64.promote_f32';
        return this.#made(type, `(${convert} ${this.#expression(other, depth - 1)})`);
      }
      case 4:
        return type === 'f32'
          ? `(f32x4.extract_lane ${this.#below(4)} ${this.#expression('v128', depth - 1)})`
          : `(f64x2.extract_lane ${this.#below(2)} ${this.#expression('v128', depth - 1)})`;
      default:
        return this.#made(type, `(${type}.${this.#pick(binary)} ${inner()} ${inner()})`);
    }
  }

  #vector(depth: number): string {
    const inner = () => this.#expression('v128', depth - 1);
    const of = this.#pick(['f32x4', 'f64x2'] as const);
    const lane = of === 'f32x4' ? 'f32' : 'f64';
    switch (this.#below(12)) {
      case 0:
        return `(${of}.${this.#pick(['abs', 'neg'])} ${inner()})`;
      case 1:
        return `(${of}.${this.#pick(['pmin', 'pmax', 'lt', 'eq'])} ${inner()} ${inner()})`;
      case 2:
        return `(${of}.splat ${this.#expression(lane, depth - 1)})`;
      case 3:
        return `(${of}.replace_lane 1 ${inner()} ${this.#expression(lane, depth - 1)})`;
      case 4:
        return this.#made('f32x4', `(f32x4.demote_f64x2_zero ${inner()})`);
      case 5:
        return this.#made('f64x2', `(f64x2.promote_low_f32x4 ${inner()})`);
      case 6:
        return this.#made(of, `(${of}.${this.#pick(unary)} ${inner()})`);
      case 7:
        return `(v128.bitselect ${inner()} ${inner()} ${inner()})`;
      default:
        return this.#made(of, `(${of}.${this.#pick(binary)} ${inner()} ${inner()})`);
    }
  }

  #leaf(type: Type): string {
    switch (this.#below(8)) {
      case 0:
        return `(${type}.load (i32.const ${this.#below(62) * 8}))`;
      case 1:
        return `(global.get $${type})`;
      case 2:
        if (type === 'v128')
          return this.#pick(['(v128.const i64x2 0 0)', '(v128.const i32x4 -1 1 2 0x7fc00001)']);
        return `(${type}.const ${this.#pick(['0', '-1.5', 'inf', 'nan:0x12', '-nan', '1e30'])})`;
      default:
        return `(local.get ${this.#local(type)})`;
    }
  }
}
