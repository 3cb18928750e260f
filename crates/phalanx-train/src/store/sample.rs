//! What was drawn from the replay memory.

use phalanx_core::rng::Rng;

use super::packed_episode::PackedEpisode;

/// Into how many parts a sample is divided at most.
const PARTS: usize = 4;

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

    /// The sample itself, or, where padding all episodes to the longest would add more than a quarter,
    /// parts of episodes of alike lengths, the longest first.
    ///
    /// Padded one by one, the parts hold the same steps as the whole in less space, and a network
    /// computes less.
    pub fn parts(self) -> Vec<Self> {
        let lengths = || self.windows.iter().map(|window| window.len);
        let (n, used) = (self.windows.len(), lengths().sum::<usize>());
        let padded = n * lengths().max().unwrap_or(0);
        if 4 * padded <= 5 * used {
            return vec![self];
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(self.windows[i].len));
        let part = |places: &[usize]| Self {
            episodes: places.iter().map(|&i| self.episodes[i]).collect(),
            indices: places.iter().map(|&i| self.indices[i]).collect(),
            weights: places.iter().map(|&i| self.weights[i]).collect(),
            windows: places.iter().map(|&i| self.windows[i]).collect(),
        };
        order.chunks(n.div_ceil(PARTS)).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Episode, Precision};

    fn episode(len: usize) -> PackedEpisode {
        let episode = Episode {
            len,
            obs: vec![0.5; len + 1],
            state: vec![0.5; len + 1],
            avail: vec![true; len + 1],
            actions: vec![0; len],
            reward: vec![1.0; len],
            agent_reward: Vec::new(),
            terminated: true,
        };
        PackedEpisode::pack(&episode, Precision::F32)
    }

    #[test]
    fn episodes_of_alike_lengths_stay_together_and_others_are_parted() {
        let alike: Vec<_> = [10, 9, 10, 9].map(episode).into();
        let whole = Sample::whole(&alike.iter().collect::<Vec<_>>());
        assert_eq!(whole.parts().len(), 1);
        let mixed: Vec<_> = [3, 20, 4, 19, 5, 18, 2, 17, 40].map(episode).into();
        let parts = Sample::whole(&mixed.iter().collect::<Vec<_>>()).parts();
        let lengths = |part: &Sample<'_>| part.windows.iter().map(|w| w.len).collect::<Vec<_>>();
        let lengths: Vec<_> = parts.iter().map(lengths).collect();
        assert_eq!(lengths, [vec![40, 20, 19], vec![18, 17, 5], vec![4, 3, 2]]);
        // Numbers and episodes stay together.
        for part in &parts {
            for (index, episode) in part.indices.iter().zip(&part.episodes) {
                assert_eq!(mixed[*index as usize].len, episode.len);
            }
        }
    }
}
