;; Sends a request with 10 000 headers of 1 000 pieces each, which are all the same 1 000.
;; begin imports
  (import "cordon:connector/http@0.1.0" "send" (func $send (param i32 i32)))
;; end imports
;; begin memory
  (memory (export "memory") 20)
;; end memory
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (local $at i32)
    ;; 1 000 pieces at 0x10000: each the literal of 7 bytes at 64.
    (local.set $at (i32.const 0x10000))
    (loop
      (i32.store offset=4 (local.get $at) (i32.const 64))
      (i32.store offset=8 (local.get $at) (i32.const 7))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 12)))
        (i32.const 0x12ee0))))
    ;; 10 000 headers at 0x20000: the name of 7 bytes at 64, and the pieces.
    (local.set $at (i32.const 0x20000))
    (loop
      (i32.store (local.get $at) (i32.const 64))
      (i32.store offset=4 (local.get $at) (i32.const 7))
      (i32.store offset=8 (local.get $at) (i32.const 0x10000))
      (i32.store offset=12 (local.get $at) (i32.const 1000))
      (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16)))
        (i32.const 0x47100))))
    ;; The request at 512: everything else of it is empty.
    (i32.store (i32.const 536) (i32.const 0x20000))
    (i32.store (i32.const 540) (i32.const 10000))
    (call $send (i32.const 512) (i32.const 768))
    (i32.const 384))
;; end run
