//! The only source of randomness: ChaCha8 streams addressed by seed, purpose and index.
//!
//! A trajectory depends on the seed and on the index of its environment, never on the thread that
//! computes it, the number of threads or the order of completion, because every consumer draws from
//! its own stream. A stream is seekable: its whole state is [`RngState`], three numbers in a
//! checkpoint.

use std::convert::Infallible;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng, TryRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The purpose of a random stream. Streams of different purposes never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Purpose {
    /// The training environments; the index is the environment's.
    Environment = 1,
    /// The environments of the greedy evaluation; the index is the environment's.
    TestEnvironment = 2,
    /// Action selection during training; the index is the environment's.
    Exploration = 3,
    /// Action selection of stochastic policies during evaluation.
    TestExploration = 4,
    /// Sampling from the replay buffer.
    Replay = 5,
    /// The order of minibatches.
    Minibatch = 6,
    /// The initial weights; the index is the network's.
    Weights = 7,
    /// Statistics (bootstrap resampling).
    Statistics = 8,
    /// Scripted policies, and random policies of recorded traces.
    ScriptedPolicy = 9,
    /// Tests and conformance checks.
    Check = 10,
    /// The starting points of a search for the best joint action.
    Selection = 11,
}

/// A random stream.
///
/// ```
/// use phalanx_core::rng::{Purpose, Rng};
///
/// let mut a = Rng::stream(7, Purpose::Environment, 0);
/// let mut b = Rng::stream(7, Purpose::Environment, 0);
/// assert_eq!(a.next_u64(), b.next_u64());
/// let mut other = Rng::stream(7, Purpose::Environment, 1);
/// assert_ne!(a.next_u64(), other.next_u64());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Rng(ChaCha8Rng);

/// State of an [`Rng`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RngState {
    /// The 256-bit key.
    pub seed: [u8; 32],
    /// The stream of this key: purpose in the upper 32 bits, index in the lower.
    pub stream: u64,
    /// The position in the stream, in 32-bit words.
    pub word_position: u128,
}

impl Rng {
    /// Creates the stream of `seed` for a `purpose` and an `index` (usually that of an
    /// environment).
    pub fn stream(seed: u64, purpose: Purpose, index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((u64::from(purpose as u32) << 32) | u64::from(index));
        Self(rng)
    }

    /// Draws 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Draws 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Draws uniformly from `[0, 1)`, with the 24 bits of an `f32`.
    #[inline]
    pub fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Draws uniformly from `[low, high)`.
    #[inline]
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// Draws a uniform index below `n`, without bias (Lemire's multiplication with rejection).
    ///
    /// # Panics
    ///
    /// Panics if `n` is zero or does not fit into 32 bits.
    #[inline]
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "`n` must be at least 1");
        let n = u32::try_from(n).expect("`n` must fit into 32 bits");
        let mut product = u64::from(self.0.next_u32()) * u64::from(n);
        if (product as u32) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u32) < threshold {
                product = u64::from(self.0.next_u32()) * u64::from(n);
            }
        }
        (product >> 32) as usize
    }

    /// Draws the index of a `true` entry of `mask` uniformly. Returns `None` if there is none.
    pub fn choose(&mut self, mask: &[bool]) -> Option<usize> {
        let n = mask.iter().filter(|&&on| on).count();
        if n == 0 {
            return None;
        }
        let pick = self.below(n);
        mask.iter().enumerate().filter(|(_, on)| **on).map(|(index, _)| index).nth(pick)
    }

    /// Permutes `items` uniformly (Fisher-Yates shuffle).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Returns the state to store in a checkpoint.
    pub fn state(&self) -> RngState {
        RngState {
            seed: self.0.get_seed(),
            stream: self.0.get_stream(),
            word_position: self.0.get_word_pos(),
        }
    }

    /// Creates a stream that continues from a state returned by [`Rng::state`].
    pub fn from_state(state: RngState) -> Self {
        let mut rng = ChaCha8Rng::from_seed(state.seed);
        rng.set_stream(state.stream);
        rng.set_word_pos(state.word_position);
        Self(rng)
    }
}

/// Distributions of the `rand` ecosystem can draw from the stream.
impl TryRng for Rng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

impl Serialize for Rng {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Rng {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RngState::deserialize(deserializer).map(Self::from_state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_state_continues_the_stream() {
        let mut rng = Rng::stream(3, Purpose::Replay, 5);
        for _ in 0..37 {
            rng.next_u32();
        }
        let mut copy = Rng::from_state(rng.state());
        for _ in 0..1000 {
            assert_eq!(rng.next_u32(), copy.next_u32());
        }
    }

    #[test]
    fn purposes_and_indices_do_not_share_a_stream() {
        let mut first = Vec::new();
        for purpose in [Purpose::Environment, Purpose::Exploration, Purpose::Replay] {
            for index in 0..4 {
                first.push(Rng::stream(1, purpose, index).next_u64());
            }
        }
        let total = first.len();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), total);
    }

    #[test]
    fn indices_are_uniform() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[rng.below(7)] += 1;
        }
        // Five standard deviations of a binomial with mean 10 000.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 463), "{counts:?}");
    }

    #[test]
    fn distributions_of_the_rand_ecosystem_draw_from_a_stream() {
        use rand_distr::{Distribution, Exp1};
        let mut rng = Rng::stream(4, Purpose::Check, 0);
        let draws = 100_000;
        let sum: f64 = (0..draws).map(|_| -> f64 { Exp1.sample(&mut rng) }).sum();
        // Five standard deviations of the mean of exponential draws.
        assert!((sum / f64::from(draws) - 1.0).abs() < 0.016, "{sum}");
    }

    #[test]
    fn a_choice_is_a_true_entry_of_the_mask() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let mask = [false, true, false, true];
        for _ in 0..100 {
            let pick = rng.choose(&mask).expect("two entries are true");
            assert!(mask[pick]);
        }
        assert_eq!(rng.choose(&[false; 4]), None);
    }
}
