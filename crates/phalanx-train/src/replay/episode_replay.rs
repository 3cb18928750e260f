//! The replay buffer of whole episodes.

use std::collections::VecDeque;

use phalanx_core::env::{EnvError, EnvSpec};
use phalanx_core::rng::Rng;

use super::episode::Episode;
use super::packed_episode::PackedEpisode;
use super::priorities::{Priorities, Prioritised};
use super::replay_config::{ReplayConfig, ReplayError};
use super::sample::{Sample, Window};
use super::serialize;

/// A replay buffer: the latest episodes, packed and without padding, up to a maximum number and
/// size.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeReplay {
    pub(super) config: ReplayConfig,
    /// Ordered from the oldest to the latest.
    pub(super) episodes: VecDeque<PackedEpisode>,
    /// The number of episodes added since the start; the latest one has index `added - 1`.
    pub(super) added: u64,
    /// The environment steps added since the start.
    pub(super) steps: u64,
    /// The total size of `episodes` in bytes.
    pub(super) bytes: u64,
    pub(super) priorities: Option<Priorities>,
}

impl EpisodeReplay {
    /// Creates an empty buffer.
    ///
    /// # Panics
    ///
    /// Panics if the capacity or the number of steps of a window is zero.
    pub fn new(config: ReplayConfig) -> Self {
        assert!(config.capacity > 0, "a replay buffer holds at least one episode");
        assert!(config.batch_steps != Some(0), "a window has at least one step");
        let priorities = |p: Prioritised| Priorities::new(p.alpha, config.capacity);
        Self {
            priorities: config.prioritised.map(priorities),
            config,
            episodes: VecDeque::new(),
            added: 0,
            steps: 0,
            bytes: 0,
        }
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &ReplayConfig {
        &self.config
    }

    /// Returns whether the buffer has these settings and all its episodes were played in an environment like `spec`,
    /// which a damaged file may violate.
    pub(crate) fn belongs_to(&self, config: &ReplayConfig, spec: &EnvSpec) -> bool {
        self.config == *config && self.episodes.iter().all(|episode| episode.fits(spec))
    }

    /// Returns the number of stored episodes.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    /// Returns whether the buffer is empty.
    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// Returns the total size of all episodes in bytes ([`PackedEpisode::bytes`]).
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the episodes, from the oldest to the latest.
    pub fn episodes(&self) -> impl ExactSizeIterator<Item = &PackedEpisode> {
        self.episodes.iter()
    }

    /// Adds an episode. If the buffer would exceed its maximum number or size, removes the oldest
    /// episodes first.
    ///
    /// # Errors
    ///
    /// Returns an error if the episode alone exceeds the maximum size. The buffer is then
    /// unchanged.
    pub fn push(&mut self, episode: &Episode) -> Result<(), ReplayError> {
        let episode = PackedEpisode::pack(episode, self.config.precision);
        let bytes = episode.bytes();
        let limit = self.config.bytes.unwrap_or(u64::MAX);
        if bytes > limit {
            return Err(ReplayError::EpisodeTooLarge { steps: episode.len, bytes, limit });
        }
        while self.episodes.len() == self.config.capacity || self.bytes > limit - bytes {
            self.remove_oldest();
        }
        let slot = self.slot(self.added);
        if let Some(priorities) = &mut self.priorities {
            priorities.add(slot);
        }
        self.added += 1;
        self.steps += episode.len as u64;
        self.bytes += bytes;
        self.episodes.push_back(episode);
        Ok(())
    }

    fn remove_oldest(&mut self) {
        let slot = self.slot(self.oldest());
        let oldest = self.episodes.pop_front().expect("a full buffer holds an episode");
        self.bytes -= oldest.bytes();
        if let Some(priorities) = &mut self.priorities {
            priorities.remove(slot);
        }
    }

    /// Returns the index of the oldest episode, or of the next one if the buffer is empty.
    fn oldest(&self) -> u64 {
        self.added - self.episodes.len() as u64
    }

    /// Returns the slot of the priority of episode `index`. Stored episodes have different slots.
    pub(super) fn slot(&self, index: u64) -> usize {
        (index % self.config.capacity as u64) as usize
    }

    /// Draws `n` episodes. Returns `None` if fewer are stored.
    ///
    /// Without prioritisation the episodes are distinct; with prioritisation an episode may be
    /// drawn several times.
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Option<Sample<'_>> {
        let held = self.episodes.len();
        if held < n {
            return None;
        }
        let oldest = self.oldest();
        let (picks, weights) = match (&self.priorities, self.config.prioritised) {
            (Some(priorities), Some(prioritised)) => {
                let slots = priorities.sample(n, rng);
                let weights = priorities.weights(&slots, held, prioritised.beta.at(self.steps));
                let (first, capacity) = (self.slot(oldest), self.config.capacity);
                let pick = |&slot: &usize| (slot + capacity - first) % capacity;
                (slots.iter().map(pick).collect(), weights)
            }
            _ => (different(n, held, rng), vec![1.0; n]),
        };
        let episodes: Vec<_> = picks.iter().map(|&pick| &self.episodes[pick]).collect();
        let window = |episode: &&PackedEpisode| match self.config.batch_steps {
            Some(steps) => Window::cut(episode.len, steps, rng),
            None => Window::whole(episode.len),
        };
        let windows = episodes.iter().map(window).collect();
        let indices = picks.iter().map(|&pick| oldest + pick as u64).collect();
        Some(Sample { episodes, indices, weights, windows })
    }

    /// Updates the priorities of sampled episodes, given by [`Sample::indices`], from their errors.
    /// Skips episodes that have been removed since. Does nothing without prioritisation.
    ///
    /// The learner defines the error of an episode. PyMARL2 uses the sum of its absolute TD errors
    /// divided by the square root of its number of steps.
    ///
    /// # Panics
    ///
    /// Panics unless there is one finite error per index.
    pub fn update_priorities(&mut self, indices: &[u64], errors: &[f32]) {
        assert_eq!(indices.len(), errors.len(), "one error per episode");
        let held = self.oldest()..self.added;
        for (&index, &error) in indices.iter().zip(errors) {
            let slot = self.slot(index);
            if let Some(priorities) = &mut self.priorities
                && held.contains(&index)
            {
                priorities.update(slot, error);
            }
        }
    }

    /// Appends the serialised buffer to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        serialize::save(self, out);
    }

    /// Reads a buffer written by [`EpisodeReplay::save`].
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged or not a replay buffer.
    pub fn load(bytes: &[u8]) -> Result<Self, EnvError> {
        serialize::load(bytes)
    }
}

/// Draws `n` distinct numbers below `held` uniformly, with Floyd's algorithm, which makes `n` draws
/// and no permutation.
fn different(n: usize, held: usize, rng: &mut Rng) -> Vec<usize> {
    let mut picks: Vec<usize> = Vec::with_capacity(n);
    for last in held - n..held {
        let pick = rng.below(last + 1);
        picks.push(if picks.contains(&pick) { last } else { pick });
    }
    picks
}

#[cfg(test)]
#[path = "episode_replay_tests.rs"]
mod tests;
