//! Samples of the replay buffer.

use phalanx_core::rng::Rng;

use super::packed_episode::PackedEpisode;

/// Episodes drawn from the replay buffer.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// The episodes.
    pub episodes: Vec<&'a PackedEpisode>,
    /// Their indices, counted from zero in the order of insertion since the start. They remain
    /// valid for [`EpisodeReplay::update_priorities`](super::EpisodeReplay::update_priorities).
    pub indices: Vec<u64>,
    /// The weights of the episodes' losses; one without prioritisation.
    pub weights: Vec<f32>,
    /// The window of each episode to learn from.
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
    /// Returns the window of a whole episode of `len` steps.
    pub fn whole(len: usize) -> Self {
        Self { start: 0, len }
    }

    /// Draws a window of at most `steps` steps from an episode of `len` steps, uniformly.
    pub(super) fn cut(len: usize, steps: usize, rng: &mut Rng) -> Self {
        if len <= steps {
            return Self::whole(len);
        }
        Self { start: rng.below(len - steps + 1), len: steps }
    }
}

impl<'a> Sample<'a> {
    /// Creates a sample of whole episodes with equal weights; the indices are their positions.
    pub fn whole(episodes: &[&'a PackedEpisode]) -> Self {
        Self {
            indices: (0..episodes.len() as u64).collect(),
            weights: vec![1.0; episodes.len()],
            windows: episodes.iter().map(|episode| Window::whole(episode.len)).collect(),
            episodes: episodes.to_vec(),
        }
    }

    /// Returns the number of steps in all windows together.
    pub fn steps(&self) -> usize {
        self.windows.iter().map(|window| window.len).sum()
    }

    /// Iterates over the rewards of all steps in the windows: the agents' own ones if `own` is set,
    /// otherwise the team's.
    pub fn rewards(&self, own: bool) -> impl Iterator<Item = f32> {
        self.episodes.iter().zip(&self.windows).flat_map(move |(episode, window)| {
            let (rewards, n) = match own {
                true => (&episode.agent_reward, episode.agent_reward.len() / episode.len.max(1)),
                false => (&episode.reward, 1),
            };
            rewards[window.start * n..(window.start + window.len) * n].iter().copied()
        })
    }

    /// Splits the sample into at most `n` shards with nearly equal numbers of steps. Episodes of
    /// similar length share a shard, and the longest come first.
    ///
    /// Shards are padded separately. They need less padding than the whole sample, so that networks
    /// compute less.
    pub fn shards(self, n: usize) -> Vec<Self> {
        if n <= 1 {
            return vec![self];
        }
        let mut order: Vec<usize> = (0..self.windows.len()).collect();
        order.sort_by_key(|&i| std::cmp::Reverse(self.windows[i].len));
        let all = self.steps();
        let mut shards: Vec<Vec<usize>> = vec![Vec::new(); n];
        let mut before = 0;
        for i in order {
            let len = self.windows[i].len;
            // The shard that contains the middle of the episode, if all steps are laid out in
            // sequence.
            shards[((2 * before + len) * n / (2 * all).max(1)).min(n - 1)].push(i);
            before += len;
        }
        let shard = |places: &Vec<usize>| Self {
            episodes: places.iter().map(|&i| self.episodes[i]).collect(),
            indices: places.iter().map(|&i| self.indices[i]).collect(),
            weights: places.iter().map(|&i| self.weights[i]).collect(),
            windows: places.iter().map(|&i| self.windows[i]).collect(),
        };
        shards.iter().filter(|places| !places.is_empty()).map(shard).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::{Episode, Precision};

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
    fn shards_have_similar_lengths_and_nearly_equal_numbers_of_steps() {
        let mixed: Vec<_> = [3, 20, 4, 19, 5, 18, 2, 17, 40].map(episode).into();
        let whole = Sample::whole(&mixed.iter().collect::<Vec<_>>());
        assert_eq!(whole.steps(), 128);
        assert_eq!(whole.clone().shards(1).len(), 1);
        let shards = whole.shards(3);
        let lengths = |shard: &Sample<'_>| shard.windows.iter().map(|w| w.len).collect::<Vec<_>>();
        let lengths: Vec<_> = shards.iter().map(lengths).collect();
        assert_eq!(lengths, [vec![40], vec![20, 19], vec![18, 17, 5, 4, 3, 2]]);
        // Indices and episodes still belong together.
        for shard in &shards {
            for (index, episode) in shard.indices.iter().zip(&shard.episodes) {
                assert_eq!(mixed[*index as usize].len, episode.len);
            }
        }
    }

    #[test]
    fn rewards_are_those_of_the_steps_to_learn_from() {
        let mut packed = episode(3);
        packed.reward = [1.0, 2.0, 3.0].into();
        let mut sample = Sample::whole(&[&packed]);
        sample.windows = vec![Window { start: 1, len: 2 }];
        assert_eq!(sample.rewards(false).collect::<Vec<_>>(), [2.0, 3.0]);
    }
}
