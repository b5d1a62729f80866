;; Fails with a detail of $VARIANT bytes, of which it has 62 million at most.
;; begin memory
  (memory (export "memory") 1000)
;; end memory
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (memory.fill (i32.const 0x10000) (i32.const 0x78) (i32.const 0x3d00000))
    (i32.store (i32.const 384) (i32.const 1))          ;; err
    (i32.store (i32.const 388) (i32.const 5))          ;; code: internal
    (i32.store (i32.const 392) (i32.const 0))          ;; no label
    (i32.store (i32.const 404) (i32.const 0x10000))    ;; detail
    (i32.store (i32.const 408) (i32.const $VARIANT))
    (i32.const 384))
;; end run
