//! Objectives of a search.

/// Joint action values as a function of row and joint action.
pub trait Objective {
    /// Selects a row. Called before values of this row are requested.
    fn set_row(&mut self, row: usize);

    /// Writes to `values` the values of `row` if `agent` takes each of `actions` and the other
    /// agents keep their actions in `joint`, `[action]`.
    fn deviations(
        &mut self,
        row: usize,
        joint: &[u16],
        agent: usize,
        actions: &[u16],
        values: &mut [f32],
    );
}

/// Any function of the row and the joint action, called once per joint action.
impl<F: FnMut(usize, &[u16]) -> f32> Objective for F {
    fn set_row(&mut self, _: usize) {}

    fn deviations(
        &mut self,
        row: usize,
        joint: &[u16],
        agent: usize,
        actions: &[u16],
        values: &mut [f32],
    ) {
        let mut joint = joint.to_vec();
        for (&action, value) in actions.iter().zip(values) {
            joint[agent] = action;
            *value = self(row, &joint);
        }
    }
}
