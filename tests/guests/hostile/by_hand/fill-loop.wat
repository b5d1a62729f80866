;; Fills and copies all its memory for ever: each instruction is long, and looks at nothing.
;; begin memory
  (memory (export "memory") 1000)
;; end memory
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (loop
      (memory.fill (i32.const 0x10000) (i32.const 7) (i32.const 0x3d00000))
      (memory.copy (i32.const 0x20000) (i32.const 0x10000) (i32.const 0x3c00000))
      (br 0))
    (unreachable))
;; end run
