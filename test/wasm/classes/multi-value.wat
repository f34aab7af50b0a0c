;; Several results, and blocks that take and give values.
(module
  (func $pair (param i32) (result i32 i64) (i32.add (local.get 0) (i32.const 1)) (i64.extend_i32_s (local.get 0)))
  (func (export "results") (param i32) (result i32 i64) (call $pair (local.get 0)))
  (func (export "many results") (param i32 i64) (result i64 i32 i64 i32 i32) (local.get 1) (local.get 0) (i64.const 3) (i32.const 4) (i32.popcnt (local.get 0)))
  (func (export "block with parameters") (param i32) (result i32) (local.get 0) (i32.const 3) (block (param i32 i32) (result i32) i32.mul))
  (func (export "loop with parameters") (param i32) (result i32) (i32.and (local.get 0) (i32.const 31)) (i32.const 1) (loop $again (param i32 i32) (result i32) (i32.add) (local.set 0) (if (result i32) (i32.lt_s (local.get 0) (i32.const 50)) (then (local.get 0) (i32.const 9) (br $again)) (else (local.get 0)))))
  (func (export "if with parameters") (param i32) (result i32) (local.get 0) (i32.const 7) (local.get 0) (if (param i32 i32) (result i32) (then i32.add) (else i32.sub)))
  (func (export "br with values") (param i32) (result i32 i64) (block $b (result i32 i64) (i32.const 8) (i64.const 9) (br_if $b (local.get 0)) (drop) (drop) (call $pair (i32.const 20)))))
