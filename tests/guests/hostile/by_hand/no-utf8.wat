;; Fails with a detail that is no UTF-8: the bytes $VARIANT.
;; begin more
  (data (i32.const 640) "$VARIANT")
;; end more
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (i32.store (i32.const 384) (i32.const 1))
    (i32.store (i32.const 388) (i32.const 5))
    (i32.store (i32.const 404) (i32.const 640))
    (i32.store (i32.const 408) (i32.const 4))
    (i32.const 384))
;; end run
