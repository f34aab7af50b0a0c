// Small programs of pure computation, in AssemblyScript: each takes a size and answers a number that all of it went into.

export function fibonacci(n: i32): i32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

const flags = memory.data(1 << 20);

export function sieve(n: i32): i32 {
  memory.fill(flags, 0, n);
  let count = 0;
  for (let i = 2; i < n; i++) {
    if (load<u8>(flags + i)) continue;
    count++;
    for (let j = i + i; j < n; j += i) store<u8>(flags + j, 1);
  }
  return count;
}

const side = 160;
const a = memory.data(side * side * 8);
const b = memory.data(side * side * 8);
const c = memory.data(side * side * 8);

@inline function cell(row: i32, column: i32): usize {
  return ((row * side + column) as usize) << 3;
}

export function matrix(n: i32): f64 {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      store<f64>(a + cell(i, j), (i + j) as f64 * 0.5);
      store<f64>(b + cell(i, j), (i - j) as f64 * 0.25);
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum: f64 = 0;
      for (let k = 0; k < n; k++) sum += load<f64>(a + cell(i, k)) * load<f64>(b + cell(k, j));
      store<f64>(c + cell(i, j), sum);
    }
  }
  return load<f64>(c + cell(n - 1, n >> 1));
}

export function mandelbrot(n: i32): i32 {
  let total = 0;
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const cr = (x as f64) / (n as f64) * 2 - 1.5;
      const ci = (y as f64) / (n as f64) * 2 - 1;
      let r: f64 = 0, i: f64 = 0, k = 0;
      while (k < 150 && r * r + i * i <= 4) {
        const t = r * r - i * i + cr;
        i = 2 * r * i + ci;
        r = t;
        k++;
      }
      total += k;
    }
  }
  return total;
}

class Body {
  constructor(
    public x: f64, public y: f64, public z: f64, public vx: f64, public vy: f64, public vz: f64, public mass: f64,
  ) {}
}

const bodies: StaticArray<Body> = [
  new Body(0, 0, 0, 0, 0, 0, 39.47841760435743),
  new Body(4.84143144246472, -1.16032004402742, -0.10362204447112, 0.60632639299584, 2.81198684491626, -0.02521836165988, 0.03769367487038),
  new Body(8.34336671824458, 4.1247985641243, -0.40352341711432, -1.01077434617879, 1.82566237123041, 0.00841576137658, 0.01128632613195),
  new Body(12.89436956213913, -15.11115140169863, -0.22330757889265, 1.08279100644153, 0.86871301816960, -0.01083263740136, 0.00172372405705),
  new Body(15.37969711485092, -25.9193146099879, 0.17925877295037, 0.97909073224389, 0.59469899864767, -0.03475595555078, 0.00203368686992),
];

function advance(dt: f64): void {
  const size = bodies.length;
  for (let i = 0; i < size; i++) {
    const p = unchecked(bodies[i]);
    for (let j = i + 1; j < size; j++) {
      const q = unchecked(bodies[j]);
      const dx = p.x - q.x, dy = p.y - q.y, dz = p.z - q.z;
      const square = dx * dx + dy * dy + dz * dz;
      const magnitude = dt / (square * Math.sqrt(square));
      p.vx -= dx * q.mass * magnitude;
      p.vy -= dy * q.mass * magnitude;
      p.vz -= dz * q.mass * magnitude;
      q.vx += dx * p.mass * magnitude;
      q.vy += dy * p.mass * magnitude;
      q.vz += dz * p.mass * magnitude;
    }
    p.x += dt * p.vx;
    p.y += dt * p.vy;
    p.z += dt * p.vz;
  }
}

export function nbody(steps: i32): f64 {
  for (let i = 0; i < steps; i++) advance(0.001);
  return bodies[1].x;
}

const words = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2]);
const schedule = memory.data(256);
const state = memory.data<u32>([0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);

function compress(block: usize): void {
  for (let i: usize = 0; i < 16; i++) store<u32>(schedule + (i << 2), bswap(load<u32>(block + (i << 2))));
  for (let i: usize = 16; i < 64; i++) {
    const at = schedule + (i << 2);
    const x = load<u32>(at - 60), y = load<u32>(at - 8);
    const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >>> 3);
    const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >>> 10);
    store<u32>(at, load<u32>(at - 64) + s0 + load<u32>(at - 28) + s1);
  }
  let p = load<u32>(state), q = load<u32>(state, 4), r = load<u32>(state, 8), s = load<u32>(state, 12);
  let t = load<u32>(state, 16), u = load<u32>(state, 20), v = load<u32>(state, 24), w = load<u32>(state, 28);
  for (let i: usize = 0; i < 64; i++) {
    const s1 = rotr(t, 6) ^ rotr(t, 11) ^ rotr(t, 25);
    const t1 = w + s1 + ((t & u) ^ (~t & v)) + load<u32>(words + (i << 2)) + load<u32>(schedule + (i << 2));
    const s0 = rotr(p, 2) ^ rotr(p, 13) ^ rotr(p, 22);
    const t2 = s0 + ((p & q) ^ (p & r) ^ (q & r));
    w = v; v = u; u = t; t = s + t1; s = r; r = q; q = p; p = t1 + t2;
  }
  store<u32>(state, load<u32>(state) + p);
  store<u32>(state, load<u32>(state, 4) + q, 4);
  store<u32>(state, load<u32>(state, 8) + r, 8);
  store<u32>(state, load<u32>(state, 12) + s, 12);
  store<u32>(state, load<u32>(state, 16) + t, 16);
  store<u32>(state, load<u32>(state, 20) + u, 20);
  store<u32>(state, load<u32>(state, 24) + v, 24);
  store<u32>(state, load<u32>(state, 28) + w, 28);
}

export function sha256(blocks: i32): u32 {
  for (let i = 0; i < blocks; i++) compress(flags + ((i & 0xfff) << 6));
  return load<u32>(state);
}

const items = memory.data(1 << 19);

function quicksort(low: i32, high: i32, order: (a: u32, b: u32) => bool): void {
  while (low < high) {
    const pivot = load<u32>(items + ((((low + high) >> 1) as usize) << 2));
    let i = low, j = high;
    while (i <= j) {
      while (order(load<u32>(items + ((i as usize) << 2)), pivot)) i++;
      while (order(pivot, load<u32>(items + ((j as usize) << 2)))) j--;
      if (i <= j) {
        const t = load<u32>(items + ((i as usize) << 2));
        store<u32>(items + ((i as usize) << 2), load<u32>(items + ((j as usize) << 2)));
        store<u32>(items + ((j as usize) << 2), t);
        i++;
        j--;
      }
    }
    quicksort(low, j, order);
    low = i;
  }
}

export function sort(n: i32): u32 {
  let seed: u32 = 12345;
  for (let i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    store<u32>(items + ((i as usize) << 2), seed);
  }
  quicksort(0, n - 1, (x, y) => x < y);
  return load<u32>(items + (((n >> 1) as usize) << 2));
}

// Pushes 0 and n, then adds the top to the sum, counts it down and begins again, until it is 0.
const program = memory.data<u8>([1, 0, 2, 3, 4, 0, 5, 6, 7, 8]);

export function interpreter(n: i32): i32 {
  const stack = items;
  let top = 0, at: usize = program, sum = 0;
  while (true) {
    switch (load<u8>(at++)) {
      case 1:
        store<i32>(stack + (top++ << 2), load<u8>(at++) as i32);
        break;
      case 2:
        store<i32>(stack + (top++ << 2), n);
        break;
      case 3:
        sum = sum * 31 + load<i32>(stack + ((top - 1) << 2));
        break;
      case 4:
        at++;
        store<i32>(stack + ((top - 1) << 2), load<i32>(stack + ((top - 1) << 2)) ^ 0);
        break;
      case 5:
        store<i32>(stack + ((top - 1) << 2), load<i32>(stack + ((top - 1) << 2)) - 1);
        break;
      case 6:
        store<i32>(stack + (top << 2), load<i32>(stack + ((top - 1) << 2)));
        top++;
        break;
      case 7:
        if (load<i32>(stack + (--top << 2)) == 0) return sum;
        at = program + 3;
        break;
      default:
        return -1;
    }
  }
}

const text = changetype<usize>('{"id":12345,"name":"a trader","prices":[1.5,2.25,-3,1e3,0.125],"open":true,"note":null,"deep":{"x":[{"y":[]},{}]}} ');
let position: usize = 0;
let found = 0;

function space(): void {
  while (load<u8>(position) == 0x20) position++;
}

function stringLength(): i32 {
  const start = ++position;
  while (load<u8>(position) != 0x22) position += load<u8>(position) == 0x5c ? 2 : 1;
  return (position++ - start) as i32;
}

function numberValue(): f64 {
  let value: f64 = 0, sign: f64 = 1, scale: f64 = 1;
  if (load<u8>(position) == 0x2d) { sign = -1; position++; }
  let digit = load<u8>(position) as u32 - 0x30;
  while (digit < 10) { value = value * 10 + (digit as f64); digit = load<u8>(++position) as u32 - 0x30; }
  if (load<u8>(position) == 0x2e) {
    digit = load<u8>(++position) as u32 - 0x30;
    while (digit < 10) { scale *= 0.1; value += (digit as f64) * scale; digit = load<u8>(++position) as u32 - 0x30; }
  }
  if (load<u8>(position) == 0x65) {
    position++;
    digit = load<u8>(position++) as u32 - 0x30;
    while (digit-- > 0) value *= 10;
  }
  return sign * value;
}

function members(close: u8, named: bool): void {
  position++;
  space();
  while (load<u8>(position) != close) {
    if (named) {
      space();
      found += stringLength();
      space();
      position++;
    }
    parseValue();
    space();
    if (load<u8>(position) == 0x2c) position++;
  }
  position++;
}

function parseValue(): void {
  space();
  const first = load<u8>(position);
  if (first == 0x7b) members(0x7d, true);
  else if (first == 0x5b) members(0x5d, false);
  else if (first == 0x22) found += stringLength();
  else if (first == 0x74 || first == 0x6e) { position += 4; found++; }
  else if (first == 0x66) { position += 5; found++; }
  else found += numberValue() as i32;
}

export function json(rounds: i32): i32 {
  // The text is UTF-16 in memory; narrowed once.
  for (let i: usize = 0; i < 120; i++) store<u8>(items + i, load<u16>(text + (i << 1)) as u8);
  found = 0;
  for (let i = 0; i < rounds; i++) {
    position = items;
    parseValue();
  }
  return found;
}

export function search(n: i32): i32 {
  for (let i = 0; i < n; i++) store<u8>(flags + i, (((i * 7) ^ (i >> 5)) & 3) as u8 + 0x61);
  let hits = 0;
  for (let i = 0; i + 5 < n; i++) {
    let k = 0;
    while (k < 5 && load<u8>(flags + i + k) == load<u8>(flags + 100 + k)) k++;
    if (k == 5) hits++;
  }
  return hits;
}

export function vectors(n: i32): f32 {
  for (let i = 0; i < 4096; i++) store<f32>(items + ((i as usize) << 2), (i as f32) * 0.001);
  let sum = f32x4.splat(0);
  for (let round = 0; round < n; round++) {
    const factor = f32x4.splat((round as f32) * 0.01);
    for (let at: usize = 0; at < 16384; at += 16) {
      const x = v128.load(items + at);
      const y = f32x4.add(f32x4.mul(x, factor), x);
      v128.store(items + 16384 + at, y);
      sum = f32x4.add(sum, f32x4.max(y, factor));
    }
  }
  return f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 3);
}
