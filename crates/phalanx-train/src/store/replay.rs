//! The replay memory of whole episodes.

use phalanx_core::env::{EnvError, pack, unpack};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use super::episode::Episode;

/// The last `capacity` episodes, stored ragged: a short episode takes little memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpisodeReplay {
    capacity: usize,
    /// Where the next episode goes once the memory is full.
    next: usize,
    episodes: Vec<Episode>,
}

impl EpisodeReplay {
    /// An empty memory for `capacity` episodes.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, next: 0, episodes: Vec::new() }
    }

    /// The number of episodes held.
    pub fn len(&self) -> usize {
        self.episodes.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.episodes.is_empty()
    }

    /// Adds an episode, in place of the oldest one when the memory is full.
    pub fn push(&mut self, episode: Episode) {
        if self.episodes.len() < self.capacity {
            self.episodes.push(episode);
        } else {
            self.episodes[self.next] = episode;
        }
        self.next = (self.next + 1) % self.capacity;
    }

    /// `n` different episodes, uniformly; `None` while fewer are held.
    pub fn sample(&self, n: usize, rng: &mut Rng) -> Option<Vec<&Episode>> {
        if self.episodes.len() < n {
            return None;
        }
        // Floyd's algorithm: n draws, no permutation of the whole memory.
        let mut picks: Vec<usize> = Vec::with_capacity(n);
        for last in self.episodes.len() - n..self.episodes.len() {
            let pick = rng.below(last + 1);
            picks.push(if picks.contains(&pick) { last } else { pick });
        }
        Some(picks.into_iter().map(|pick| &self.episodes[pick]).collect())
    }

    /// Appends the whole memory to `out`.
    pub fn save(&self, out: &mut Vec<u8>) {
        pack(self, out);
    }

    /// The memory written by [`EpisodeReplay::save`].
    ///
    /// # Errors
    ///
    /// When the bytes are not such a memory.
    pub fn load(bytes: &[u8]) -> Result<Self, EnvError> {
        unpack("the replay memory", bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::Purpose;

    fn episode(mark: f32) -> Episode {
        Episode {
            len: 1,
            obs: vec![mark; 2],
            state: vec![mark; 2],
            avail: vec![true; 2],
            alive: vec![true; 2],
            actions: vec![0],
            reward: vec![mark],
            terminated: true,
        }
    }

    #[test]
    fn the_oldest_episode_makes_room() {
        let mut replay = EpisodeReplay::new(3);
        for mark in 0..5 {
            replay.push(episode(mark as f32));
        }
        let mut marks: Vec<f32> = replay.episodes.iter().map(|e| e.reward[0]).collect();
        marks.sort_by(f32::total_cmp);
        assert_eq!(marks, [2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_sample_holds_different_episodes_and_every_episode_equally_often() {
        let mut replay = EpisodeReplay::new(10);
        for mark in 0..10 {
            replay.push(episode(mark as f32));
        }
        let mut rng = Rng::stream(0, Purpose::Replay, 0);
        assert!(replay.sample(11, &mut rng).is_none());
        let mut counts = [0_u32; 10];
        for _ in 0..10_000 {
            let sample = replay.sample(4, &mut rng).expect("ten are held");
            let mut seen = [false; 10];
            for episode in sample {
                let mark = episode.reward[0] as usize;
                assert!(!seen[mark]);
                seen[mark] = true;
                counts[mark] += 1;
            }
        }
        assert!(counts.iter().all(|&count| count.abs_diff(4000) < 250), "{counts:?}");
    }

    #[test]
    fn a_saved_memory_is_the_same_memory() {
        let mut replay = EpisodeReplay::new(2);
        for mark in 0..3 {
            replay.push(episode(mark as f32));
        }
        let mut bytes = Vec::new();
        replay.save(&mut bytes);
        assert_eq!(EpisodeReplay::load(&bytes).expect("just written"), replay);
        assert!(EpisodeReplay::load(&bytes[..bytes.len() - 1]).is_err());
    }
}
