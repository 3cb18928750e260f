//! The two-state game of QPLEX.

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, NUMBER, argument, read, row, wrong};

/// The arguments of the game, under QPLEX's names and with the defaults of its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MmdpArgs {
    /// The reward for the joint action 00 in the first state.
    pub reward_win: f32,
    /// The number of steps.
    pub episode_limit: usize,
}

impl Default for MmdpArgs {
    fn default() -> Self {
        Self { reward_win: 1.0, episode_limit: 100 }
    }
}

impl MmdpArgs {
    /// The arguments, in the order of the fields.
    pub const ARGUMENTS: &'static [Argument] = &[
        argument("reward_win", NUMBER),
        argument("episode_limit", "a whole number from 1 to 1000000"),
    ];

    /// Reads the arguments from a configuration.
    ///
    /// # Errors
    ///
    /// Returns an error for the first argument that is unknown or has an invalid value.
    pub fn from_table(table: &toml::Table) -> Result<Self, ArgumentError> {
        let args: Self = read(table, Self::ARGUMENTS)?;
        args.check()?;
        Ok(args)
    }

    fn check(&self) -> Result<(), ArgumentError> {
        if !self.reward_win.is_finite() {
            return Err(wrong(row(Self::ARGUMENTS, "reward_win"), self.reward_win));
        }
        if !(1..=1_000_000).contains(&self.episode_limit) {
            return Err(wrong(row(Self::ARGUMENTS, "episode_limit"), self.episode_limit));
        }
        Ok(())
    }
}

/// Two agents with two actions in a game of two states (Wang et al. 2021, QPLEX).
///
/// An episode begins in state 1, where the joint action 00 pays 1; 01 and 10 pay nothing and stay in
/// state 1, and 11 leads to state 0. State 0 pays nothing and is never left. The best return is the
/// number of steps. Under off-policy training, value decomposition with a linear or monotonic mixer
/// diverges or fails here.
///
/// Observations `[agent, 2]` are the one-hot state; the state `[4]` repeats it for each agent. Agents do
/// not observe the time, yet the time limit counts as a termination, as in the original
/// ([`EnvSpec::timeout_is_terminal`]).
#[derive(Clone, Debug)]
pub struct Mmdp {
    args: MmdpArgs,
    spec: EnvSpec,
    /// Steps played.
    step: usize,
    state: u8,
}

impl Mmdp {
    /// A one-sentence summary of the game.
    pub const SUMMARY: &'static str = "A hundred steps; joint action 00 pays 1, and 11 ends all further \
        reward: a test of off-policy learning (Wang et al. 2021, QPLEX).";

    /// Creates the game, at its first step.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value.
    pub fn new(args: MmdpArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 2,
            state_dim: 4,
            episode_limit: args.episode_limit,
            timeout_is_terminal: true,
            max_return: Some(args.reward_win.max(0.0) * args.episode_limit as f32),
            ..EnvSpec::new("mmdp", 2)
        };
        Ok(Self { args, spec, step: 0, state: 1 })
    }

    fn write(&self, mut out: StepBuffers<'_>) {
        for row in out.obs.chunks_exact_mut(2).chain(out.state.chunks_exact_mut(2)) {
            row.fill(0.0);
            row[usize::from(self.state)] = 1.0;
        }
        super::write_flags(&mut out);
    }
}

impl Env for Mmdp {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.step = 0;
        self.state = 1;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        let paid = self.state == 1 && actions == [0, 0];
        if actions == [1, 1] {
            self.state = 0;
        }
        self.step += 1;
        self.write(out);
        let over = self.step >= self.args.episode_limit;
        StepResult {
            reward: if paid { self.args.reward_win } else { 0.0 },
            status: if over { StepStatus::Truncated } else { StepStatus::Running },
        }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&(self.step, self.state), out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let (step, state): (usize, u8) = unpack("the two-state game", bytes)?;
        if state > 1 || step > self.args.episode_limit {
            return Err(EnvError::BadState {
                what: "the two-state game".to_owned(),
                reason: format!("there is no state {state} after {step} steps"),
            });
        }
        (self.step, self.state) = (step, state);
        Ok(())
    }

    fn describe(&self) -> Description {
        let state = |state: usize| format!("1 in state {state}, else 0");
        Description {
            summary: Self::SUMMARY.to_owned(),
            obs: (0..2).map(state).collect(),
            state: (0..4)
                .map(|index| format!("agent {}: {}", index / 2, state(index % 2)))
                .collect(),
            actions: vec![
                "action 0: pays if both agents choose it in state 1".to_owned(),
                "action 1: leads to state 0 if both agents choose it".to_owned(),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::promises;

    #[test]
    fn arguments_are_documented_and_refused_by_name() {
        promises::every_field_is_documented::<MmdpArgs>(MmdpArgs::ARGUMENTS);
        let texts = "
            reward_win = nan
            episode_limit = 0
            episode_limit = -3
        ";
        promises::values_are_refused_by_name(MmdpArgs::from_table, texts);
    }
}
