;; Logs at a level that does not exist.
;; begin imports
  (import "cordon:connector/log@0.1.0" "write" (func $write (param i32 i32 i32)))
;; end imports
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (call $write (i32.const 9) (i32.const 64) (i32.const 7))
    (i32.const 384))
;; end run
