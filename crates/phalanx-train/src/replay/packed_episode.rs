//! Compact storage of a finished episode.

use phalanx_core::env::EnvSpec;
use serde::{Deserialize, Serialize};

use super::bits::Bits;
use super::episode::Episode;
use super::packed_floats::{PackedFloats, Precision};

/// An [`Episode`] in compact form.
///
/// Masks are stored as bits. In observations and states, a zero takes one bit and a one takes two;
/// see [`Precision`] for other numbers. An action takes one byte if it is below 256.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackedEpisode {
    /// The number of steps.
    pub len: usize,
    /// Whether the last step terminated the episode; otherwise it was truncated.
    pub terminated: bool,
    /// Rewards, `[len]`.
    pub reward: Box<[f32]>,
    /// The agents' own rewards, `[len, agent]`; empty if the environment has none.
    pub agent_reward: Box<[f32]>,
    pub(super) obs: PackedFloats,
    pub(super) state: PackedFloats,
    pub(super) avail: Bits,
    actions: Actions,
}

/// Actions, `[len, agent]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Actions {
    /// One byte each, if all actions are below 256.
    Narrow(Box<[u8]>),
    Wide(Box<[u16]>),
}

/// The number of actions that fit into a byte.
const NARROW: usize = 256;

impl PackedEpisode {
    /// Packs an episode.
    pub fn pack(episode: &Episode, precision: Precision) -> Self {
        // Collecting into a `Result` would not allocate the exact length.
        let actions = if episode.actions.iter().all(|&action| usize::from(action) < NARROW) {
            Actions::Narrow(episode.actions.iter().map(|&action| action as u8).collect())
        } else {
            Actions::Wide(episode.actions.as_slice().into())
        };
        Self {
            len: episode.len,
            terminated: episode.terminated,
            reward: episode.reward.as_slice().into(),
            agent_reward: episode.agent_reward.as_slice().into(),
            obs: PackedFloats::pack(&episode.obs, precision),
            state: PackedFloats::pack(&episode.state, precision),
            avail: Bits::pack(&episode.avail),
            actions,
        }
    }

    /// Unpacks the episode. With [`Precision::F32`] it is identical to the original.
    pub fn unpack(&self) -> Episode {
        fn floats(packed: &PackedFloats) -> Vec<f32> {
            let mut out = vec![0.0; packed.len()];
            packed.reader(0).read(&mut out);
            out
        }
        fn mask(bits: &Bits) -> Vec<bool> {
            let mut out = vec![false; bits.len()];
            bits.unpack(0, &mut out);
            out
        }
        let mut actions = vec![0; self.n_actions_taken()];
        self.actions(0, &mut actions);
        Episode {
            len: self.len,
            obs: floats(&self.obs),
            state: floats(&self.state),
            avail: mask(&self.avail),
            actions,
            reward: self.reward.to_vec(),
            agent_reward: self.agent_reward.to_vec(),
            terminated: self.terminated,
        }
    }

    /// Writes the actions from index `start` on, in the order `[len, agent]`.
    pub(super) fn actions(&self, start: usize, out: &mut [u16]) {
        match &self.actions {
            Actions::Narrow(actions) => {
                for (out, &action) in out.iter_mut().zip(&actions[start..]) {
                    *out = u16::from(action);
                }
            }
            Actions::Wide(actions) => {
                out.copy_from_slice(&actions[start..start + out.len()]);
            }
        }
    }

    fn n_actions_taken(&self) -> usize {
        match &self.actions {
            Actions::Narrow(actions) => actions.len(),
            Actions::Wide(actions) => actions.len(),
        }
    }

    /// Returns the size of the episode in bytes, on the heap and in the list of episodes, without
    /// the allocator's overhead.
    pub fn bytes(&self) -> u64 {
        let actions = match &self.actions {
            Actions::Narrow(actions) => size_of_val(&**actions),
            Actions::Wide(actions) => size_of_val(&**actions),
        };
        let floats = self.obs.heap_bytes() + self.state.heap_bytes();
        let rewards = size_of_val(&*self.reward) + size_of_val(&*self.agent_reward);
        (size_of::<Self>() + floats + self.avail.heap_bytes() + actions + rewards) as u64
    }

    /// Returns the largest size of an episode in bytes: that of one with maximum length and without
    /// any zero or one.
    pub fn most_bytes(spec: &EnvSpec, precision: Precision) -> u64 {
        let (steps, times) = (spec.episode_limit, spec.episode_limit + 1);
        let floats = PackedFloats::most_heap_bytes(times * spec.obs_len(), precision)
            + PackedFloats::most_heap_bytes(times * spec.state_dim, precision);
        let masks = Bits::heap_bytes_of(times * spec.avail_len());
        let per_action = if spec.n_actions <= NARROW { size_of::<u8>() } else { size_of::<u16>() };
        let rewards = steps * (1 + spec.agent_rewards_len()) * size_of::<f32>();
        let actions = steps * spec.n_agents() * per_action;
        (size_of::<Self>() + floats + masks + actions + rewards) as u64
    }

    /// Returns whether the parts have the sizes of `spec`, and every action exists.
    pub(super) fn fits(&self, spec: &EnvSpec) -> bool {
        let (steps, times) = (self.len, self.len + 1);
        let mut actions = vec![0; self.n_actions_taken()];
        self.actions(0, &mut actions);
        (1..=spec.episode_limit).contains(&steps)
            && self.obs.len() == times * spec.obs_len()
            && self.state.len() == times * spec.state_dim
            && self.avail.len() == times * spec.avail_len()
            && actions.len() == steps * spec.n_agents()
            && actions.iter().all(|&action| usize::from(action) < spec.n_actions)
            && [0, actions.len()].contains(&self.agent_reward.len())
    }

    /// Returns whether the parts are consistent, which a damaged file may violate.
    pub(super) fn is_sound(&self) -> bool {
        let (steps, Some(times)) = (self.len, self.len.checked_add(1)) else {
            return false;
        };
        let taken = self.n_actions_taken();
        let floats = self.obs.is_sound() && self.state.is_sound();
        let whole = [self.obs.len(), self.state.len(), self.avail.len()];
        let rewards = self.reward.len() == steps && [0, taken].contains(&self.agent_reward.len());
        floats
            && self.avail.is_sound()
            && whole.iter().all(|len| len.is_multiple_of(times))
            && taken.checked_rem(steps).unwrap_or(taken) == 0
            && rewards
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::{Purpose, Rng};

    fn spec(n_actions: usize) -> EnvSpec {
        EnvSpec {
            n_actions,
            obs_dim: 7,
            state_dim: 9,
            episode_limit: 13,
            ..EnvSpec::new("test", 3)
        }
    }

    fn episode(
        spec: &EnvSpec,
        rng: &mut Rng,
        len: usize,
        mut number: impl FnMut(&mut Rng) -> f32,
    ) -> Episode {
        let (times, agents) = (len + 1, spec.n_agents());
        Episode {
            len,
            obs: (0..times * spec.obs_len()).map(|_| number(rng)).collect(),
            state: (0..times * spec.state_dim).map(|_| number(rng)).collect(),
            avail: (0..times * spec.avail_len()).map(|_| rng.below(2) == 0).collect(),
            actions: (0..len * agents).map(|_| rng.below(spec.n_actions) as u16).collect(),
            reward: (0..len).map(|_| rng.uniform()).collect(),
            agent_reward: (0..len * agents).map(|_| rng.uniform()).collect(),
            terminated: rng.below(2) == 0,
        }
    }

    #[test]
    fn an_episode_is_unchanged_by_packing() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        for n_actions in [5, 256, 257, 1000] {
            for len in 0..20 {
                let number = |rng: &mut Rng| [0.0, 1.0, rng.uniform()][rng.below(3)];
                let episode = episode(&spec(n_actions), &mut rng, len, number);
                let packed = PackedEpisode::pack(&episode, Precision::F32);
                assert!(packed.is_sound());
                assert_eq!(packed.unpack(), episode);
            }
        }
    }

    #[test]
    fn no_episode_exceeds_the_size_bound() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        for n_actions in [5, 300] {
            let spec = spec(n_actions);
            let mut longest = episode(&spec, &mut rng, spec.episode_limit, |_| 0.5);
            longest.agent_reward.clear();
            for precision in [Precision::F32, Precision::F16] {
                let packed = PackedEpisode::pack(&longest, precision);
                assert_eq!(packed.bytes(), PackedEpisode::most_bytes(&spec, precision));
            }
        }
    }
}
