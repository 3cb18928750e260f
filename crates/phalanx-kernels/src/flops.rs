//! Multiply-adds: the number in the matrix products of this process, and the peak throughput of a
//! core.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

static COUNTING: AtomicBool = AtomicBool::new(false);
static DONE: AtomicU64 = AtomicU64::new(0);

/// Adds the multiply-adds of a product to the counter if counting is enabled.
#[inline]
pub(crate) fn count(multiply_adds: usize) {
    if COUNTING.load(Ordering::Relaxed) {
        DONE.fetch_add(multiply_adds as u64, Ordering::Relaxed);
    }
}

/// Runs `work` and counts the multiply-adds of all matrix products that the process computes
/// meanwhile for acting and learning on the device `cpu`. Products on other devices and other
/// operations are not counted. Divided by [`peak_fma_per_second`], the count is a lower bound of
/// the time.
///
/// Calls must not be nested.
pub fn count_multiply_adds<R>(work: impl FnOnce() -> R) -> (R, u64) {
    let before = DONE.load(Ordering::Relaxed);
    COUNTING.store(true, Ordering::Relaxed);
    let result = work();
    COUNTING.store(false, Ordering::Relaxed);
    (result, DONE.load(Ordering::Relaxed) - before)
}

/// The number of multiply-adds of each sum in a round.
const ROUNDS: usize = 1 << 16;

/// Measures the peak throughput of one core: fused multiply-adds of `f32` per second with its
/// widest vectors. It bounds all matrix products except those of large layers on a matrix unit.
/// Takes 0.05 seconds and returns the fastest of several rounds.
pub fn peak_fma_per_second() -> f64 {
    let arch = Arch::new();
    let begin = Instant::now();
    let mut best = 0.0_f64;
    while begin.elapsed().as_secs_f64() < 0.05 {
        let start = Instant::now();
        let done = arch.dispatch(Round { factor: black_box(0.999) });
        best = best.max(done as f64 / start.elapsed().as_secs_f64());
    }
    best
}

struct Round {
    factor: f32,
}

impl WithSimd for Round {
    /// The number of multiply-adds of a round.
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        // Enough sums that no multiply-add waits for another, and few enough to stay in registers.
        if S::REGISTER_COUNT >= 32 { self.add::<S, 16>(simd) } else { self.add::<S, 10>(simd) }
    }
}

impl Round {
    /// Runs a round with `SUMS` independent sums.
    #[inline(always)]
    fn add<S: Simd, const SUMS: usize>(self, simd: S) -> usize {
        let factor = simd.splat_f32s(self.factor);
        let mut sums = [simd.splat_f32s(1.0); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, factor);
            }
        }
        black_box(sums);
        ROUNDS * SUMS * S::F32_LANES
    }
}
