//! Policies that nobody trained: chance, and the scripted players of an environment.

use phalanx_core::env::Env;
use phalanx_core::rng::Rng;

/// A policy that acts without a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    /// Every agent chooses evenly among its legal actions.
    Random,
    /// A player of [`Env::players`], by its number.
    Player(usize),
}

impl Script {
    /// The script called `name` in `env`: `random`, `heuristic` (the first scripted player) or the
    /// name of a scripted player.
    pub fn named(name: &str, env: &dyn Env) -> Option<Self> {
        let players = env.players();
        match name {
            "random" => Some(Self::Random),
            "heuristic" => (!players.is_empty()).then_some(Self::Player(0)),
            _ => players.iter().position(|(other, _)| *other == name).map(Self::Player),
        }
    }

    /// The names that [`Script::named`] knows in `env`.
    pub fn names(env: &dyn Env) -> Vec<&'static str> {
        let mut names = vec!["random"];
        if !env.players().is_empty() {
            names.push("heuristic");
        }
        for (name, _) in env.players() {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names
    }

    /// Writes an action for every agent, `[agent]`, legal under `avail`, `[agent, n_actions]`; chance
    /// draws from `rng`, which must not be the environment's own stream.
    ///
    /// # Panics
    ///
    /// When an agent has no legal action or `env` has no such player.
    pub fn act(self, env: &mut dyn Env, avail: &[bool], rng: &mut Rng, actions: &mut [u16]) {
        match self {
            Self::Random => {
                let masks = avail.chunks_exact(env.spec().n_actions);
                for (action, mask) in actions.iter_mut().zip(masks) {
                    *action = rng.choose(mask).expect("every agent has a legal action") as u16;
                }
            }
            Self::Player(player) => env.scripted(player, rng, actions),
        }
    }
}
