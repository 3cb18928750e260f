//! What was drawn from the replay memory.

use phalanx_core::rng::Rng;

use super::packed_episode::PackedEpisode;

/// Episodes drawn from the replay memory.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// The episodes.
    pub episodes: Vec<&'a PackedEpisode>,
    /// Their numbers, in the order in which episodes were ever added, from zero; they stay valid
    /// for [`EpisodeReplay::update_priorities`](super::EpisodeReplay::update_priorities).
    pub indices: Vec<u64>,
    /// What the losses of the episodes are to be multiplied by; one where nothing is prioritised.
    pub weights: Vec<f32>,
    /// The steps to learn from.
    pub windows: Vec<Window>,
}

/// Consecutive steps of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first step.
    pub start: usize,
    /// The number of steps.
    pub len: usize,
}

impl Window {
    /// A whole episode of `len` steps.
    pub fn whole(len: usize) -> Self {
        Self { start: 0, len }
    }

    /// At most `steps` steps of an episode of `len` steps; every place is equally probable.
    pub(super) fn cut(len: usize, steps: usize, rng: &mut Rng) -> Self {
        if len <= steps {
            return Self::whole(len);
        }
        Self { start: rng.below(len - steps + 1), len: steps }
    }
}

impl<'a> Sample<'a> {
    /// Whole episodes, all of the same weight, numbered in their order.
    pub fn whole(episodes: &[&'a PackedEpisode]) -> Self {
        Self {
            indices: (0..episodes.len() as u64).collect(),
            weights: vec![1.0; episodes.len()],
            windows: episodes.iter().map(|episode| Window::whole(episode.len)).collect(),
            episodes: episodes.to_vec(),
        }
    }
}
