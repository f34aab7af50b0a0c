;; Tail calls: deep ones, indirect ones, to functions of other types.
(module
  (type $t (func (param i32 i64) (result i64)))
  (table funcref (elem $count $end))
  (func $count (type $t) (if (i32.eqz (local.get 0)) (then (return (local.get 1)))) (return_call $count (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3))))
  (func $end (type $t) (local.get 1))
  (func $other (param i64) (result i64) (return_call $end (i32.const 0) (i64.mul (local.get 0) (i64.const 5))))
  (func (export "return_call") (param i32 i64) (result i64) (return_call $count (i32.and (local.get 0) (i32.const 0xffff)) (local.get 1)))
  (func (export "return_call of another type") (param i64) (result i64) (return_call $other (local.get 0)))
  (func (export "return_call_indirect") (param i32 i64) (result i64) (return_call_indirect (type $t) (i32.const 9) (local.get 1) (local.get 0)))
  (func (export "from a block") (param i32 i64) (result i64) (loop (block (br_if 0 (local.get 0)) (return_call $other (local.get 1)))) (i64.const 1)))
