//! Agent rewards are written to the rows of a batch, and the conformance kit checks them.

use phalanx_core::env::{
    CheckReport, Env, EnvError, EnvSpec, ParallelEnvs, StepBuffers, StepResult, StepRows,
    StepStatus, VecEnv, check_env, pack, unpack,
};
use phalanx_core::rng::{Purpose, Rng};

/// The reward that an environment writes for its second agent.
#[derive(Clone, Copy, PartialEq)]
enum Second {
    ItsAction,
    Nothing,
    NotANumber,
}

/// Two agents, each rewarded with its own action, for four steps.
struct Wages {
    spec: EnvSpec,
    second: Second,
    t: u8,
}

impl Wages {
    fn new(agent_rewards: bool, second: Second) -> Self {
        let spec =
            EnvSpec { n_actions: 5, episode_limit: 4, agent_rewards, ..EnvSpec::new("wages", 2) };
        Self { spec, second, t: 0 }
    }

    fn write(&self, wages: [f32; 2], out: StepBuffers<'_>) {
        out.obs.fill(1.0);
        out.state.fill(1.0);
        out.avail.fill(true);
        out.alive.fill(true);
        if self.spec.agent_rewards {
            out.agent_rewards[0] = wages[0];
            match self.second {
                Second::ItsAction => out.agent_rewards[1] = wages[1],
                Second::Nothing => {}
                Second::NotANumber => out.agent_rewards[1] = f32::NAN,
            }
        }
    }
}

impl Env for Wages {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.t = 0;
        self.write([0.0; 2], out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.t += 1;
        let wages = [actions[0], actions[1]].map(f32::from);
        self.write(wages, out);
        let end = if self.t == 4 { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward: wages[0] + wages[1], status: end }
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.t, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.t = unpack("the wages", bytes)?;
        Ok(())
    }
}

#[test]
fn every_agent_reward_is_written_to_its_own_element() {
    let n = 3;
    let make = || Wages::new(true, Second::ItsAction);
    let mut envs = ParallelEnvs::new(n, 1, Purpose::Check, make);
    let mut rows = StepRows::new(envs.spec(), n, 2);
    envs.reset(&[true; 3], rows.at_mut(0));
    assert_eq!(rows.agent_rewards, [0.0; 12]);
    envs.step(&[0, 1, 2, 3, 4, 0], &[true; 3], rows.at_mut(1));
    assert_eq!(rows.agent_rewards[6..], [0.0, 1.0, 2.0, 3.0, 4.0, 0.0]);
    assert_eq!(rows.reward[3..], [1.0, 5.0, 4.0]);

    // An environment that does not step keeps its row, and halves of a batch do not overlap.
    envs.step(&[4; 6], &[true, false, true], rows.at_mut(1));
    assert_eq!(rows.agent_rewards[6..], [4.0, 4.0, 2.0, 3.0, 4.0, 4.0]);
    let (first, rest) = rows.at_mut(1).split_at(envs.spec(), 1);
    assert_eq!((first.agent_rewards.len(), rest.agent_rewards.len()), (2, 4));
    rows.copy_step(1, 0);
    assert_eq!(rows.agent_rewards[..6], [4.0, 4.0, 2.0, 3.0, 4.0, 4.0]);
}

#[test]
fn an_environment_without_agent_rewards_gets_an_empty_slice() {
    let spec = Wages::new(false, Second::ItsAction).spec;
    let mut rows = StepRows::new(&spec, 2, 3);
    assert!(rows.agent_rewards.is_empty());
    assert!(rows.at_mut(2).row(&spec, 1).agent_rewards.is_empty());
}

#[test]
fn the_conformance_kit_checks_agent_rewards() {
    let check = |second| check_env(|| Wages::new(true, second), 400);
    let report = check(Second::ItsAction).expect("the environment meets the contract");
    assert!(matches!(report, CheckReport { steps: 400, episodes: 100, .. }), "{report:?}");
    for (second, complaint) in [
        (Second::Nothing, "the reward of agent 1 is not written"),
        (Second::NotANumber, "the reward of agent 1 is NaN"),
    ] {
        let error = check(second).expect_err("the environment violates the contract").to_string();
        assert!(error.contains(complaint), "{error}");
    }
}
