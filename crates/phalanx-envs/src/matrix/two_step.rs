//! The two-step game of the QMIX paper.

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;

/// A payoff table of the second step, `[action of agent 0, action of agent 1]`.
type Payoffs = [[f32; 2]; 2];

/// The payoffs in state 2A.
const SAFE: Payoffs = [[7.0, 7.0], [7.0, 7.0]];
/// The payoffs in state 2B in the paper.
const MONOTONE: Payoffs = [[0.0, 1.0], [1.0, 8.0]];
/// The payoffs in state 2B in the variant.
const NON_MONOTONE: Payoffs = [[2.0, 1.0], [1.0, 8.0]];

/// Two agents, two steps (Rashid et al. 2018, QMIX, section 5).
///
/// In the first step agent 0 alone decides: action 0 leads to state 2A, action 1 to state 2B, both
/// without reward. In 2A every joint action is worth 7, in 2B the payoffs are
///
/// ```text
///            agent 1: 0   1
/// agent 0: 0          0   1
///          1          1   8
/// ```
///
/// An additive factorisation settles for 7; a monotonic one finds 8. In the
/// [variant](TwoStep::non_monotone) of several ports, mixed joint actions are worth less than 00:
///
/// ```text
///            agent 1: 0   1
/// agent 0: 0          2   1
///          1          1   8
/// ```
///
/// Observations `[agent, 3]` and the state `[3]` are the one-hot index of the state (1, 2A, 2B). After
/// the last step they show the state in which it was played.
#[derive(Clone, Debug)]
pub struct TwoStep {
    spec: EnvSpec,
    /// The payoffs in states 2A and 2B.
    payoffs: [Payoffs; 2],
    state: u8,
}

impl TwoStep {
    /// A one-sentence summary of the game.
    pub const SUMMARY: &'static str = "Agent 0 first chooses between a safe 7 and a matrix game worth up to 8 (Rashid et al. 2018, QMIX).";

    /// A one-sentence summary of the variant.
    pub const NON_MONOTONE_SUMMARY: &'static str = "The two-step game with a non-monotonic matrix game: \
        payoffs 2, 1, 1, 8 instead of 0, 1, 1, 8.";

    /// Creates the game, at its first step.
    pub fn new() -> Self {
        Self::with("two_step", MONOTONE)
    }

    /// Creates the variant with the non-monotonic second game, at its first step.
    pub fn non_monotone() -> Self {
        Self::with("two_step_non_monotone", NON_MONOTONE)
    }

    fn with(id: &str, game: Payoffs) -> Self {
        let spec = EnvSpec {
            n_actions: 2,
            obs_dim: 3,
            state_dim: 3,
            episode_limit: 2,
            max_return: Some(8.0),
            ..EnvSpec::new(id, 2)
        };
        Self { spec, payoffs: [SAFE, game], state: 0 }
    }

    fn write(&self, mut out: StepBuffers<'_>) {
        for row in out.obs.chunks_exact_mut(3).chain([&mut *out.state]) {
            row.fill(0.0);
            row[usize::from(self.state)] = 1.0;
        }
        super::write_flags(&mut out);
    }
}

impl Default for TwoStep {
    fn default() -> Self {
        Self::new()
    }
}

impl Env for TwoStep {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.state = 0;
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        let outcome = if self.state == 0 {
            self.state = if actions[0] == 0 { 1 } else { 2 };
            StepResult { reward: 0.0, status: StepStatus::Running }
        } else {
            let payoff = self.payoffs[usize::from(self.state) - 1];
            let reward = payoff[usize::from(actions[0])][usize::from(actions[1])];
            StepResult { reward, status: StepStatus::Terminated }
        };
        self.write(out);
        outcome
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.state, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let state: u8 = unpack("the two-step game", bytes)?;
        if state > 2 {
            return Err(EnvError::BadState {
                what: "the two-step game".to_owned(),
                reason: format!("there is no state {state}"),
            });
        }
        self.state = state;
        Ok(())
    }

    fn describe(&self) -> Description {
        let states: Vec<_> =
            ["1", "2A", "2B"].iter().map(|name| format!("1 in state {name}, else 0")).collect();
        Description {
            summary: if self.payoffs[1] == MONOTONE {
                Self::SUMMARY.to_owned()
            } else {
                Self::NON_MONOTONE_SUMMARY.to_owned()
            },
            obs: states.clone(),
            state: states,
            actions: vec![
                "first step: agent 0 goes to 2A; second step: row or column 0".to_owned(),
                "first step: agent 0 goes to 2B; second step: row or column 1".to_owned(),
            ],
        }
    }
}
