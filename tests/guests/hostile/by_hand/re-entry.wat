;; Calls the host while the host is calling it for a place to write to.
;; begin imports
  (import "cordon:connector/log@0.1.0" "write" (func $write (param i32 i32 i32)))
;; end imports
;; begin realloc
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 2) (i32.const 1))
      (then (call $write (i32.const 2) (i32.const 64) (i32.const 7))))
    (i32.const 1024))
;; end realloc
