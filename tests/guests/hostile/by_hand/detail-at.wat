;; Fails with a detail of 16 bytes, which lies at $VARIANT.
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (i32.store (i32.const 384) (i32.const 1))
    (i32.store (i32.const 388) (i32.const 5))
    (i32.store (i32.const 404) (i32.const $VARIANT))
    (i32.store (i32.const 408) (i32.const 16))
    (i32.const 384))
;; end run
