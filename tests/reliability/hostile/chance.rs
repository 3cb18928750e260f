//! The chances that shape one input.

use phalanx::rng::{Purpose, Rng};

/// A stream of choices that depends on a seed, a target and the index of an input, and on nothing else.
pub struct Chance(Rng);

impl Chance {
    /// Returns the stream of the input number `case` of `target`.
    pub fn of(seed: u64, target: &str, case: u64) -> Self {
        // FNV-1a, so that targets of the same seed have different streams.
        let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let name = target.bytes().chain(case.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, fold);
        Self(Rng::stream(seed ^ name, Purpose::Check, 0))
    }

    /// Returns true once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// Returns a number below `n`, which must not be zero.
    pub fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    /// Returns one of `values`, of which there must be one.
    pub fn pick<'a, T>(&mut self, values: &'a [T]) -> &'a T {
        &values[self.below(values.len())]
    }

    /// Returns `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.0.next_u32() as u8).collect()
    }
}
