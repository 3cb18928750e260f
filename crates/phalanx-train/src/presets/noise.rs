//! An environment of given sizes.

use phalanx_core::env::{
    Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;

use super::numbers;
use super::sizes::{ACTIONS, OBS, STATE};

/// Episodes of 60 steps in which a number of agents see 80 numbers that mean nothing, choose among 14
/// actions, and are rewarded whatever they do; the state has 120 numbers. There is as much to learn from
/// as in a battle, and the sizes are free.
#[derive(Clone, Debug)]
pub struct Noise {
    spec: EnvSpec,
    /// What there is to see, from the step's number on.
    seen: Vec<f32>,
    t: usize,
}

const STEPS: usize = 60;

impl Noise {
    /// For so many agents.
    pub fn new(agents: usize) -> Self {
        let spec = EnvSpec {
            n_actions: ACTIONS,
            obs_dim: OBS,
            state_dim: STATE,
            episode_limit: STEPS,
            ..EnvSpec::new("noise", agents)
        };
        let most = (agents * OBS).max(STATE);
        Self { seen: numbers(most + STEPS, 400, 1.0), spec, t: 0 }
    }

    fn write(&self, out: StepBuffers<'_>) {
        for to in [out.obs, out.state] {
            to.copy_from_slice(&self.seen[self.t..][..to.len()]);
        }
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for Noise {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.t = 0;
        self.write(out);
    }

    fn step(&mut self, _: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        let reward = self.seen[self.t];
        self.write(out);
        let status = if self.t == STEPS { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward, status }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.t, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.t = unpack("the step", bytes)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::check_env;

    use super::*;

    #[test]
    fn it_is_an_environment_like_any_other() {
        check_env(|| Noise::new(3), 500).expect("it keeps the contract");
    }
}
