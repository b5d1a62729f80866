;; Grows a table until somebody says no, and goes on.
;; begin more
  (table $table 1 funcref)
;; end more
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (loop (drop (table.grow $table (ref.null func) (i32.const 1000))) (br 0))
    (unreachable))
;; end run
