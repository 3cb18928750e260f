//! The replay memory of whole episodes.

use std::collections::VecDeque;

use phalanx_core::env::EnvError;
use phalanx_core::rng::Rng;

use super::episode::Episode;
use super::packed_episode::PackedEpisode;
use super::priorities::{Priorities, Prioritised};
use super::replay_config::{ReplayConfig, ReplayError};
use super::sample::{Sample, Window};
use super::serialize;

/// The latest episodes, packed and without padding: as many as the number and the bytes allow.
#[derive(Clone, Debug, PartialEq)]
pub struct EpisodeReplay {
    pub(super) config: ReplayConfig,
    /// From the oldest to the latest.
    pub(super) episodes: VecDeque<PackedEpisode>,
    /// The number of episodes ever added; the latest has the number before it.
    pub(super) added: u64,
    /// The environment steps ever added.
    pub(super) steps: u64,
    /// What `episodes` occupy.
    pub(super) bytes: u64,
    pub(super) priorities: Option<Priorities>,
}

impl EpisodeReplay {
    /// An empty memory.
    ///
    /// # Panics
    ///
    /// When there is room for no episode or no step.
    pub fn new(config: ReplayConfig) -> Self {
        assert!(config.capacity > 0, "a replay memory holds at least one episode");
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

    /// The number of episodes held.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// The bytes the episodes occupy ([`PackedEpisode::bytes`]).
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The episodes, from the oldest to the latest.
    pub fn episodes(&self) -> impl ExactSizeIterator<Item = &PackedEpisode> {
        self.episodes.iter()
    }

    /// Adds an episode. The oldest ones make room first, when there are too many or when they
    /// occupy too much.
    ///
    /// # Errors
    ///
    /// When the episode alone occupies more than the limit; the memory stays as it was.
    pub fn push(&mut self, episode: &Episode) -> Result<(), ReplayError> {
        let episode = PackedEpisode::pack(episode, self.config.precision);
        let bytes = episode.bytes();
        let limit = self.config.bytes.unwrap_or(u64::MAX);
        if bytes > limit {
            return Err(ReplayError::EpisodeTooLarge { steps: episode.len, bytes, limit });
        }
        while self.episodes.len() == self.config.capacity || self.bytes > limit - bytes {
            self.forget_oldest();
        }
        let place = self.place(self.added);
        if let Some(priorities) = &mut self.priorities {
            priorities.add(place);
        }
        self.added += 1;
        self.steps += episode.len as u64;
        self.bytes += bytes;
        self.episodes.push_back(episode);
        Ok(())
    }

    fn forget_oldest(&mut self) {
        let place = self.place(self.oldest());
        let oldest = self.episodes.pop_front().expect("a memory without room holds something");
        self.bytes -= oldest.bytes();
        if let Some(priorities) = &mut self.priorities {
            priorities.remove(place);
        }
    }

    /// The number of the oldest episode held, or of the next one if none is.
    fn oldest(&self) -> u64 {
        self.added - self.episodes.len() as u64
    }

    /// Where the priority of episode `index` stands: as many consecutive episodes as can be held
    /// have different places.
    fn place(&self, index: u64) -> usize {
        (index % self.config.capacity as u64) as usize
    }

    /// Draws `n` episodes; `None` while fewer are held.
    ///
    /// Uniformly, they are `n` different ones; by priority, the same may come again.
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Option<Sample<'_>> {
        let held = self.episodes.len();
        if held < n {
            return None;
        }
        let oldest = self.oldest();
        let (picks, weights) = match (&self.priorities, self.config.prioritised) {
            (Some(priorities), Some(prioritised)) => {
                let places = priorities.sample(n, rng);
                let weights = priorities.weights(&places, held, prioritised.beta.at(self.steps));
                let (first, capacity) = (self.place(oldest), self.config.capacity);
                let pick = |&place: &usize| (place + capacity - first) % capacity;
                (places.iter().map(pick).collect(), weights)
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

    /// Notes the errors of sampled episodes, by [`Sample::indices`]; those forgotten since are
    /// left out, and so is everything where nothing is prioritised.
    ///
    /// An episode's error is for the learner to define; PyMARL2 takes the sum of its absolute
    /// temporal-difference errors divided by the square root of its number of steps.
    ///
    /// # Panics
    ///
    /// When there is not one error per index, or one is not finite.
    pub fn update_priorities(&mut self, indices: &[u64], errors: &[f32]) {
        assert_eq!(indices.len(), errors.len(), "one error per episode");
        let held = self.oldest()..self.added;
        for (&index, &error) in indices.iter().zip(errors) {
            let place = self.place(index);
            if let Some(priorities) = &mut self.priorities
                && held.contains(&index)
            {
                priorities.update(place, error);
            }
        }
    }

    /// Appends the whole memory to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        serialize::save(self, out);
    }

    /// The memory written by [`EpisodeReplay::save`].
    ///
    /// # Errors
    ///
    /// When the bytes are not such a memory.
    pub fn load(bytes: &[u8]) -> Result<Self, EnvError> {
        serialize::load(bytes)
    }
}

/// `n` different numbers below `held`, uniformly: Floyd's algorithm, which draws `n` times and
/// permutes nothing.
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
