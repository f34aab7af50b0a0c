;; Globals and locals of every type.
(module
  (global $i (mut i32) (i32.const -7))
  (global $l (mut i64) (i64.const 9))
  (global $f (mut f32) (f32.const 1.5))
  (global $d (mut f64) (f64.const -0.5))
  (global $v (mut v128) (v128.const i32x4 1 2 3 4))
  (global $c i64 (i64.const 77))
  (func (export "i32") (param i32) (result i32) (global.get $i) (global.set $i (local.get 0)))
  (func (export "i64") (param i64) (result i64) (global.get $l) (global.set $l (i64.add (local.get 0) (global.get $c))))
  (func (export "f32") (param i32) (result i32) (i32.reinterpret_f32 (global.get $f)) (global.set $f (f32.reinterpret_i32 (local.get 0))))
  (func (export "f64") (param i64) (result i64) (i64.reinterpret_f64 (global.get $d)) (global.set $d (f64.reinterpret_i64 (local.get 0))))
  (func (export "v128") (param i64 i64) (result i64 i64) (i64x2.extract_lane 0 (global.get $v)) (i64x2.extract_lane 1 (global.get $v)) (global.set $v (i64x2.replace_lane 1 (i64x2.splat (local.get 0)) (local.get 1))))
  (func (export "locals") (param i32) (result i32) (local i32 i64 f32 f64 v128) (local.set 1 (local.tee 0 (i32.add (local.get 0) (local.get 1)))) (i32.add (local.get 0) (i32.add (local.get 1) (i32.wrap_i64 (local.get 2))))))
