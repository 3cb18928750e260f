//! One-step games: two agents choose a row and a column of a payoff table.

use phalanx_core::env::{Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus};
use phalanx_core::rng::Rng;

/// The length of the observation and the state; all elements are one, as in the code of Weighted QMIX.
const WIDTH: usize = 5;

/// A payoff table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Payoff {
    /// The game's name; its identifier is `matrix/<name>`.
    pub name: &'static str,
    /// A one-sentence summary of the difficulty, with its source.
    pub summary: &'static str,
    /// The payoffs, `[action of agent 0, action of agent 1]`, row by row.
    pub table: &'static [&'static [f32]],
}

/// The one-step games with a fixed table; those whose table takes an argument are
/// [`MATRIX_FAMILIES`](super::MATRIX_FAMILIES). To add a game, add a row here.
pub const MATRIX_GAMES: &[Payoff] = &[
    Payoff {
        name: "qtran",
        summary: "Non-monotonic: the optimum 8 is surrounded by -12 (Son et al. 2019, QTRAN).",
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
        summary: "Both agents must choose the same of two actions (Rashid et al. 2020, Weighted QMIX, table 1).",
        table: &[&[1.0, 0.0], &[0.0, 1.0]],
    },
    Payoff {
        name: "identity_3",
        summary: "Both agents must choose the same of three actions.",
        table: &[&[1.0, 0.0, 0.0], &[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0]],
    },
    Payoff {
        name: "climbing",
        summary: "The optimum 11 borders on penalties of -30 for miscoordination (Claus and Boutilier 1998).",
        table: &[&[11.0, -30.0, 0.0], &[-30.0, 7.0, 6.0], &[0.0, 0.0, 5.0]],
    },
    Payoff {
        name: "pymarl2_1",
        summary: "The optimum 12 is surrounded by only -0.1, and QMIX finds it (PyMARL2's code, table 1).",
        table: &[&[12.0, -0.1, -0.1], &[-0.1, 0.0, 0.0], &[-0.1, 0.0, 0.0]],
    },
    Payoff {
        name: "pymarl2_2",
        summary: "Like qtran, with an optimum of 12 (PyMARL2's code, table 2).",
        table: &[&[12.0, -12.0, -12.0], &[-12.0, 0.0, 0.0], &[-12.0, 0.0, 0.0]],
    },
    Payoff {
        name: "pymarl2_3",
        summary: "The optimum 12 hides among many cells of 10 (PyMARL2's code, table 3).",
        table: &[&[12.0, 0.0, 10.0], &[0.0, 0.0, 10.0], &[10.0, 10.0, 10.0]],
    },
];

/// A one-step game of two agents.
///
/// Observations `[agent, 5]` and the state `[5]` are all ones; the episode ends after one step with the
/// payoff as its reward. If the table is not square, the mask of one agent excludes the actions that it
/// lacks.
///
/// ```
/// use phalanx_core::env::check_env;
/// use phalanx_envs::matrix::{MATRIX_GAMES, MatrixGame};
///
/// let report = check_env(|| MatrixGame::new(MATRIX_GAMES[0]), 1000).expect("the environment meets the contract");
/// assert_eq!((report.min_return, report.max_return), (-12.0, 8.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixGame {
    summary: &'static str,
    /// The payoffs, `[action of agent 0, action of agent 1]`.
    table: Vec<Vec<f32>>,
    spec: EnvSpec,
}

impl MatrixGame {
    /// Creates the game of one of [`MATRIX_GAMES`].
    pub fn new(payoff: Payoff) -> Self {
        let rows = payoff.table.iter().map(|row| row.to_vec()).collect();
        Self::with_table(payoff.name, payoff.summary, rows)
    }

    /// Creates the game `matrix/<name>` with the payoffs `[action of agent 0, action of agent 1]`.
    ///
    /// # Panics
    ///
    /// Panics if the table is empty or its rows differ in length.
    pub fn with_table(name: &str, summary: &'static str, table: Vec<Vec<f32>>) -> Self {
        let columns = table.first().map_or(0, Vec::len);
        assert!(columns > 0, "a payoff table has a cell");
        assert!(table.iter().all(|row| row.len() == columns), "rows are of one length");
        let best = table.iter().flatten().copied().fold(f32::MIN, f32::max);
        let spec = EnvSpec {
            n_actions: table.len().max(columns),
            obs_dim: WIDTH,
            state_dim: WIDTH,
            max_return: Some(best),
            ..EnvSpec::new(format!("matrix/{name}"), 2)
        };
        Self { summary, table, spec }
    }

    fn write(&self, mut out: StepBuffers<'_>) {
        out.obs.fill(1.0);
        out.state.fill(1.0);
        super::write_flags(&mut out);
        let n_actions = self.spec.n_actions;
        out.avail[self.table.len()..n_actions].fill(false);
        out.avail[n_actions + self.table[0].len()..].fill(false);
    }
}

impl Env for MatrixGame {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, _: &mut Rng, out: StepBuffers<'_>) {
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.write(out);
        let reward = self.table[usize::from(actions[0])][usize::from(actions[1])];
        StepResult { reward, status: StepStatus::Terminated }
    }

    fn save(&self, _: &mut Vec<u8>) {}

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        phalanx_core::env::unpack("a matrix game", bytes)
    }

    fn describe(&self) -> Description {
        Description {
            summary: self.summary.to_owned(),
            obs: vec!["always 1".to_owned(); WIDTH],
            state: vec!["always 1".to_owned(); WIDTH],
            actions: (0..self.spec.n_actions)
                .map(|i| format!("row {i} (agent 0) or column {i} (agent 1) of the payoff table"))
                .collect(),
        }
    }
}
