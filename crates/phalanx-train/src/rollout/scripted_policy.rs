//! Random and scripted policies.

use phalanx_core::env::Env;
use phalanx_core::rng::Rng;

/// A policy without a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptedPolicy {
    /// Every agent chooses uniformly among its available actions.
    Random,
    /// A policy of [`Env::scripted_policies`], by its index.
    OfEnv(usize),
}

impl ScriptedPolicy {
    /// Returns the policy called `name` in `env`: `random`, `heuristic` (the environment's first
    /// scripted policy) or the name of one of its scripted policies.
    pub fn named(name: &str, env: &dyn Env) -> Option<Self> {
        let policies = env.scripted_policies();
        match name {
            "random" => Some(Self::Random),
            "heuristic" => (!policies.is_empty()).then_some(Self::OfEnv(0)),
            _ => policies.iter().position(|(other, _)| *other == name).map(Self::OfEnv),
        }
    }

    /// Returns the names that [`ScriptedPolicy::named`] accepts for `env`.
    pub fn names(env: &dyn Env) -> Vec<&'static str> {
        let mut names = vec!["random"];
        if !env.scripted_policies().is_empty() {
            names.push("heuristic");
        }
        for (name, _) in env.scripted_policies() {
            if !names.contains(name) {
                names.push(name);
            }
        }
        names
    }

    /// Writes an action for every agent, `[agent]`, available under `avail`, `[agent, n_actions]`. Random
    /// choices use `rng`, which must not be the environment's own stream.
    ///
    /// # Panics
    ///
    /// Panics if an agent has no available action, or `env` has no such policy.
    pub fn act(self, env: &mut dyn Env, avail: &[bool], rng: &mut Rng, actions: &mut [u16]) {
        match self {
            Self::Random => {
                let masks = avail.chunks_exact(env.spec().n_actions);
                for (action, mask) in actions.iter_mut().zip(masks) {
                    *action = rng.choose(mask).expect("every agent has an available action") as u16;
                }
            }
            Self::OfEnv(policy) => env.scripted_actions(policy, avail, rng, actions),
        }
    }
}
