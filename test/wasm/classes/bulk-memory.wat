;; Fill, copy, init and drop: within bounds, at them and beyond.
(module
  (memory (export "memory") 1 3)
  (data $d "bulk memory operations")
  (data $active (i32.const 100) "here")
  (func (export "memory.fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "memory.copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "memory.copy overlapping") (memory.copy (i32.const 98) (i32.const 100) (i32.const 30)) (memory.copy (i32.const 104) (i32.const 98) (i32.const 30)))
  (func (export "memory.init") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func (export "memory.init active") (param i32 i32 i32) (memory.init $active (local.get 0) (local.get 1) (local.get 2)))
  (func (export "data.drop") (data.drop $d) (data.drop $active))
  (func (export "memory.init dropped") (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2))))
