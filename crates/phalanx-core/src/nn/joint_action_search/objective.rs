//! The objective of a search.

/// The joint action values of rows as functions of the joint action.
pub trait Objective {
    /// Selects a row; called before its first values are needed.
    fn set_row(&mut self, row: usize);

    /// Computes the values of the joint actions of `row` in which `agent` takes each of `actions` and the
    /// others theirs of `joint`: `values`, one for each of `actions`.
    fn deviations(
        &mut self,
        row: usize,
        joint: &[u16],
        agent: usize,
        actions: &[u16],
        values: &mut [f32],
    );
}

/// Any function of the row and the joint action, which is then called for one joint action after
/// the other.
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
