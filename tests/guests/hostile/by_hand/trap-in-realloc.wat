;; Breaks while the host is half way through handing it its task: at the third place to write to
;; that the host asks for, when two of its texts are written and the others are still held.
;; begin realloc
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (if (i32.gt_u (local.get 2) (i32.const 1)) (then (global.set $in_run (i32.const 1))))
    (if (global.get $in_run) (then
      (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
      (if (i32.gt_u (global.get $asked) (i32.const 2)) (then (unreachable)))))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (i32.const 0x4000))))
  (global $in_run (mut i32) (i32.const 0))
  (global $asked (mut i32) (i32.const 0))
;; end realloc
