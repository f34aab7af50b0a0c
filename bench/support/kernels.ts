// Small programs of pure computation, in the text format: calls, byte stores, floating loads, and a tight float loop.

export const kernelsText = `(module (memory (export "memory") 16)
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))

  (func (export "sieve") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $count i32)
    (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
    (local.set $i (i32.const 2))
    (loop $outer
      (if (i32.eqz (i32.load8_u (local.get $i))) (then
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (local.set $j (i32.mul (local.get $i) (local.get $i)))
        (block $done (loop $inner
          (br_if $done (i32.ge_u (local.get $j) (local.get $n)))
          (i32.store8 (local.get $j) (i32.const 1))
          (local.set $j (i32.add (local.get $j) (local.get $i)))
          (br $inner)))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $outer (i32.lt_u (i32.mul (local.get $i) (local.get $i)) (local.get $n))))
    (local.get $count))

  (func $at (param $n i32) (param $row i32) (param $column i32) (result i32)
    (i32.shl (i32.add (i32.mul (local.get $row) (local.get $n)) (local.get $column)) (i32.const 3)))
  (func (export "matrix") (param $n i32) (result f64)
    (local $i i32) (local $j i32) (local $k i32) (local $sum f64) (local $a i32) (local $b i32)
    (loop $rows
      (local.set $j (i32.const 0))
      (loop $columns
        (local.set $k (i32.const 0))
        (local.set $sum (f64.const 0))
        (local.set $a (call $at (local.get $n) (local.get $i) (i32.const 0)))
        (local.set $b (i32.shl (local.get $j) (i32.const 3)))
        (loop $products
          (local.set $sum (f64.add (local.get $sum)
            (f64.mul (f64.load (local.get $a)) (f64.load offset=300000 (local.get $b)))))
          (local.set $a (i32.add (local.get $a) (i32.const 8)))
          (local.set $b (i32.add (local.get $b) (i32.shl (local.get $n) (i32.const 3))))
          (br_if $products (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $n))))
        (f64.store offset=600000 (call $at (local.get $n) (local.get $i) (local.get $j)) (local.get $sum))
        (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
      (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
    (f64.load (i32.const 600000)))

  (func (export "mandelbrot") (param $n i32) (result i32)
    (local $x i32) (local $y i32) (local $k i32) (local $total i32)
    (local $cr f64) (local $ci f64) (local $r f64) (local $i f64) (local $t f64)
    (loop $lines
      (local.set $x (i32.const 0))
      (loop $points
        (local.set $cr (f64.sub
          (f64.div (f64.convert_i32_s (local.get $x)) (f64.convert_i32_s (local.get $n))) (f64.const 1.5)))
        (local.set $ci (f64.sub
          (f64.div (f64.convert_i32_s (local.get $y)) (f64.convert_i32_s (local.get $n))) (f64.const 0.5)))
        (local.set $r (f64.const 0)) (local.set $i (f64.const 0)) (local.set $k (i32.const 0))
        (block $out (loop $orbit
          (local.set $t (f64.add (local.get $cr) (f64.sub
            (f64.mul (local.get $r) (local.get $r)) (f64.mul (local.get $i) (local.get $i)))))
          (local.set $i (f64.add (local.get $ci) (f64.mul (f64.const 2) (f64.mul (local.get $r) (local.get $i)))))
          (local.set $r (local.get $t))
          (br_if $out (f64.gt (f64.add
            (f64.mul (local.get $r) (local.get $r)) (f64.mul (local.get $i) (local.get $i))) (f64.const 4)))
          (br_if $orbit (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 200)))))
        (local.set $total (i32.add (local.get $total) (local.get $k)))
        (br_if $points (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $n))))
      (br_if $lines (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $n))))
    (local.get $total)))`;

/** A call of each that takes a few milliseconds. */
export const kernelCalls: readonly (readonly [string, number])[] = [
  ['fib', 27],
  ['sieve', 1_000_000],
  ['matrix', 150],
  ['mandelbrot', 120],
];
