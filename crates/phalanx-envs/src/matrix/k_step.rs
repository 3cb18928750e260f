//! The k-step game of MAVEN: the first joint action determines which actions pay afterwards.

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde::{Deserialize, Serialize};

use crate::arguments::{Argument, ArgumentError, argument, read, row, wrong};

/// The number of branches: one per joint action.
const BRANCHES: usize = 4;
/// The payoffs of the last step of branch 0, `[action of agent 0, action of agent 1]`.
const LAST: [[f32; 2]; 2] = [[1.0, 1.0], [1.0, 4.0]];

/// The arguments of the k-step game, under MAVEN's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KStepArgs {
    /// The number of steps, k.
    pub steps: usize,
    /// The number of branches that pay: 2 (those of the joint actions 00 and 11) or 4.
    pub good_branches: usize,
}

impl Default for KStepArgs {
    fn default() -> Self {
        Self { steps: 10, good_branches: 2 }
    }
}

impl KStepArgs {
    /// The arguments, in the order of the fields.
    pub const ARGUMENTS: &'static [Argument] =
        &[argument("steps", "a whole number from 1 to 1000"), argument("good_branches", "2 or 4")];

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
        if !(1..=1000).contains(&self.steps) {
            return Err(wrong(row(Self::ARGUMENTS, "steps"), self.steps));
        }
        if ![2, 4].contains(&self.good_branches) {
            return Err(wrong(row(Self::ARGUMENTS, "good_branches"), self.good_branches));
        }
        Ok(())
    }
}

/// Two agents with two actions, k steps (Mahajan et al. 2019, MAVEN).
///
/// The first joint action chooses one of four branches: 00 is branch 0, 01 branch 1, 10 branch 2 and 11
/// branch 3. A step pays 1 as long as the agents repeat that joint action; any other ends the episode
/// without reward. With two good branches, branches 1 and 2 end it at once. In the last step of branch 0
/// (if k > 1) every joint action pays 1, and 11 pays 4: the best return is k + 3, and branch 3 is worth
/// k. A monotonic factorisation cannot represent that the agents must switch to 11 together only at the
/// end of 00, 00, …, and settles for branch 3.
///
/// Observations `[agent, k + 1 + 4]` and state `[k + 1 + 4]` are the one-hot step followed by the
/// one-hot branch (0 before the first step); with k = 1 there is no branch.
#[derive(Clone, Debug)]
pub struct KStep {
    args: KStepArgs,
    spec: EnvSpec,
    progress: Progress,
}

/// The state of an episode.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Progress {
    step: usize,
    branch: usize,
    good_payoff: bool,
}

impl KStep {
    /// A one-sentence summary of the game.
    pub const SUMMARY: &'static str = "The first joint action must be repeated for k steps; only the last \
        step reveals which branch is best (Mahajan et al. 2019, MAVEN).";

    /// Creates the game, at its first step.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument has an invalid value.
    pub fn new(args: KStepArgs) -> Result<Self, ArgumentError> {
        args.check()?;
        let width = if args.steps == 1 { 2 } else { args.steps + 1 + BRANCHES };
        let best = if args.steps == 1 { 1 } else { args.steps + 3 };
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: width,
            state_dim: width,
            episode_limit: args.steps,
            info: vec!["good_payoff".to_owned()],
            max_return: Some(best as f32),
            ..EnvSpec::new("k_step", 2)
        };
        Ok(Self { args, spec, progress: Progress::default() })
    }

    fn write(&self, mut out: StepBuffers<'_>) {
        let Progress { step, branch, good_payoff } = self.progress;
        for row in out.obs.chunks_exact_mut(self.spec.obs_dim).chain([&mut *out.state]) {
            row.fill(0.0);
            row[step] = 1.0;
            if self.args.steps > 1 {
                row[self.args.steps + 1 + branch] = 1.0;
            }
        }
        out.info[0] = f32::from(u8::from(good_payoff));
        super::write_flags(&mut out);
    }
}

impl Env for KStep {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.progress = Progress::default();
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        let [first, second] = [actions[0], actions[1]].map(usize::from);
        let joint = 2 * first + second;
        let Progress { step, branch, good_payoff } = &mut self.progress;
        if *step == 0 {
            *branch = joint;
        }
        let last = *step + 1 == self.args.steps;
        let pays = self.args.good_branches == BRANCHES || [0, 3].contains(&*branch);
        let reward = if last && self.args.steps > 1 && *branch == 0 {
            *good_payoff = true;
            LAST[first][second]
        } else {
            f32::from(u8::from(pays && joint == *branch))
        };
        *step += 1;
        let end = if last || reward == 0.0 { StepStatus::Terminated } else { StepStatus::Running };
        self.write(out);
        StepResult { reward, status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.progress, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let progress: Progress = unpack("the k-step game", bytes)?;
        if progress.step > self.args.steps || progress.branch >= BRANCHES {
            return Err(EnvError::BadState {
                what: "the k-step game".to_owned(),
                reason: format!("there is no such moment: {progress:?}"),
            });
        }
        self.progress = progress;
        Ok(())
    }

    fn describe(&self) -> Description {
        let mut numbers: Vec<_> =
            (0..=self.args.steps).map(|step| format!("1 at step {step}, else 0")).collect();
        if self.args.steps > 1 {
            numbers.extend((0..BRANCHES).map(|branch| format!("1 in branch {branch}, else 0")));
        }
        Description {
            summary: Self::SUMMARY.to_owned(),
            obs: numbers.clone(),
            state: numbers,
            actions: vec!["action 0".to_owned(), "action 1".to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::promises;

    #[test]
    fn arguments_are_documented_and_refused_by_name() {
        promises::every_field_is_documented::<KStepArgs>(KStepArgs::ARGUMENTS);
        let texts = r#"
            steps = 0
            steps = 1001
            good_branches = 3
            good_branches = "2"
        "#;
        promises::values_are_refused_by_name(KStepArgs::from_table, texts);
    }
}
