//! Games of one joint action: two agents choose a row and a column of a payoff table.

use phalanx_core::env::{Description, End, Env, EnvError, EnvSpec, Outcome, StepMut};
use phalanx_core::rng::Rng;

/// The length of observation and state; all elements are one, as in the code of Weighted QMIX.
const WIDTH: usize = 5;

/// A square payoff table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payoff {
    /// The game's name; its identifier is `matrix/<name>`.
    pub name: &'static str,
    /// One sentence about what makes the game hard, with its source.
    pub summary: &'static str,
    /// `[action of agent 0, action of agent 1]`, row by row.
    pub table: &'static [&'static [f32]],
}

/// Every one-step game. A further game is one more row here.
pub const MATRIX_GAMES: &[Payoff] = &[
    Payoff {
        name: "qtran",
        summary: "Non-monotone: the optimum 8 is surrounded by -12 (Son et al. 2019, QTRAN).",
        table: &[&[8.0, -12.0, -12.0], &[-12.0, 0.0, 0.0], &[-12.0, 0.0, 0.0]],
    },
    Payoff {
        name: "qplex_3",
        summary: "Like qtran, with two further local optima of 6 (Wang et al. 2021, QPLEX).",
        table: &[&[8.0, -12.0, -12.0], &[-12.0, 6.0, 0.0], &[-12.0, 0.0, 6.0]],
    },
    Payoff {
        name: "qplex_1",
        summary: "The optimum 10.4 hides among many cells of 10 (Wang et al. 2021, QPLEX).",
        table: &[&[10.4, 0.0, 10.0], &[0.0, 10.0, 10.0], &[10.0, 10.0, 10.0]],
    },
    Payoff {
        name: "identity_2",
        summary: "Two agents are paid for agreeing (Rashid et al. 2020, Weighted QMIX, table 1).",
        table: &[&[1.0, 0.0], &[0.0, 1.0]],
    },
    Payoff {
        name: "identity_3",
        summary: "Two agents are paid for agreeing on one of three actions.",
        table: &[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0]],
    },
    Payoff {
        name: "climbing",
        summary: "Miscoordination at the optimum 11 costs 30 (Claus and Boutilier 1998).",
        table: &[&[11.0, -30.0, 0.0], &[-30.0, 7.0, 6.0], &[0.0, 0.0, 5.0]],
    },
    Payoff {
        name: "penalty",
        summary: "Two optima of 10 that must not be mixed up: the penalty k is -100 \
                  (Claus and Boutilier 1998).",
        table: &[&[-100.0, 0.0, 10.0], &[0.0, 2.0, 0.0], &[10.0, 0.0, -100.0]],
    },
];

/// A one-step game of two agents.
///
/// Observations `[agent, 5]` and state `[5]` are all ones; the episode ends after one step with
/// the payoff as its reward.
///
/// ```
/// use phalanx_core::env::{Steps, check_env};
/// use phalanx_envs::matrix::{MATRIX_GAMES, MatrixGame};
///
/// let report = check_env(|| MatrixGame::new(MATRIX_GAMES[0]), Steps(1000)).expect("it conforms");
/// assert_eq!((report.min_return, report.max_return), (-12.0, 8.0));
/// ```
#[derive(Clone, Debug)]
pub struct MatrixGame {
    payoff: Payoff,
    spec: EnvSpec,
}

impl MatrixGame {
    /// The game of one table.
    ///
    /// # Panics
    ///
    /// When the table is empty or not square.
    pub fn new(payoff: Payoff) -> Self {
        let n_actions = payoff.table.len();
        assert!(n_actions > 0, "a payoff table has a cell");
        assert!(payoff.table.iter().all(|row| row.len() == n_actions), "a payoff table is square");
        let best = payoff.table.iter().copied().flatten().copied().fold(f32::MIN, f32::max);
        let spec = EnvSpec {
            n_actions,
            obs_dim: WIDTH,
            state_dim: WIDTH,
            max_return: Some(best),
            ..EnvSpec::new(format!("matrix/{}", payoff.name), 2)
        };
        Self { payoff, spec }
    }

    fn write(mut out: StepMut<'_>) {
        out.obs.fill(1.0);
        out.state.fill(1.0);
        super::write_flags(&mut out);
    }
}

impl Env for MatrixGame {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepMut<'_>) {
        Self::write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepMut<'_>) -> Outcome {
        Self::write(out);
        let reward = self.payoff.table[usize::from(actions[0])][usize::from(actions[1])];
        Outcome { reward, end: End::Terminated }
    }

    fn save(&self, _: &mut Vec<u8>) {}

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        phalanx_core::env::unpack("a matrix game", bytes)
    }

    fn describe(&self) -> Description {
        Description {
            summary: self.payoff.summary.to_owned(),
            obs: vec!["always 1".to_owned(); WIDTH],
            state: vec!["always 1".to_owned(); WIDTH],
            actions: (0..self.spec.n_actions)
                .map(|i| format!("row {i} (agent 0) or column {i} (agent 1) of the payoff table"))
                .collect(),
        }
    }
}
