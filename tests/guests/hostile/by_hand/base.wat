;; A connector of the type `by_hand` that does nothing wrong. Attacks put parts of their own in
;; the place of those between `begin` and `end`.
;;
;; What it hands over lies at fixed places, each as the canonical ABI lays it out:
;;   64  texts          256 the descriptor    320 an empty verdict
;;   352 ok of a test   384 the outcome: no records, nothing skipped
;;   1024 and on        what the host writes
(module
;; begin imports
;; end imports
;; begin memory
  (memory (export "memory") 2)
;; end memory
  (data (i32.const 64) "by_handtestsBy hand{}")
  (data (i32.const 256)
    "\40\00\00\00" "\07\00\00\00"   ;; connector-type: 64, 7
    "\47\00\00\00" "\05\00\00\00"   ;; category: 71, 5
    "\4c\00\00\00" "\07\00\00\00"   ;; display-name: 76, 7
    "\80\00\00\00" "\02\00\00\00"   ;; actions: 128, 2
    "\53\00\00\00" "\02\00\00\00"   ;; config-schema: 83, 2
    "\00\00\00\00" "\00\00\00\00" "\00\00\00\00"  ;; policy-schema: none
    "\00\00\00\00" "\00\00\00\00")  ;; reads: nothing
  (data (i32.const 128) "\00\01")   ;; access, delete
  (global $next (mut i32) (i32.const 1024))
  (func (export "cordon:connector/connector@0.1.0#describe") (result i32) (i32.const 256))
  (func (export "cordon:connector/connector@0.1.0#validate")
    (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 320))
  (func (export "cordon:connector/connector@0.1.0#test") (param i32 i32) (result i32)
    (i32.const 352))
;; begin realloc
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    ;; The next multiple of 8, and on by what was asked for.
    (global.set $next
      (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 3))))
;; end realloc
;; begin run
  (func (export "cordon:connector/connector@0.1.0#run") (param i32) (result i32)
    (i32.const 384))
;; end run
;; begin post
;; end post
;; begin more
;; end more
)
