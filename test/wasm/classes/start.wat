;; Active segments and the start function.
(module
  (memory (export "memory") 1 3)
  (data (i32.const 10) "begins")
  (table (export "table") 3 funcref)
  (elem (i32.const 1) $start)
  (global $g (mut i32) (i32.const 1))
  (start $start)
  (func $start (global.set $g (i32.add (global.get $g) (i32.load8_u (i32.const 11)))) (i32.store (i32.const 40) (i32.const 99)))
  (func (export "after the start") (result i32) (i32.add (global.get $g) (i32.load (i32.const 40))))
  (func (export "the element") (param i32) (call_indirect (i32.and (local.get 0) (i32.const 3)))))
