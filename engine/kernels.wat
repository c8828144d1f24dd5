;; The update of the training state, in place. Compiled by scripts/build-kernels.ts into
;; engine/kernels-binary.ts. Addresses are bytes; counts are floats and, but for rows,
;; multiples of four (every block is padded with zeros to that).
(module
  (import "state" "memory" (memory 1 65536))

  ;; Adam with decoupled weight decay (Loshchilov and Hutter 2019), four floats at a time:
  ;;   x = scale g;  m = b1 m + (1-b1) x;  v = b2 v + (1-b2) x x
  ;;   p = keep p - rate m / (correction sqrt(v) + epsilon);  g = 0
  ;; with rate = lr / (1 - b1^t), correction = 1 / sqrt(1 - b2^t) and keep = 1 - lr decay. Moments of rows
  ;; that are rarely used would end as denormals, which some processors handle very slowly: adding and
  ;; subtracting 1e-25 keeps them at zero or well above, and leaves values that matter alone.
  (func (export "adamw")
    (param $p i32) (param $m i32) (param $v i32) (param $g i32) (param $count i32)
    (param $rate f32) (param $correction f32) (param $epsilon f32)
    (param $b1 f32) (param $b2 f32) (param $scale f32) (param $keep f32)
    (local $end i32) (local $x v128) (local $mean v128) (local $square v128)
    (local $Rate v128) (local $Correction v128) (local $Epsilon v128) (local $Scale v128)
    (local $Keep v128) (local $B1 v128) (local $C1 v128) (local $B2 v128) (local $C2 v128)
    (local $Tiny v128)
    ;; constants of the loop, spread over the lanes once
    (local.set $Rate (f32x4.splat (local.get $rate)))
    (local.set $Correction (f32x4.splat (local.get $correction)))
    (local.set $Epsilon (f32x4.splat (local.get $epsilon)))
    (local.set $Scale (f32x4.splat (local.get $scale)))
    (local.set $Keep (f32x4.splat (local.get $keep)))
    (local.set $B1 (f32x4.splat (local.get $b1)))
    (local.set $C1 (f32x4.splat (f32.sub (f32.const 1) (local.get $b1))))
    (local.set $B2 (f32x4.splat (local.get $b2)))
    (local.set $C2 (f32x4.splat (f32.sub (f32.const 1) (local.get $b2))))
    (local.set $Tiny (f32x4.splat (f32.const 1e-25)))
    (local.set $end (i32.add (local.get $p) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $p) (local.get $end)))
        (local.set $x (f32x4.mul (local.get $Scale) (v128.load (local.get $g))))
        (v128.store (local.get $g) (v128.const f32x4 0 0 0 0))
        (local.set $mean
          (f32x4.add
            (f32x4.mul (local.get $B1) (v128.load (local.get $m)))
            (f32x4.mul (local.get $C1) (local.get $x))))
        (local.set $mean
          (f32x4.sub (f32x4.add (local.get $mean) (local.get $Tiny)) (local.get $Tiny)))
        (v128.store (local.get $m) (local.get $mean))
        (local.set $square
          (f32x4.add
            (f32x4.mul (local.get $B2) (v128.load (local.get $v)))
            (f32x4.mul (local.get $C2) (f32x4.mul (local.get $x) (local.get $x)))))
        (local.set $square
          (f32x4.sub (f32x4.add (local.get $square) (local.get $Tiny)) (local.get $Tiny)))
        (v128.store (local.get $v) (local.get $square))
        (v128.store (local.get $p)
          (f32x4.sub
            (f32x4.mul (local.get $Keep) (v128.load (local.get $p)))
            (f32x4.div
              (f32x4.mul (local.get $Rate) (local.get $mean))
              (f32x4.add
                (f32x4.mul (local.get $Correction) (f32x4.sqrt (local.get $square)))
                (local.get $Epsilon)))))
        (local.set $p (i32.add (local.get $p) (i32.const 16)))
        (local.set $m (i32.add (local.get $m) (i32.const 16)))
        (local.set $v (i32.add (local.get $v) (i32.const 16)))
        (local.set $g (i32.add (local.get $g) (i32.const 16)))
        (br $next))))

  ;; target[ids[i]] += rows[i] for rows of any width, in order, so that the sums never depend on threads.
  (func (export "addRows")
    (param $target i32) (param $ids i32) (param $rows i32) (param $count i32) (param $width i32)
    (local $to i32) (local $bytes i32) (local $quads i32) (local $end i32) (local $stop i32)
    (local.set $bytes (i32.shl (local.get $width) (i32.const 2)))
    (local.set $quads (i32.and (local.get $bytes) (i32.const -16)))
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $to
          (i32.add (local.get $target) (i32.mul (local.get $bytes) (i32.load (local.get $ids)))))
        (local.set $stop (i32.add (local.get $rows) (local.get $quads)))
        (local.set $end (i32.add (local.get $rows) (local.get $bytes)))
        (block $quadsDone
          (loop $quad
            (br_if $quadsDone (i32.ge_u (local.get $rows) (local.get $stop)))
            (v128.store (local.get $to)
              (f32x4.add (v128.load (local.get $to)) (v128.load (local.get $rows))))
            (local.set $to (i32.add (local.get $to) (i32.const 16)))
            (local.set $rows (i32.add (local.get $rows) (i32.const 16)))
            (br $quad)))
        (block $tailDone
          (loop $tail
            (br_if $tailDone (i32.ge_u (local.get $rows) (local.get $end)))
            (f32.store (local.get $to)
              (f32.add (f32.load (local.get $to)) (f32.load (local.get $rows))))
            (local.set $to (i32.add (local.get $to) (i32.const 4)))
            (local.set $rows (i32.add (local.get $rows) (i32.const 4)))
            (br $tail)))
        (local.set $ids (i32.add (local.get $ids) (i32.const 4)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $row))))

  ;; target = sum over k < each of weights[k] source[ids[k]], added in that order; one row of any width.
  (func (export "mix")
    (param $target i32) (param $ids i32) (param $weights i32) (param $source i32)
    (param $each i32) (param $width i32)
    (local $bytes i32) (local $quads i32) (local $j i32) (local $k i32) (local $x v128) (local $y f32)
    (local.set $bytes (i32.shl (local.get $width) (i32.const 2)))
    (local.set $quads (i32.and (local.get $bytes) (i32.const -16)))
    (local.set $each (i32.shl (local.get $each) (i32.const 2)))
    (block $quadsDone
      (loop $quad
        (br_if $quadsDone (i32.ge_u (local.get $j) (local.get $quads)))
        (local.set $x (v128.const f32x4 0 0 0 0))
        (local.set $k (i32.const 0))
        (block $sumDone
          (loop $term
            (br_if $sumDone (i32.ge_u (local.get $k) (local.get $each)))
            (local.set $x
              (f32x4.add (local.get $x)
                (f32x4.mul
                  (v128.load32_splat (i32.add (local.get $weights) (local.get $k)))
                  (v128.load
                    (i32.add (local.get $j)
                      (i32.add (local.get $source)
                        (i32.mul (local.get $bytes)
                          (i32.load (i32.add (local.get $ids) (local.get $k))))))))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $term)))
        (v128.store (i32.add (local.get $target) (local.get $j)) (local.get $x))
        (local.set $j (i32.add (local.get $j) (i32.const 16)))
        (br $quad)))
    (block $tailDone
      (loop $tail
        (br_if $tailDone (i32.ge_u (local.get $j) (local.get $bytes)))
        (local.set $y (f32.const 0))
        (local.set $k (i32.const 0))
        (block $sumDone
          (loop $term
            (br_if $sumDone (i32.ge_u (local.get $k) (local.get $each)))
            (local.set $y
              (f32.add (local.get $y)
                (f32.mul
                  (f32.load (i32.add (local.get $weights) (local.get $k)))
                  (f32.load
                    (i32.add (local.get $j)
                      (i32.add (local.get $source)
                        (i32.mul (local.get $bytes)
                          (i32.load (i32.add (local.get $ids) (local.get $k))))))))))
            (local.set $k (i32.add (local.get $k) (i32.const 4)))
            (br $term)))
        (f32.store (i32.add (local.get $target) (local.get $j)) (local.get $y))
        (local.set $j (i32.add (local.get $j) (i32.const 4)))
        (br $tail))))

  ;; target[ids[k]] += weights[k] row for k < each, in order: the way back of mix.
  (func (export "spread")
    (param $target i32) (param $ids i32) (param $weights i32) (param $row i32)
    (param $each i32) (param $width i32)
    (local $bytes i32) (local $quads i32) (local $to i32) (local $j i32) (local $x v128)
    (local.set $bytes (i32.shl (local.get $width) (i32.const 2)))
    (local.set $quads (i32.and (local.get $bytes) (i32.const -16)))
    (block $done
      (loop $term
        (br_if $done (i32.eqz (local.get $each)))
        (local.set $to
          (i32.add (local.get $target) (i32.mul (local.get $bytes) (i32.load (local.get $ids)))))
        (local.set $x (v128.load32_splat (local.get $weights)))
        (local.set $j (i32.const 0))
        (block $quadsDone
          (loop $quad
            (br_if $quadsDone (i32.ge_u (local.get $j) (local.get $quads)))
            (v128.store (i32.add (local.get $to) (local.get $j))
              (f32x4.add
                (v128.load (i32.add (local.get $to) (local.get $j)))
                (f32x4.mul (local.get $x) (v128.load (i32.add (local.get $row) (local.get $j))))))
            (local.set $j (i32.add (local.get $j) (i32.const 16)))
            (br $quad)))
        (block $tailDone
          (loop $tail
            (br_if $tailDone (i32.ge_u (local.get $j) (local.get $bytes)))
            (f32.store (i32.add (local.get $to) (local.get $j))
              (f32.add
                (f32.load (i32.add (local.get $to) (local.get $j)))
                (f32.mul
                  (f32.load (local.get $weights))
                  (f32.load (i32.add (local.get $row) (local.get $j))))))
            (local.set $j (i32.add (local.get $j) (i32.const 4)))
            (br $tail)))
        (local.set $ids (i32.add (local.get $ids) (i32.const 4)))
        (local.set $weights (i32.add (local.get $weights) (i32.const 4)))
        (local.set $each (i32.sub (local.get $each) (i32.const 1)))
        (br $term))))

  ;; Sum of squares in float64, for clipping by the global norm.
  (func (export "sumSquares") (param $at i32) (param $count i32) (result f64)
    (local $end i32) (local $x v128) (local $low v128) (local $high v128)
    (local.set $end (i32.add (local.get $at) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $x (f64x2.promote_low_f32x4 (v128.load (local.get $at))))
        (local.set $low (f64x2.add (local.get $low) (f64x2.mul (local.get $x) (local.get $x))))
        (local.set $x
          (f64x2.promote_low_f32x4
            (v128.load64_zero (i32.add (local.get $at) (i32.const 8)))))
        (local.set $high (f64x2.add (local.get $high) (f64x2.mul (local.get $x) (local.get $x))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.set $low (f64x2.add (local.get $low) (local.get $high)))
    (f64.add
      (f64x2.extract_lane 0 (local.get $low))
      (f64x2.extract_lane 1 (local.get $low))))

  ;; a += weight (p - a), in float64 and rounded once: the moving average of the parameters.
  (func (export "follow") (param $a i32) (param $p i32) (param $count i32) (param $weight f64)
    (local $end i32) (local $Weight v128) (local $x v128)
    (local.set $Weight (f64x2.splat (local.get $weight)))
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $x (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $a))))
        (v128.store64_lane 0 (local.get $a)
          (f32x4.demote_f64x2_zero
            (f64x2.add (local.get $x)
              (f64x2.mul (local.get $Weight)
                (f64x2.sub
                  (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $p)))
                  (local.get $x))))))
        (local.set $a (i32.add (local.get $a) (i32.const 8)))
        (local.set $p (i32.add (local.get $p) (i32.const 8)))
        (br $next))))

  ;; Exchanges two blocks.
  (func (export "swap") (param $a i32) (param $b i32) (param $count i32)
    (local $end i32) (local $x v128)
    (local.set $end (i32.add (local.get $a) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $a) (local.get $end)))
        (local.set $x (v128.load (local.get $a)))
        (v128.store (local.get $a) (v128.load (local.get $b)))
        (v128.store (local.get $b) (local.get $x))
        (local.set $a (i32.add (local.get $a) (i32.const 16)))
        (local.set $b (i32.add (local.get $b) (i32.const 16)))
        (br $next))))
)
