;; Wants its table at once, before it does anything.
;; begin more
  (table 10000000 funcref)
;; end more
