;; Wants its memory at once, before it does anything.
;; begin memory
  (memory (export "memory") 65536)
;; end memory
