//! The available actions and the starts of a row.

use super::SearchInput;

/// The available actions of a row, and the joint actions from which a search starts.
#[derive(Debug, Default)]
pub(super) struct Row {
    agents: usize,
    /// The available actions of all agents in sequence, ascending for each agent.
    actions: Vec<u16>,
    /// The end of each agent's part of `actions`.
    ends: Vec<usize>,
    /// `[start, agent]`: the initial joint action if there is one, those with the largest and the
    /// smallest utilities, and random ones.
    starts: Vec<u16>,
    /// The offset of the joint action with the largest utilities.
    greedy: usize,
}

impl Row {
    /// Selects a row; `draws` are random bits, `[random start, agent]`.
    pub(super) fn set_row(&mut self, input: SearchInput<'_>, row: usize, draws: &[u32]) {
        let SearchInput { n_agents: agents, n_actions, .. } = input;
        self.agents = agents;
        self.actions.clear();
        self.ends.clear();
        for available in
            input.available[row * agents * n_actions..].chunks_exact(n_actions).take(agents)
        {
            let before = self.actions.len();
            let open = available.iter().enumerate().filter(|(_, open)| **open);
            self.actions.extend(open.map(|(action, _)| action as u16));
            if self.actions.len() == before {
                self.actions.push(0);
            }
            self.ends.push(self.actions.len());
        }
        self.starts.clear();
        for largest in [true, false] {
            for agent in 0..agents {
                let action = self.extreme(input, row, agent, largest);
                self.starts.push(action);
            }
        }
        if let Some(initial) = input.initial {
            let initial = &initial[row * agents..][..agents];
            for (agent, action) in initial.iter().enumerate() {
                let open = self.actions(agent).contains(action);
                self.starts.push(if open { *action } else { self.starts[agent] });
            }
            self.starts.rotate_right(agents);
        }
        self.greedy = if input.initial.is_some() { agents } else { 0 };
        for draws in draws.chunks_exact(agents) {
            for (agent, &bits) in draws.iter().enumerate() {
                // The high half of the product is below the number of actions, and uniform up to a
                // bias of that number in 2^32.
                let actions = self.actions(agent);
                let pick = (u64::from(bits) * actions.len() as u64) >> 32;
                self.starts.push(actions[pick as usize]);
            }
        }
    }

    /// Returns the available action of an agent with the largest or smallest sum of utilities, and
    /// the one with the lowest index among equals.
    fn extreme(&self, input: SearchInput<'_>, row: usize, agent: usize, largest: bool) -> u16 {
        let dim = input.utility_dim();
        let first = (row * input.n_agents + agent) * input.n_actions;
        let utility = |action: u16| {
            let utilities = &input.utilities[(first + usize::from(action)) * dim..][..dim];
            let sum = utilities.iter().sum::<f32>();
            if largest { sum } else { -sum }
        };
        let actions = self.actions(agent);
        let mut best = (actions[0], utility(actions[0]));
        for &action in &actions[1..] {
            let utility = utility(action);
            if utility > best.1 {
                best = (action, utility);
            }
        }
        best.0
    }

    /// Returns the available actions of an agent, ascending; never empty.
    pub(super) fn actions(&self, agent: usize) -> &[u16] {
        let first = if agent == 0 { 0 } else { self.ends[agent - 1] };
        &self.actions[first..self.ends[agent]]
    }

    /// Returns the number of agents.
    pub(super) fn agents(&self) -> usize {
        self.agents
    }

    /// Iterates over the starts in order of preference.
    pub(super) fn starts(&self) -> impl Iterator<Item = &[u16]> {
        self.starts.chunks_exact(self.agents)
    }

    /// Returns the initial joint action, or [`Row::greedy`] if there is none.
    pub(super) fn initial(&self) -> &[u16] {
        &self.starts[..self.agents]
    }

    /// Returns each agent's action with the largest utility.
    pub(super) fn greedy(&self) -> &[u16] {
        &self.starts[self.greedy..][..self.agents]
    }
}
