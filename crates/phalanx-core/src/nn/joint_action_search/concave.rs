//! A concave mixer as the objective of a search.

use phalanx_kernels::ConcaveRow;

use super::{ConcaveWeightsCpu, Objective, SearchInput};

/// The joint action value of a concave mixer with generated weights.
pub(super) struct ConcaveObjective<'a> {
    weights: &'a ConcaveWeightsCpu,
    input: SearchInput<'a>,
    dim: usize,
    row: ConcaveRow,
    /// The utilities of the row, `[agent, action, dim]`.
    utilities: &'a [f32],
}

impl<'a> ConcaveObjective<'a> {
    pub(super) fn new(weights: &'a ConcaveWeightsCpu, input: SearchInput<'a>) -> Self {
        let dim = input.utility_dim();
        Self { weights, input, dim, row: ConcaveRow::default(), utilities: &[] }
    }
}

impl Objective for ConcaveObjective<'_> {
    fn set_row(&mut self, row: usize) {
        self.row.load(self.weights.row(row));
        let width = self.input.n_agents * self.input.n_actions * self.dim;
        self.utilities = &self.input.utilities[row * width..][..width];
    }

    fn deviations(
        &mut self,
        _: usize,
        joint: &[u16],
        agent: usize,
        actions: &[u16],
        values: &mut [f32],
    ) {
        let Self { input, dim, utilities, .. } = *self;
        let utilities = |agent: usize, action: u16| {
            &utilities[(agent * input.n_actions + usize::from(action)) * dim..][..dim]
        };
        let others = joint.iter().enumerate().filter(|&(other, _)| other != agent);
        let fixed = others.map(|(other, &action)| (other * dim, utilities(other, action)));
        let candidates = actions.iter().map(|&action| utilities(agent, action));
        self.row.values(fixed, agent * dim, candidates, values);
    }
}
