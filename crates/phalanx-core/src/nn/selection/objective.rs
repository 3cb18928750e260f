//! What a selection maximises.

/// The joint action value of one row as a function of the joint action.
pub trait Objective {
    /// Turns to a row.
    fn load(&mut self, row: usize);

    /// The values of the joint actions in which `agent` takes each of `actions` and the others
    /// theirs of `joint`: `values`, one for each of `actions`.
    fn deviations(&mut self, joint: &[u16], agent: usize, actions: &[u16], values: &mut [f32]);
}

/// A function of the row and the joint action.
impl<F: FnMut(usize, &[u16]) -> f32> Objective for (usize, F) {
    fn load(&mut self, row: usize) {
        self.0 = row;
    }

    fn deviations(&mut self, joint: &[u16], agent: usize, actions: &[u16], values: &mut [f32]) {
        let (row, function) = self;
        let mut joint = joint.to_vec();
        for (&action, value) in actions.iter().zip(values) {
            joint[agent] = action;
            *value = function(*row, &joint);
        }
    }
}
