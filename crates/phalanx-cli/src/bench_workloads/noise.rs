//! An environment of fixed sizes without a task.

use phalanx_core::env::{
    Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;

use super::numbers;
use super::sizes::{OBS, STATE};

/// Episodes of 60 steps with random observations of 80 numbers, 14 actions, a state of 120 numbers,
/// and rewards that do not depend on the actions. Updates cost as much as those of a battle.
#[derive(Clone, Debug)]
pub struct Noise {
    spec: EnvSpec,
    /// The data of all steps; step `t` starts at index `t`.
    data: Vec<f32>,
    t: usize,
}

const STEPS: usize = 60;

impl Noise {
    /// Creates an environment with `agents` agents.
    pub fn new(agents: usize) -> Self {
        let spec = super::spec("noise", agents, STEPS);
        let len = (agents * OBS).max(STATE) + STEPS;
        Self { data: numbers(len, 400, 1.0), spec, t: 0 }
    }

    fn write(&self, out: StepBuffers<'_>) {
        for to in [out.obs, out.state] {
            to.copy_from_slice(&self.data[self.t..][..to.len()]);
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
        let reward = self.data[self.t];
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
    fn it_meets_the_contract_of_environments() {
        check_env(|| Noise::new(3), 500).expect("the environment meets the contract");
    }
}
