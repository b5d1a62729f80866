;; Loops before anybody called it: in its start function.
;; begin more
  (func $spin (loop (br 0)))
  (start $spin)
;; end more
