//! The replay buffer of single transitions.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use phalanx_core::env::{EnvError, EnvSpec, pack, unpack};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use crate::config::ByteSize;
use crate::rollout::InputLayout;

/// What the agents of an environment see at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct View {
    /// The inputs of the agents' networks, `[agent, dim]`.
    pub(super) input: Box<[f32]>,
    /// The available actions, `[agent, n_actions]`.
    pub(super) avail: Box<[bool]>,
}

/// A view as a key: equal if all bits are.
struct Contents<'a>(&'a View);

impl Contents<'_> {
    fn bits(&self) -> impl Iterator<Item = u32> {
        self.0.input.iter().map(|number| number.to_bits())
    }
}

impl PartialEq for Contents<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.avail == other.0.avail && self.bits().eq(other.bits())
    }
}

impl Eq for Contents<'_> {}

impl Hash for Contents<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|bits| bits.hash(state));
        self.0.avail.hash(state);
    }
}

/// One step of a team.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Transition {
    /// The view before the step.
    pub(super) now: Arc<View>,
    /// The view after the step; `None` if the episode terminated, so that nothing is bootstrapped.
    pub(super) next: Option<Arc<View>>,
    /// The actions, `[agent]`.
    pub(super) actions: Box<[u16]>,
    /// The rewards, `[agent]`: the team's reward for each agent, or the agents' own rewards.
    pub(super) rewards: Box<[f32]>,
}

/// The lengths of the parts of a [`Transition`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransitionSizes {
    agents: usize,
    input: usize,
    avail: usize,
}

impl TransitionSizes {
    /// Returns the lengths for an environment and a layout of the inputs.
    pub(super) fn new(spec: &EnvSpec, inputs: InputLayout) -> Self {
        let agents = spec.n_agents();
        Self { agents, input: agents * inputs.dim(), avail: spec.avail_len() }
    }

    pub(super) fn fits_view(self, view: &View) -> bool {
        view.input.len() == self.input && view.avail.len() == self.avail
    }

    fn fits(self, transition: &Transition) -> bool {
        let n_actions = self.avail / self.agents;
        transition.actions.len() == self.agents
            && transition.rewards.len() == self.agents
            && transition.actions.iter().all(|&action| usize::from(action) < n_actions)
    }

    /// Returns the bytes of a transition that shares its view with the one before it.
    fn bytes(self) -> u64 {
        let numbers = self.input * size_of::<f32>() + self.avail;
        let step = self.agents * (size_of::<u16>() + size_of::<f32>());
        (numbers + step + size_of::<View>() + size_of::<Transition>()) as u64
    }
}

/// A ring of the latest transitions. Two transitions in a row share the view between them.
#[derive(Clone, Debug)]
pub(super) struct TransitionReplay {
    capacity: usize,
    sizes: TransitionSizes,
    /// At most `capacity` transitions; the one with number `i` is at `i % capacity`.
    ring: Vec<Transition>,
    /// The number of transitions since the start.
    added: u64,
}

const WHAT: &str = "the replay buffer";

impl TransitionReplay {
    /// Creates an empty buffer.
    pub(super) fn new(capacity: usize, sizes: TransitionSizes) -> Self {
        Self { capacity, sizes, ring: Vec::new(), added: 0 }
    }

    /// Returns the number of transitions in the buffer.
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Adds a transition, and drops the oldest one if the buffer is full.
    pub(super) fn push(&mut self, transition: Transition) {
        if self.ring.len() < self.capacity {
            self.ring.push(transition);
        } else {
            let oldest = self.oldest();
            self.ring[oldest] = transition;
        }
        self.added += 1;
    }

    /// Draws `n` transitions uniformly, with replacement.
    ///
    /// # Panics
    ///
    /// Panics if the buffer is empty.
    pub(super) fn sample(&self, n: usize, rng: &mut Rng) -> Vec<&Transition> {
        (0..n).map(|_| &self.ring[rng.below(self.ring.len())]).collect()
    }

    /// Returns the position of the oldest transition.
    fn oldest(&self) -> usize {
        if self.ring.len() < self.capacity {
            0
        } else {
            (self.added % self.capacity as u64) as usize
        }
    }

    /// Iterates over the transitions, oldest first.
    fn in_order(&self) -> impl Iterator<Item = &Transition> {
        let (newer, older) = self.ring.split_at(self.oldest());
        older.iter().chain(newer)
    }

    /// Describes the memory of the full buffer.
    pub(super) fn description(&self) -> String {
        let bytes = ByteSize(self.capacity as u64 * self.sizes.bytes());
        format!("replay buffer: about {bytes} for {} transitions", self.capacity)
    }

    /// Appends the serialised buffer to `out`. Equal views are written once, so that the bytes do not depend
    /// on which of them share memory.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let mut views: Vec<&View> = Vec::new();
        let mut numbers: HashMap<Contents<'_>, u32> = HashMap::new();
        let mut steps = Vec::with_capacity(self.len());
        for Transition { now, next, actions, rewards } in self.in_order() {
            let mut number = |view| {
                *numbers.entry(Contents(view)).or_insert_with(|| {
                    views.push(view);
                    views.len() as u32 - 1
                })
            };
            steps.push((number(now), next.as_deref().map(number), actions, rewards));
        }
        pack(&(self.added, views, steps), out);
    }

    /// Restores a state written by [`TransitionReplay::save`] for a buffer with the same capacity and
    /// sizes.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged or belong to another buffer.
    pub(super) fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        type Step = (u32, Option<u32>, Box<[u16]>, Box<[f32]>);
        let bad = || EnvError::BadState {
            what: WHAT.to_owned(),
            reason: "its transitions do not match its settings".to_owned(),
        };
        let (added, views, steps): (u64, Vec<View>, Vec<Step>) = unpack(WHAT, bytes)?;
        let views: Vec<Arc<View>> = views.into_iter().map(Arc::new).collect();
        let view = |number: u32| views.get(number as usize).cloned().ok_or_else(bad);
        let mut ring = Vec::with_capacity(steps.len());
        for (now, next, actions, rewards) in steps {
            let next = next.map(view).transpose()?;
            ring.push(Transition { now: view(now)?, next, actions, rewards });
        }
        let fits = views.iter().all(|view| self.sizes.fits_view(view))
            && ring.iter().all(|transition| self.sizes.fits(transition))
            && ring.len() as u64 == added.min(self.capacity as u64);
        if !fits {
            return Err(bad());
        }
        (self.ring, self.added) = (ring, added);
        let oldest = self.oldest();
        self.ring.rotate_right(oldest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::rng::Purpose;

    use super::*;

    const SIZES: TransitionSizes = TransitionSizes { agents: 2, input: 4, avail: 24 };

    fn view(number: usize) -> Arc<View> {
        Arc::new(View { input: [number as f32; 4].into(), avail: [true; 24].into() })
    }

    /// Returns a buffer of four transitions after `n` of them, with the numbers 0 to n - 1. Every
    /// third one terminates an episode.
    fn filled(n: usize) -> TransitionReplay {
        let mut replay = TransitionReplay::new(4, SIZES);
        let mut now = view(0);
        for number in 0..n {
            let (after, ends) = (view(number + 1), number % 3 == 2);
            replay.push(Transition {
                now,
                next: (!ends).then(|| after.clone()),
                actions: [number as u16; 2].into(),
                rewards: [0.5; 2].into(),
            });
            now = after;
        }
        replay
    }

    fn numbers(replay: &TransitionReplay) -> Vec<u16> {
        replay.in_order().map(|transition| transition.actions[0]).collect()
    }

    #[test]
    fn the_oldest_transitions_are_overwritten_first() {
        assert_eq!(numbers(&filled(3)), [0, 1, 2]);
        assert_eq!(numbers(&filled(4)), [0, 1, 2, 3]);
        assert_eq!(numbers(&filled(5)), [1, 2, 3, 4]);
        assert_eq!(numbers(&filled(11)), [7, 8, 9, 10]);
        assert_eq!(filled(11).len(), 4);
    }

    #[test]
    fn samples_are_uniform_over_the_buffer() {
        let (replay, mut rng) = (filled(11), Rng::stream(0, Purpose::Check, 0));
        let mut counts = [0_u32; 11];
        for transition in replay.sample(40_000, &mut rng) {
            counts[usize::from(transition.actions[0])] += 1;
        }
        assert_eq!(counts[..7], [0; 7]);
        // Five standard deviations of a binomial with mean 10 000.
        assert!(counts[7..].iter().all(|&count| count.abs_diff(10_000) < 433), "{counts:?}");
    }

    #[test]
    fn a_loaded_buffer_holds_the_same_transitions_and_goes_on_in_the_same_way() {
        for n in [0, 3, 4, 7, 10] {
            let mut bytes = Vec::new();
            filled(n).save(&mut bytes);
            let mut loaded = TransitionReplay::new(4, SIZES);
            loaded.load(&bytes).expect("it was just saved");
            assert_eq!(loaded.ring, filled(n).ring, "{n}");
            let shared = loaded.in_order().zip(loaded.in_order().skip(1));
            for (before, after) in shared {
                assert!(before.next.as_ref().is_none_or(|next| Arc::ptr_eq(next, &after.now)));
            }
            loaded.push(filled(n + 1).in_order().last().expect("it was just added").clone());
            assert_eq!(numbers(&loaded), numbers(&filled(n + 1)));
        }
    }

    #[test]
    fn a_buffer_of_another_size_is_refused() {
        let mut bytes = Vec::new();
        filled(7).save(&mut bytes);
        let other = TransitionSizes { agents: 1, input: 2, avail: 12 };
        // The last transition has action 6.
        let fewer = TransitionSizes { avail: 12, ..SIZES };
        for (capacity, sizes) in [(4, other), (4, fewer), (3, SIZES), (5, SIZES)] {
            assert!(TransitionReplay::new(capacity, sizes).load(&bytes).is_err(), "{capacity}");
        }
        assert!(TransitionReplay::new(4, SIZES).load(&bytes[..bytes.len() - 1]).is_err());
    }
}
