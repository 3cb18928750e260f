//! Search methods for one row and any objective.

use super::row::Row;
use super::{JointActionSearch, Objective, SearchMethod};

/// The share of the value that a change must gain, so that rounding errors do not change actions.
const TOLERANCE: f32 = 1e-6;

/// Returns whether `value` exceeds `current` by more than rounding errors.
fn improves(value: f32, current: f32) -> bool {
    value > current + TOLERANCE * current.abs().max(1.0)
}

/// Returns the index of the largest value, and the first one among equals.
fn first_largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

/// Searches row after row, reusing its memory.
pub(super) struct Searcher<O> {
    selection: JointActionSearch,
    objective: O,
    /// The index of the row.
    number: usize,
    /// The joint action values of one agent's actions.
    values: Vec<f32>,
    joint: Vec<u16>,
    /// Joint actions at which sweeps of finished climbs began or ended, `[visit, agent]`. A climb
    /// that reaches one of them ends, because it would continue as that climb did.
    visited: Vec<u16>,
}

impl<O: Objective> Searcher<O> {
    pub(super) fn new(selection: JointActionSearch, objective: O) -> Self {
        let (values, joint, visited) = Default::default();
        Self { selection, objective, number: 0, values, joint, visited }
    }

    /// Writes the selected joint action of a row to `best` and, if a table is given, the values of
    /// all deviations from it, `[agent, action]`. Returns its value.
    pub(super) fn select(
        &mut self,
        row: &Row,
        number: usize,
        best: &mut [u16],
        deviations: Option<&mut [f32]>,
    ) -> f32 {
        self.number = number;
        self.objective.set_row(number);
        let value = match self.selection.method {
            SearchMethod::Iterative => self.climb_from_all(row, best),
            SearchMethod::SingleDeviation => self.deviate_once(row, best),
            SearchMethod::Exhaustive => self.enumerate(row, best),
            SearchMethod::Greedy => {
                best.copy_from_slice(row.greedy());
                self.value(best)
            }
        };
        if let Some(table) = deviations {
            table.fill(value);
            let n_actions = table.len() / row.agents();
            for (agent, table) in table.chunks_exact_mut(n_actions).enumerate() {
                let actions = row.actions(agent);
                self.deviations(best, agent, actions);
                for (&action, &value) in actions.iter().zip(&self.values) {
                    table[usize::from(action)] = value;
                }
            }
        }
        value
    }

    /// Computes the values of an agent's actions into `values`.
    fn deviations(&mut self, joint: &[u16], agent: usize, actions: &[u16]) {
        self.values.resize(actions.len(), 0.0);
        self.objective.deviations(self.number, joint, agent, actions, &mut self.values);
    }

    /// Returns the value of a joint action, always rounded in the same way.
    fn value(&mut self, joint: &[u16]) -> f32 {
        self.deviations(joint, 0, &joint[..1]);
        self.values[0]
    }

    fn climb_from_all(&mut self, row: &Row, best: &mut [u16]) -> f32 {
        self.visited.clear();
        let mut best_value = None;
        let mut joint = std::mem::take(&mut self.joint);
        for start in row.starts().take(self.selection.starts.max(1)) {
            joint.clear();
            joint.extend_from_slice(start);
            let met = self.climb(row, &mut joint);
            if met {
                continue;
            }
            let value = self.value(&joint);
            if best_value.is_none_or(|best| improves(value, best)) {
                best.copy_from_slice(&joint);
                best_value = Some(value);
            }
        }
        self.joint = joint;
        best_value.expect("the first climb meets no other")
    }

    /// Climbs until no agent, or no pair of agents, can gain. Returns whether the climb reached an
    /// earlier one.
    fn climb(&mut self, row: &Row, joint: &mut [u16]) -> bool {
        let before = self.visited.len();
        let mut still = 0;
        let mut sweep = 0;
        while still < row.agents() {
            if sweep == self.selection.sweeps {
                // A value that was cut short leads nowhere.
                self.visited.truncate(before);
                break;
            }
            if self.visited[..before].chunks_exact(joint.len()).any(|visit| visit == joint) {
                return true;
            }
            self.visited.extend_from_slice(joint);
            for agent in 0..row.agents() {
                still = if self.change(row, joint, agent) { 1 } else { still + 1 };
                if still >= row.agents() {
                    break;
                }
            }
            sweep += 1;
        }
        if self.visited.len() > before {
            self.visited.extend_from_slice(joint);
        }
        if self.selection.pairwise {
            for _ in 0..self.selection.sweeps {
                if !self.change_pairs(row, joint) {
                    break;
                }
            }
        }
        false
    }

    /// Changes an agent's action to the best one if this gains. Returns whether it did.
    fn change(&mut self, row: &Row, joint: &mut [u16], agent: usize) -> bool {
        let actions = row.actions(agent);
        if actions.len() == 1 {
            return false;
        }
        self.deviations(joint, agent, actions);
        let best = first_largest(&self.values);
        let current = actions.iter().position(|&action| action == joint[agent]);
        let current = current.expect("a climb takes available actions only");
        let gains = improves(self.values[best], self.values[current]);
        if gains {
            joint[agent] = actions[best];
        }
        gains
    }

    /// Changes the actions of each pair of agents to the best ones if this gains.
    fn change_pairs(&mut self, row: &Row, joint: &mut [u16]) -> bool {
        let mut changed = false;
        for first in 0..row.agents() {
            for second in first + 1..row.agents() {
                let current = joint[first];
                let actions = row.actions(second);
                let mut best = (current, joint[second], f32::NEG_INFINITY);
                let mut value = f32::NEG_INFINITY;
                for &action in row.actions(first) {
                    joint[first] = action;
                    self.deviations(joint, second, actions);
                    let index = first_largest(&self.values);
                    if self.values[index] > best.2 {
                        best = (action, actions[index], self.values[index]);
                    }
                    if action == current {
                        let kept = actions.iter().position(|&action| action == joint[second]);
                        value = self.values[kept.expect("a climb takes available actions only")];
                    }
                }
                joint[first] = current;
                if improves(best.2, value) {
                    (joint[first], joint[second]) = (best.0, best.1);
                    changed = true;
                }
            }
        }
        changed
    }

    fn deviate_once(&mut self, row: &Row, best: &mut [u16]) -> f32 {
        best.copy_from_slice(row.initial());
        let mut best_value = self.value(best);
        let mut change = None;
        for agent in 0..row.agents() {
            let actions = row.actions(agent);
            self.deviations(best, agent, actions);
            let index = first_largest(&self.values);
            if improves(self.values[index], best_value) {
                best_value = self.values[index];
                change = Some((agent, actions[index]));
            }
        }
        if let Some((agent, action)) = change {
            best[agent] = action;
        }
        self.value(best)
    }

    /// Finds the first of the best joint actions; the last agent's action varies fastest.
    fn enumerate(&mut self, row: &Row, best: &mut [u16]) -> f32 {
        let last = row.agents() - 1;
        let mut indices = vec![0; row.agents()];
        let mut joint: Vec<u16> = (0..row.agents()).map(|agent| row.actions(agent)[0]).collect();
        let mut best_value = f32::NEG_INFINITY;
        loop {
            let actions = row.actions(last);
            self.deviations(&joint, last, actions);
            let index = first_largest(&self.values);
            if self.values[index] > best_value {
                best_value = self.values[index];
                best.copy_from_slice(&joint);
                best[last] = actions[index];
            }
            // Counts upwards over the other agents' actions.
            let Some(agent) = (0..last).rev().find(|&i| indices[i] + 1 < row.actions(i).len())
            else {
                return self.value(best);
            };
            indices[agent] += 1;
            indices[agent + 1..].fill(0);
            for (agent, &index) in indices.iter().enumerate().take(last) {
                joint[agent] = row.actions(agent)[index];
            }
        }
    }
}
