//! Maximisation of the joint action value where each agent's greedy action need not be its part of the greedy
//! joint action.

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

/// Rows that one task of the thread pool searches, one after the other.
const CHUNK: usize = 64;

/// How the joint action is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchMethod {
    /// Coordinate ascent: in the order of their index, agents change to the action that is best
    /// while the others keep theirs, until none changes.
    Iterative,
    /// The best of the initial joint action and those that differ from it in one agent (Zhou et
    /// al., 2022, PAC, arXiv 2206.11420).
    SingleDeviation,
    /// All joint actions; for small teams.
    Exhaustive,
    /// The action of the largest utility for each agent, whatever the joint action value: what a
    /// monotone mixer needs, and an ablation elsewhere.
    Greedy,
}

/// Selects joint actions of large joint action value.
///
/// [`SearchMethod::Iterative`] climbs from several starts and keeps the best end. The starts are, in
/// this order, up to the requested number: the initial joint action where one is given, each agent's
/// action of the largest utility, of the smallest utility, and random actions. Only available
/// actions are taken. An agent changes its action where that gains more than `1e-6 max(1, |Q|)`,
/// and to the lowest index of equal ones.
///
/// # Guarantees
///
/// Each change raises the joint action value, so the climb ends, and at its end no agent alone can
/// raise the value further: the joint action is a Nash equilibrium of the team's game. It need not
/// be the largest value, although the mixer is concave in the utilities: those of an agent's
/// actions are a few points, not an interval. With the values `-1, -4.5; -4.5, 0`, which a smooth,
/// strictly concave function of two utilities takes, the climb stays at the first. More starts or
/// pairwise changes find the largest value more often; with two agents, pairwise changes always do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointActionSearch {
    /// How the joint action is searched for.
    pub method: SearchMethod,
    /// The most times that a climb visits all agents (or all pairs of them).
    pub sweeps: usize,
    /// The number of starts of [`SearchMethod::Iterative`], at least one.
    pub starts: usize,
    /// Whether pairs of agents change together, where no agent alone can gain, until no pair can.
    pub pairwise: bool,
    /// Whether [`SearchResult::deviations`] is wanted.
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

/// The rows for which joint actions are selected. A row is a time step of an episode.
#[derive(Clone, Copy, Debug)]
pub struct SearchInput<'a> {
    /// The number of agents.
    pub n_agents: usize,
    /// The number of actions of an agent.
    pub n_actions: usize,
    /// The utilities, `[row, agent, action, utility_dim]`.
    pub utilities: &'a [f32],
    /// Which actions are available, `[row, agent, action]`. An agent without any takes action 0.
    pub available: &'a [bool],
    /// Which rows are wanted, `[row]`; without it, all.
    pub valid: Option<&'a [bool]>,
    /// A joint action to start from, `[row, agent]`, such as the policies' greedy one. An action
    /// that is not available is replaced by that of the largest utility.
    pub initial: Option<&'a [u16]>,
}

/// The result of a [`JointActionSearch`]. Its memory is reused from call to call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchResult {
    /// The joint actions, `[row, agent]`; zeros in rows that are not wanted.
    pub actions: Vec<u16>,
    /// Their joint action values, `[row]`; zero in rows that are not wanted.
    pub value: Vec<f32>,
    /// The joint action values where one agent deviates and the others keep to the joint action,
    /// `[row, agent, action]`, where they are requested. Those of actions that are not available
    /// are the joint action's own value; zeros in rows that are not wanted.
    pub deviations: Option<Vec<f32>>,
}

impl JointActionSearch {
    /// Finds the joint actions that the concave mixer with these weights values highest.
    ///
    /// Random starts are drawn from `rng`, for every row in order, so that the rest depends neither
    /// on the number of threads nor on `valid`. Chunks of rows are searched on the threads of the
    /// current rayon pool.
    ///
    /// # Panics
    ///
    /// When the sizes contradict each other, or there are more than 65 536 actions.
    pub fn run(
        &self,
        weights: &ConcaveWeightsCpu,
        input: SearchInput<'_>,
        rng: &mut Rng,
        out: &mut SearchResult,
    ) {
        let inputs = input.n_agents * input.utility_dim();
        assert_eq!(weights.rows(), input.rows(), "the weights have as many rows as the input");
        assert_eq!(weights.inputs(), inputs, "the mixer reads the utilities of all agents");
        self.run_with(input, || ConcaveObjective::new(weights, input), rng, out);
    }

    /// Finds the joint actions that any objective values highest; `objective` makes one for each chunk
    /// of rows.
    ///
    /// # Panics
    ///
    /// When the sizes contradict each other, or there are more than 65 536 actions.
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

    /// Returns how many starts are random.
    fn random_starts(&self, initial: bool) -> usize {
        match self.method {
            SearchMethod::Iterative => self.starts.saturating_sub(2 + usize::from(initial)),
            SearchMethod::SingleDeviation | SearchMethod::Exhaustive | SearchMethod::Greedy => 0,
        }
    }
}

/// Fills `values` with zeros.
fn reset<T: Clone + Default>(values: &mut Vec<T>, len: usize) {
    values.clear();
    values.resize(len, T::default());
}

impl SearchInput<'_> {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.available.len() / (self.n_agents * self.n_actions)
    }

    /// Returns the number of utilities of an action.
    pub fn utility_dim(&self) -> usize {
        self.utilities.len().checked_div(self.available.len()).unwrap_or(1)
    }

    fn check(&self) {
        let rows = self.rows();
        let actions = rows * self.n_agents * self.n_actions;
        assert!(self.n_actions <= 1 << 16, "an action fits 16 bits");
        assert_eq!(self.available.len(), actions, "availability is [row, agent, action]");
        let utilities = actions * self.utility_dim();
        assert_eq!(self.utilities.len(), utilities, "utilities are [row, agent, action, dim]");
        assert!(self.valid.is_none_or(|valid| valid.len() == rows), "a row is wanted or not");
        assert!(
            self.initial.is_none_or(|initial| initial.len() == rows * self.n_agents),
            "the initial joint actions are [row, agent]"
        );
    }
}
