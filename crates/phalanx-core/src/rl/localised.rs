//! Sequential improvement by localised action values, in tables.

/// The policies of a team in a game of one joint action, where agent `m` sees what the agents before
/// it chose: `pi_m(a_m | a_1 … a_{m-1})`, a softmax of logits.
///
/// Improving the agents one after another, each along its *localised action value*
///
/// ```text
/// Q_m(a_1 … a_m) = the value of a_1 … a_m and then the policies of the agents behind m
/// logit_m(a_m | a_1 … a_{m-1}) += step * Q_m(a_1 … a_m)
/// ```
///
/// is mirror ascent with a KL divergence, `pi_m <- argmax <Q_m, pi> - KL(pi || pi_m) / step`, and
/// converges to the best joint policy, which policy gradients of independent agents need not
/// (Zhao, Yang, Wang and Lee 2023, "Local Optimization Achieves Global Optimality in Multi-Agent
/// Reinforcement Learning").
///
/// ```
/// use phalanx_core::rl::{LaterAgents, LocalisedUpdate};
/// // Two agents that have to agree on the better of two conventions.
/// let payoff = [[1.0, 0.0], [0.0, 2.0]];
/// let value = |chances: &[Vec<f64>]| {
///     let cells = (0..4).map(|k| chances[0][k / 2] * chances[1][k % 2] * payoff[k / 2][k % 2]);
///     cells.sum()
/// };
/// let mut team = LocalisedUpdate::new(&[2, 2]);
/// for _ in 0..1000 {
///     team.improve(0.05, LaterAgents::Given, value);
/// }
/// assert!(team.marginals()[0][1] > 0.99 && team.marginals()[1][1] > 0.99);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LocalisedUpdate {
    actions: Vec<usize>,
    /// Of each agent, `[choices of the agents before it, action]`.
    logits: Vec<Vec<f64>>,
}

/// What is assumed of the agents behind the one that improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LaterAgents {
    /// Their policies, given what the agents before them chose: the paper's definition.
    Given,
    /// How often they choose an action whatever happened before: the authors' code for the ratio
    /// game.
    Marginal,
}

impl LocalisedUpdate {
    /// Uniform policies of agents with these numbers of actions.
    pub fn new(actions: &[usize]) -> Self {
        let mut prefixes = 1;
        let table = |&n: &usize| {
            let logits = vec![0.0; prefixes * n];
            prefixes *= n;
            logits
        };
        Self { logits: actions.iter().map(table).collect(), actions: actions.to_vec() }
    }

    /// The same with logits that depend on the agent alone, `[agent][action]`.
    ///
    /// # Panics
    ///
    /// When an agent has no logits.
    pub fn with_logits(logits: &[Vec<f64>]) -> Self {
        let actions: Vec<usize> = logits.iter().map(Vec::len).collect();
        let mut team = Self::new(&actions);
        for (table, own) in team.logits.iter_mut().zip(logits) {
            table.chunks_exact_mut(own.len()).for_each(|row| row.copy_from_slice(own));
        }
        team
    }

    /// The probabilities `[choices of the agents before, action]` of agent `m`.
    pub fn policy(&self, m: usize) -> Vec<f64> {
        self.logits[m].chunks_exact(self.actions[m]).flat_map(softmax).collect()
    }

    /// The probability of every joint action, the last agent's action running fastest.
    pub fn joint(&self) -> Vec<f64> {
        let mut joint = vec![1.0];
        for (m, &n) in self.actions.iter().enumerate() {
            let policy = self.policy(m);
            joint = policy.iter().enumerate().map(|(at, p)| joint[at / n] * p).collect();
        }
        joint
    }

    /// The probability of every action of every agent, whatever the others do.
    pub fn marginals(&self) -> Vec<Vec<f64>> {
        self.marginals_given(&[])
    }

    /// The same where the first agents chose `prefix`.
    fn marginals_given(&self, prefix: &[usize]) -> Vec<Vec<f64>> {
        let mut reached = vec![1.0];
        let mut marginals = Vec::with_capacity(self.actions.len());
        for (m, &n) in self.actions.iter().enumerate() {
            let mut policy = self.policy(m);
            if let Some(&chosen) = prefix.get(m) {
                let certain = |at: usize| f64::from(u8::from(at % n == chosen));
                policy.iter_mut().enumerate().for_each(|(at, p)| *p = certain(at));
            }
            reached = policy.iter().enumerate().map(|(at, p)| reached[at / n] * p).collect();
            let mut chance = vec![0.0; n];
            reached.iter().enumerate().for_each(|(at, p)| chance[at % n] += p);
            marginals.push(chance);
        }
        marginals
    }

    /// Improves all agents once. `value` is that of independent agents with the given probabilities
    /// `[agent][action]`; every agent's table is made with the policies from before the call.
    pub fn improve(&mut self, step: f64, later: LaterAgents, value: impl Fn(&[Vec<f64>]) -> f64) {
        let everywhere = self.marginals();
        let mut increments = self.logits.clone();
        for (m, table) in increments.iter_mut().enumerate() {
            for (at, increment) in table.iter_mut().enumerate() {
                let prefix = self.prefix(m, at);
                let mut chances = match later {
                    LaterAgents::Given => self.marginals_given(&prefix),
                    LaterAgents::Marginal => everywhere.clone(),
                };
                for (chance, &chosen) in chances.iter_mut().zip(&prefix) {
                    chance.fill(0.0);
                    chance[chosen] = 1.0;
                }
                *increment = step * value(&chances);
            }
        }
        for (logits, increments) in self.logits.iter_mut().zip(increments) {
            logits.iter_mut().zip(increments).for_each(|(logit, increment)| *logit += increment);
        }
    }

    /// The actions of agents `0 … m` that belong to entry `at` of agent `m`'s table.
    fn prefix(&self, m: usize, mut at: usize) -> Vec<usize> {
        let mut prefix = vec![0; m + 1];
        for (place, &n) in prefix.iter_mut().zip(&self.actions).rev() {
            *place = at % n;
            at /= n;
        }
        prefix
    }
}

/// The smallest payoffs a joint policy could have to live with, given data that somebody else
/// collected: of all tables `f` that explain it about as well as its means do,
/// `sum_a n_a (f_a - mean_a)^2 <= width^2`, the one with the least value under `joint`:
///
/// ```text
/// f_a = mean_a - width (p_a / n_a) / sqrt(sum_b p_b^2 / n_b)
/// ```
///
/// Improving a team along the localised values of `f`, found anew for every policy, is the paper's
/// pessimistic off-policy algorithm for one step. Joint actions nobody tried count as tried `prior`
/// times with the payoff `unknown`.
///
/// # Panics
///
/// When a joint action of the data is not one of `joint`.
pub fn pessimistic_payoffs(
    data: &[(usize, f64)],
    joint: &[f64],
    width: f64,
    (prior, unknown): (f64, f64),
) -> Vec<f64> {
    let mut count = vec![prior; joint.len()];
    let mut sum = vec![prior * unknown; joint.len()];
    for &(action, payoff) in data {
        count[action] += 1.0;
        sum[action] += payoff;
    }
    let spread = joint.iter().zip(&count).map(|(p, n)| p * p / n).sum::<f64>().sqrt();
    let cells = joint.iter().zip(count.iter().zip(&sum));
    cells.map(|(p, (n, sum))| sum / n - width * (p / n) / spread.max(f64::MIN_POSITIVE)).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::MIN, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (logit - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Rng};

    /// Von Neumann's ratio game, `x'Ry / x'Sy` (the experiment in the authors' code). The best value
    /// is 1, for the first action of both.
    const R: [[f64; 2]; 2] = [[1.0, 0.5], [-0.5, 0.0]];
    const S: [[f64; 2]; 2] = [[1.0, 1.0], [0.1, 0.1]];

    fn form(table: &[[f64; 2]; 2], x: &[f64], y: &[f64]) -> f64 {
        (0..4).map(|k| x[k / 2] * table[k / 2][k % 2] * y[k % 2]).sum()
    }

    fn ratio(chances: &[Vec<f64>]) -> f64 {
        form(&R, &chances[0], &chances[1]) / form(&S, &chances[0], &chances[1])
    }

    /// The values in iterations 1, 100, 500, 1000 and 5000.
    fn sequential(logits: &[Vec<f64>], step: f64) -> Vec<f64> {
        let mut team = LocalisedUpdate::with_logits(logits);
        let mut values = Vec::new();
        for iteration in 1..=5000 {
            if [1, 100, 500, 1000, 5000].contains(&iteration) {
                values.push(ratio(&team.marginals()));
            }
            team.improve(step, LaterAgents::Marginal, ratio);
        }
        values
    }

    /// The same for independent agents that follow the gradient of the value by their logits.
    fn independent(logits: &[Vec<f64>], step: f64) -> Vec<f64> {
        let mut logits = logits.to_vec();
        let mut values = Vec::new();
        for iteration in 1..=5000 {
            let chances: Vec<Vec<f64>> = logits.iter().map(|own| softmax(own)).collect();
            if [1, 100, 500, 1000, 5000].contains(&iteration) {
                values.push(ratio(&chances));
            }
            let (above, below) =
                (form(&R, &chances[0], &chances[1]), form(&S, &chances[0], &chances[1]));
            for m in 0..2 {
                let slope: Vec<f64> = (0..2)
                    .map(|a| {
                        let mut chances = chances.clone();
                        chances[m] = (0..2).map(|b| f64::from(u8::from(b == a))).collect();
                        let (r, s) = (
                            form(&R, &chances[0], &chances[1]),
                            form(&S, &chances[0], &chances[1]),
                        );
                        (r * below - above * s) / (below * below)
                    })
                    .collect();
                let mean: f64 = chances[m].iter().zip(&slope).map(|(p, g)| p * g).sum();
                for (a, logit) in logits[m].iter_mut().enumerate() {
                    *logit += step * chances[m][a] * (slope[a] - mean);
                }
            }
        }
        values
    }

    fn assert_close(ours: &[f64], expected: &[f64]) {
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 6e-5, "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn the_ratio_game_is_solved_from_a_stationary_point_where_independent_gradients_stay() {
        let bad = [vec![-4.0, 4.0], vec![-4.0, 4.0]];
        assert_close(&sequential(&bad, 0.05), &[0.0, 0.0191, 0.9944, 1.0, 1.0]);
        assert_close(&independent(&bad, 0.05), &[0.0, 0.0001, 0.0003, 0.0006, 0.0087]);
    }

    #[test]
    fn the_ratio_game_from_uniform_policies_follows_the_published_rule() {
        let uniform = [vec![0.0; 2], vec![0.0; 2]];
        for (step, ours, gradient) in [
            (
                0.001,
                [0.4545, 0.5222, 0.6677, 0.7842, 0.9621],
                [0.4545, 0.4682, 0.5139, 0.5564, 0.7328],
            ),
            (0.01, [0.4545, 0.7828, 0.9619, 0.9966, 1.0], [0.4545, 0.5558, 0.7325, 0.8462, 0.9761]),
            (0.05, [0.4545, 0.9612, 1.0, 1.0, 1.0], [0.4545, 0.7314, 0.9464, 0.9761, 0.9958]),
        ] {
            assert_close(&sequential(&uniform, step), &ours);
            assert_close(&independent(&uniform, step), &gradient);
        }
    }

    /// The value of a table of payoffs, the last agent's action running fastest.
    fn expected(payoffs: &[f64], chances: &[Vec<f64>]) -> f64 {
        let mut joint = vec![1.0];
        for own in chances {
            joint = joint.iter().flat_map(|p| own.iter().map(move |q| p * q)).collect();
        }
        joint.iter().zip(payoffs).map(|(p, payoff)| p * payoff).sum()
    }

    #[test]
    fn three_agents_find_the_best_of_any_random_table() {
        let mut rng = Rng::stream(5, Purpose::Check, 0);
        for _ in 0..20 {
            let payoffs: Vec<f64> = (0..2 * 3 * 2).map(|_| f64::from(rng.uniform())).collect();
            let best = payoffs.iter().copied().fold(f64::MIN, f64::max);
            let mut team = LocalisedUpdate::new(&[2, 3, 2]);
            for _ in 0..4000 {
                team.improve(0.5, LaterAgents::Given, |chances| expected(&payoffs, chances));
            }
            let value: f64 = team.joint().iter().zip(&payoffs).map(|(p, payoff)| p * payoff).sum();
            assert!(best - value < 0.01, "{value} of {best}");
        }
    }

    #[test]
    fn pessimism_prefers_what_is_well_known_to_what_was_lucky_once() {
        // Joint action 3 paid 1 in each of fifty trials; joint action 0 paid 2 in its only one.
        let mut data = vec![(3, 1.0); 50];
        data.push((0, 2.0));
        let improve = |width: f64| {
            let mut team = LocalisedUpdate::new(&[2, 2]);
            for _ in 0..2000 {
                let payoffs = pessimistic_payoffs(&data, &team.joint(), width, (0.1, 0.0));
                team.improve(0.1, LaterAgents::Given, |chances| expected(&payoffs, chances));
            }
            team.joint()
        };
        assert!(improve(0.0)[0] > 0.9, "without pessimism the lucky one is played");
        assert!(improve(2.0)[3] > 0.9, "{:?}", improve(2.0));
    }

    #[test]
    fn the_pessimistic_table_is_the_worst_that_explains_the_data() {
        let data = [(0, 1.0), (0, 3.0), (1, 5.0), (2, 4.0), (2, 4.0), (2, 1.0)];
        let (joint, width) = ([0.2, 0.3, 0.4, 0.1], 0.7);
        let prior = (0.5, 2.0);
        let means = pessimistic_payoffs(&data, &joint, 0.0, prior);
        let worst = pessimistic_payoffs(&data, &joint, width, prior);
        let count = [2.5, 1.5, 3.5, 0.5];
        let error =
            |f: &[f64]| -> f64 { (0..4).map(|a| count[a] * (f[a] - means[a]).powi(2)).sum() };
        let value = |f: &[f64]| -> f64 { (0..4).map(|a| joint[a] * f[a]).sum() };
        assert!((error(&worst) - width * width).abs() < 1e-9);
        let mut rng = Rng::stream(6, Purpose::Check, 0);
        for _ in 0..1000 {
            let mut other: Vec<f64> = (0..4).map(|_| f64::from(rng.range(-1.0, 1.0))).collect();
            let norm = (0..4).map(|a| count[a] * other[a] * other[a]).sum::<f64>().sqrt();
            (0..4).for_each(|a| other[a] = means[a] + width * other[a] / norm);
            assert!(value(&other) >= value(&worst) - 1e-9);
        }
    }
}
