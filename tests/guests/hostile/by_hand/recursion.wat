;; Calls itself with nothing on the stack but that.
;; begin more
  (func $again (param i32) (result i32)
    (i32.add (local.get 0) (call $again (i32.add (local.get 0) (i32.const 1)))))
;; end more
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (call $again (i32.const 1)))
;; end run
