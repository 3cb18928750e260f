//! Maximisation of joint action values for mixers whose greedy joint action may differ from the
//! agents' greedy actions.

mod concave;
mod concave_weights;
mod objective;
mod row;
mod search;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::concave::ConcaveObjective;
pub use self::concave_weights::ConcaveWeightsCpu;
pub use self::objective::Objective;
use self::row::Row;
use self::search::Searcher;
use crate::rng::Rng;

/// The number of rows that one task of the thread pool searches.
const CHUNK: usize = 64;

/// Method of a search for the best joint action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMethod {
    /// Coordinate ascent: one after another, agents change to their best action given the others'
    /// actions, until no agent changes.
    Iterative,
    /// The best among the initial joint action and all joint actions that differ from it in one
    /// agent (Zhou et al., 2022, PAC, arXiv 2206.11420).
    SingleDeviation,
    /// All joint actions; for small teams only.
    Exhaustive,
    /// Each agent's action with the largest utility, regardless of the joint action value. This is
    /// exact for monotonic mixers and an ablation for others.
    Greedy,
}

/// Search for joint actions with a large joint action value.
///
/// [`SearchMethod::Iterative`] climbs from several starts and keeps the best result. Up to the
/// requested number, the starts are in this order: the initial joint action if there is one, the
/// actions with the largest utilities, those with the smallest utilities, and random actions. Only
/// available actions are used. An agent changes its action if this gains more than `1e-6 max(1,
/// |Q|)`; among equal actions it takes the one with the lowest index.
///
/// # Guarantees
///
/// Each change raises the joint action value, so the climb ends. At its end, no single agent can
/// raise the value further: the joint action is a Nash equilibrium of the team's game. It need not
/// be a global maximum, although the mixer is concave in the utilities, because an agent chooses
/// among a few points, not from an interval. With the values `-1, -4.5; -4.5, 0`, which a smooth,
/// strictly concave function of two utilities can take, a climb from the first joint action ends
/// there. More starts or pairwise changes find the maximum more often; with two agents, pairwise
/// changes always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointActionSearch {
    /// The search method.
    pub method: SearchMethod,
    /// The largest number of passes of a climb over all agents (or all pairs of agents).
    pub sweeps: usize,
    /// The number of starts of [`SearchMethod::Iterative`], at least one.
    pub starts: usize,
    /// Whether pairs of agents change their actions together once no single agent can gain.
    pub pairwise: bool,
    /// Whether to compute [`SearchResult::deviations`].
    pub deviations: bool,
}

impl Default for JointActionSearch {
    fn default() -> Self {
        Self {
            method: SearchMethod::Iterative,
            sweeps: 8,
            starts: 4,
            pairwise: false,
            deviations: false,
        }
    }
}

/// Rows for which joint actions are selected. A row is a time step of an episode.
#[derive(Clone, Copy, Debug)]
pub struct SearchInput<'a> {
    /// The number of agents.
    pub n_agents: usize,
    /// The number of actions of each agent.
    pub n_actions: usize,
    /// The utilities, `[row, agent, action, utility_dim]`.
    pub utilities: &'a [f32],
    /// Available actions, `[row, agent, action]`. An agent without an available action takes action
    /// 0.
    pub available: &'a [bool],
    /// The rows to search, `[row]`; `None` searches all rows.
    pub valid: Option<&'a [bool]>,
    /// Joint actions to start from, `[row, agent]`, such as the policies' greedy ones. An
    /// unavailable action is replaced by the available one with the largest utility.
    pub initial: Option<&'a [u16]>,
}

/// Result of a [`JointActionSearch`]. Its memory is reused in the next call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResult {
    /// The selected joint actions, `[row, agent]`; zero in rows that are not searched.
    pub actions: Vec<u16>,
    /// Their joint action values, `[row]`; zero in rows that are not searched.
    pub value: Vec<f32>,
    /// The joint action values if one agent deviates from the selected joint action, `[row, agent,
    /// action]`, if they are requested. An unavailable action has the value of the joint action
    /// itself; rows that are not searched are zero.
    pub deviations: Option<Vec<f32>>,
}

impl JointActionSearch {
    /// Searches for the joint actions with the largest value under the concave mixer with these
    /// weights.
    ///
    /// Random starts are drawn from `rng` for every row, searched or not, in order, so that the
    /// results depend neither on the number of threads nor on `valid`. Chunks of rows are searched
    /// in parallel on the current rayon pool.
    ///
    /// # Panics
    ///
    /// Panics if the sizes are inconsistent, or there are more than 65 536 actions.
    pub fn run(
        &self,
        weights: &ConcaveWeightsCpu,
        input: SearchInput<'_>,
        rng: &mut Rng,
        out: &mut SearchResult,
    ) {
        let inputs = input.n_agents * input.utility_dim();
        assert_eq!(weights.rows(), input.rows(), "the weights must have as many rows as the input");
        assert_eq!(weights.inputs(), inputs, "the mixer must read the utilities of all agents");
        self.run_with(input, || ConcaveObjective::new(weights, input), rng, out);
    }

    /// Searches for the joint actions with the largest value under any objective; `objective`
    /// creates one for each chunk of rows.
    ///
    /// # Panics
    ///
    /// Panics if the sizes are inconsistent, or there are more than 65 536 actions.
    pub fn run_with<O: Objective>(
        &self,
        input: SearchInput<'_>,
        objective: impl Fn() -> O + Sync,
        rng: &mut Rng,
        out: &mut SearchResult,
    ) {
        input.check();
        let (rows, agents) = (input.rows(), input.n_agents);
        let random = self.random_starts(input.initial.is_some());
        let draws: Vec<u32> = (0..rows * random * agents).map(|_| rng.next_u32()).collect();
        let table = agents * input.n_actions;
        reset(&mut out.actions, rows * agents);
        reset(&mut out.value, rows);
        out.deviations = self.deviations.then(|| {
            let mut values = out.deviations.take().unwrap_or_default();
            reset(&mut values, rows * table);
            values
        });
        let mut tables =
            out.deviations.as_deref_mut().map(|values| values.chunks_mut(CHUNK * table));
        let chunks: Vec<_> = out
            .actions
            .chunks_mut(CHUNK * agents)
            .zip(out.value.chunks_mut(CHUNK))
            .map(|(actions, value)| (actions, value, tables.as_mut().and_then(Iterator::next)))
            .collect();
        chunks.into_par_iter().enumerate().for_each(|(chunk, (actions, value, mut tables))| {
            let mut searcher = Searcher::new(*self, objective());
            let mut row = Row::default();
            for (index, value) in value.iter_mut().enumerate() {
                let number = chunk * CHUNK + index;
                if input.valid.is_some_and(|valid| !valid[number]) {
                    continue;
                }
                row.set_row(input, number, &draws[number * random * agents..][..random * agents]);
                let table = tables.as_deref_mut().map(|t| &mut t[index * table..][..table]);
                let actions = &mut actions[index * agents..][..agents];
                *value = searcher.select(&row, number, actions, table);
            }
        });
    }

    /// Returns the number of random starts.
    fn random_starts(&self, initial: bool) -> usize {
        match self.method {
            SearchMethod::Iterative => self.starts.saturating_sub(2 + usize::from(initial)),
            SearchMethod::SingleDeviation | SearchMethod::Exhaustive | SearchMethod::Greedy => 0,
        }
    }
}

/// Resizes `values` to `len` and fills it with zeros.
fn reset<T: Clone + Default>(values: &mut Vec<T>, len: usize) {
    values.clear();
    values.resize(len, T::default());
}

impl SearchInput<'_> {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.available.len() / (self.n_agents * self.n_actions)
    }

    /// Returns the number of utilities per action.
    pub fn utility_dim(&self) -> usize {
        self.utilities.len().checked_div(self.available.len()).unwrap_or(1)
    }

    fn check(&self) {
        let rows = self.rows();
        let actions = rows * self.n_agents * self.n_actions;
        assert!(self.n_actions <= 1 << 16, "there are at most 65 536 actions");
        assert_eq!(self.available.len(), actions, "availability is [row, agent, action]");
        let utilities = actions * self.utility_dim();
        assert_eq!(self.utilities.len(), utilities, "utilities are [row, agent, action, dim]");
        assert!(self.valid.is_none_or(|valid| valid.len() == rows), "`valid` must be [row]");
        assert!(
            self.initial.is_none_or(|initial| initial.len() == rows * self.n_agents),
            "`initial` must be [row, agent]"
        );
    }
}
