//! Batches of rows for the joint-action search, of mixers and of arbitrary functions.

use burn::tensor::Tensor;
use phalanx_core::nn::{
    ConcaveMixer, ConcaveNetwork, ConcaveWeightsCpu, JointActionSearch, Objective, SearchInput,
    SearchMethod, SearchResult,
};
use phalanx_core::rng::{Purpose, Rng};

use super::games::{kinked, normals, numbers, sizes, tensor};

pub(crate) const EXHAUSTIVE: JointActionSearch = JointActionSearch {
    method: SearchMethod::Exhaustive,
    sweeps: 8,
    starts: 1,
    pairwise: false,
    deviations: false,
};

pub(crate) fn climb(starts: usize) -> JointActionSearch {
    JointActionSearch { starts, ..JointActionSearch::default() }
}

/// Rows of a mixer, with utilities and availability.
pub(crate) struct Batch {
    pub(crate) agents: usize,
    pub(crate) actions: usize,
    pub(crate) dim: usize,
    pub(crate) rows: usize,
    pub(crate) mixer: ConcaveNetwork,
    pub(crate) state: Tensor<2>,
    pub(crate) utilities: Vec<f32>,
    pub(crate) available: Vec<bool>,
}

impl Batch {
    pub(crate) fn new(
        mixer: ConcaveNetwork,
        [agents, actions, dim, state_dim, rows]: [usize; 5],
        unavailable: usize,
        seed: u64,
    ) -> Self {
        let mut rng = Rng::stream(seed, Purpose::Check, 1);
        let state = tensor(normals(&mut rng, rows * state_dim, 1.0), [rows, state_dim]);
        let utilities = normals(&mut rng, rows * agents * actions * dim, 1.0);
        let mut available: Vec<bool> =
            (0..rows * agents * actions).map(|_| rng.below(100) >= unavailable).collect();
        for mask in available.chunks_mut(actions) {
            if !mask.contains(&true) {
                mask[rng.below(actions)] = true;
            }
        }
        Self { agents, actions, dim, rows, mixer, state, utilities, available }
    }

    /// Creates a batch with a mixer of many kinks.
    pub(crate) fn kinked(
        config: ConcaveMixer,
        shape: [usize; 4],
        unavailable: usize,
        seed: u64,
    ) -> Self {
        let [agents, actions, state_dim, rows] = shape;
        let dim = config.utility_dim;
        let mixer = kinked(config, sizes(agents, actions, state_dim), seed);
        let mixer = mixer.expect("the mixer accepts its own tensors");
        Self::new(mixer, [agents, actions, dim, state_dim, rows], unavailable, seed)
    }

    pub(crate) fn input(&self) -> SearchInput<'_> {
        SearchInput {
            n_agents: self.agents,
            n_actions: self.actions,
            utilities: &self.utilities,
            available: &self.available,
            valid: None,
            initial: None,
        }
    }

    pub(crate) fn select(&self, selection: JointActionSearch, seed: u64) -> SearchResult {
        self.select_from(selection, self.input(), seed)
    }

    pub(crate) fn select_from(
        &self,
        selection: JointActionSearch,
        input: SearchInput<'_>,
        seed: u64,
    ) -> SearchResult {
        let mut out = SearchResult::default();
        let weights = ConcaveWeightsCpu::download(self.mixer.weights(self.state.clone()));
        selection.run(&weights, input, &mut Rng::stream(seed, Purpose::Check, 2), &mut out);
        out
    }

    /// Returns the mixer's own values of one joint action per row, computed without the search.
    pub(crate) fn values(&self, actions: &[u16]) -> Vec<f32> {
        let width = self.agents * self.dim;
        let chosen: Vec<f32> = actions
            .iter()
            .enumerate()
            .flat_map(|(slot, &action)| {
                let first = (slot * self.actions + usize::from(action)) * self.dim;
                self.utilities[first..first + self.dim].iter().copied()
            })
            .collect();
        numbers(self.mixer.forward(tensor(chosen, [self.rows, width]), self.state.clone()))
    }

    /// Returns the values if `agent` deviates to `action` in all rows.
    pub(crate) fn deviations(&self, actions: &[u16], agent: usize, action: u16) -> Vec<f32> {
        let mut actions = actions.to_vec();
        actions.iter_mut().skip(agent).step_by(self.agents).for_each(|slot| *slot = action);
        self.values(&actions)
    }

    pub(crate) fn open(&self, row: usize, agent: usize, action: usize) -> bool {
        self.available[(row * self.agents + agent) * self.actions + action]
    }
}

pub(crate) fn tolerance(value: f32) -> f32 {
    2e-5 * value.abs().max(1.0)
}

/// Returns utilities that order the actions by their index, for objectives that do not read them.
pub(crate) fn in_order(agents: usize, actions: usize, rows: usize) -> Vec<f32> {
    (0..rows * agents * actions).map(|i| -((i % actions) as f32)).collect()
}

pub(crate) fn search<O: Objective>(
    selection: JointActionSearch,
    [agents, actions, rows]: [usize; 3],
    utilities: &[f32],
    initial: Option<&[u16]>,
    objective: impl Fn() -> O + Sync,
) -> SearchResult {
    let available = vec![true; rows * agents * actions];
    let input = SearchInput {
        n_agents: agents,
        n_actions: actions,
        utilities,
        available: &available,
        valid: None,
        initial,
    };
    let mut out = SearchResult::default();
    selection.run_with(input, objective, &mut Rng::stream(5, Purpose::Check, 4), &mut out);
    out
}
