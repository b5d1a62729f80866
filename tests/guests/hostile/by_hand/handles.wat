;; Makes records, and then: $VARIANT.
;; begin imports
  (import "cordon:connector/handles@0.1.0" "make-records" (func $make (param i32 i32 i32)))
  (import "cordon:connector/handles@0.1.0" "[method]records.count"
    (func $count (param i32) (result i32)))
  (import "cordon:connector/handles@0.1.0" "[method]input.labels"
    (func $labels (param i32 i32)))
  (import "cordon:connector/handles@0.1.0" "[resource-drop]records" (func $drop (param i32)))
;; end imports
;; begin run
  (data (i32.const 640) "[]")
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (local $records i32)
    ;; The result at 704: its tag, and at 712 the handle.
    (call $make (i32.const 640) (i32.const 2) (i32.const 704))
    (local.set $records (i32.load (i32.const 712)))
    $VARIANT
    (i32.const 384))
;; end run
