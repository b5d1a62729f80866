;; Data for memory that it does not have.
;; begin more
  (data (i32.const 0x3fffff00) "beyond")
;; end more
