;; Its outcome has a tag that does not exist: 9 at $VARIANT.
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (i32.store8 (i32.const $VARIANT) (i32.const 9))
    (i32.const 384))
;; end run
