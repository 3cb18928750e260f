//! Upper bound on the memory of the replay buffer, reported at startup.

use std::fmt;

use phalanx_core::env::EnvSpec;

use super::packed_episode::PackedEpisode;
use super::replay_config::ReplayConfig;
use crate::config::ByteSize;

/// Upper bounds on the bytes of a replay buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplaySizeBound {
    /// The size of the largest episode: one of maximum length, without any zero or one.
    pub episode: u64,
    /// The size of the whole buffer: full of such episodes, or at its limit if that is smaller.
    pub at_most: u64,
    /// The size of as many episodes in PyMARL's layout: dense, and padded to the episode limit plus
    /// one step.
    pub pymarl: u64,
}

impl ReplaySizeBound {
    /// Computes the bounds for an environment.
    ///
    /// Per step, PyMARL's layout holds observations, states, one-hot last actions and the reward as
    /// `f32`, available actions as `i32`, actions and `filled` as `i64`, and `terminated` as one
    /// byte.
    pub fn new(spec: &EnvSpec, config: &ReplayConfig) -> Self {
        let capacity = config.capacity as u64;
        let episode = PackedEpisode::most_bytes(spec, config.precision);
        let floats = spec.obs_len() + spec.state_dim + spec.avail_len() + 1;
        let step = floats * size_of::<f32>()
            + spec.avail_len() * size_of::<i32>()
            + (spec.n_agents() + 1) * size_of::<i64>()
            + size_of::<u8>();
        Self {
            episode,
            at_most: capacity.saturating_mul(episode).min(config.bytes.unwrap_or(u64::MAX)),
            pymarl: capacity.saturating_mul(((spec.episode_limit + 1) * step) as u64),
        }
    }
}

impl fmt::Display for ReplaySizeBound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at_most, pymarl) = (ByteSize(self.at_most), ByteSize(self.pymarl));
        write!(f, "replay buffer: at most {at_most} (PyMARL's dense layout: {pymarl})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Precision;

    fn marines() -> EnvSpec {
        EnvSpec {
            n_actions: 36,
            obs_dim: 285,
            state_dim: 1170,
            episode_limit: 180,
            ..EnvSpec::new("27m_vs_30m", 27)
        }
    }

    #[test]
    fn pymarl_needs_36_6_gib_for_27m_vs_30m() {
        let size = ReplaySizeBound::new(&marines(), &ReplayConfig::default());
        // 181 steps of 27 * 285 + 1170 + 27 * 36 + 1 numbers and 27 * 36 mask entries of four bytes,
        // 27 actions and a flag of eight bytes, and one byte.
        assert_eq!(size.pymarl, 5000 * 181 * (4 * 9838 + 4 * 972 + 8 * 28 + 1));
        let text = size.to_string();
        assert!(text.ends_with("(PyMARL's dense layout: 36.6 GiB)"), "{text}");
    }

    #[test]
    fn half_precision_and_a_limit_lower_the_bound() {
        let single = ReplaySizeBound::new(&marines(), &ReplayConfig::default());
        let config = ReplayConfig { precision: Precision::F16, ..ReplayConfig::default() };
        let half = ReplaySizeBound::new(&marines(), &config);
        assert_eq!(single.at_most, 5000 * single.episode);
        assert!(half.episode < single.episode && single.at_most < single.pymarl);
        let limited =
            ReplaySizeBound::new(&marines(), &ReplayConfig { bytes: Some(1 << 31), ..config });
        assert_eq!(limited.at_most, 1 << 31);
        assert!(limited.to_string().starts_with("replay buffer: at most 2.0 GiB ("), "{limited}");
    }

    #[test]
    fn numbers_of_bytes_are_readable() {
        let shown = [0, 1023, 1024, 5 << 20, 3 << 29].map(|bytes| ByteSize(bytes).to_string());
        assert_eq!(shown, ["0 bytes", "1023 bytes", "1.0 KiB", "5.0 MiB", "1.5 GiB"]);
    }
}
