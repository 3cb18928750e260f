//! Random numbers of the tests.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// A stream of random numbers, the same on every machine.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// Returns one of several independent streams.
    pub(crate) fn stream(index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        rng.set_stream((10 << 32) | u64::from(index));
        Self(rng)
    }

    /// Draws uniformly from `[0, 1)`.
    pub(crate) fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Draws uniformly from `[low, high)`.
    pub(crate) fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// Draws an index below `n`, uniformly (Lemire's multiplication with rejection).
    pub(crate) fn below(&mut self, n: usize) -> usize {
        let n = u32::try_from(n).expect("an index fits 32 bits");
        let mut product = u64::from(self.0.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as usize
    }
}
