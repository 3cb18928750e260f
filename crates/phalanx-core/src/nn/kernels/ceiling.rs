//! What one core of this machine can do at most.

use std::hint::black_box;
use std::time::Instant;

use pulp::{Arch, Simd, WithSimd};

/// Multiply-adds of every sum between two looks at the clock.
const ROUNDS: usize = 1 << 16;

/// The fused multiply-adds of `f32` that one core does in a second when nothing holds it up, with the
/// widest vectors it has: the ceiling of every matrix product, but for those of large layers that a matrix
/// unit computes. Takes a twentieth of a second and counts the fastest of its parts.
pub fn multiply_adds_per_second() -> f64 {
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
    /// How many there were.
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        // So many that no multiply-add waits for another, and so few that all stay in registers.
        if S::REGISTER_COUNT >= 32 { self.add::<S, 16>(simd) } else { self.add::<S, 10>(simd) }
    }
}

impl Round {
    /// With so many independent sums.
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
