//! In von Neumann's ratio game, independent policy gradients get stuck; sequential updates along localised
//! action values do not.
//!
//! ```sh
//! cargo run --release --example ratio_game
//! ```

#![allow(clippy::print_stdout)]

fn main() {
    let near_second_action = [vec![-4.0, 4.0], vec![-4.0, 4.0]];
    println!("| iteration | {} |", ITERATIONS.map(|n| n.to_string()).join(" | "));
    println!("|---|{}", "---|".repeat(ITERATIONS.len()));
    for (name, values) in [
        ("sequential, by localised values", sequential(&near_second_action, 0.05)),
        ("independent policy gradients", independent(&near_second_action, 0.05)),
    ] {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
        println!("| {name} | {} |", values.join(" | "));
    }
    println!("\nOffline: an action that paid well once against one with many trials:");
    for width in [0.0, 2.0] {
        let joint = offline(width);
        println!("pessimism {width}: probabilities {:.3} and {:.3}", joint[0], joint[3]);
    }
}

/// Von Neumann's ratio game, `x'Ry / x'Sy` (the experiment in the authors' code). The best value is 1,
/// for the first action of both agents.
const R: [[f64; 2]; 2] = [[1.0, 0.5], [-0.5, 0.0]];
const S: [[f64; 2]; 2] = [[1.0, 1.0], [0.1, 0.1]];

fn form(table: &[[f64; 2]; 2], x: &[f64], y: &[f64]) -> f64 {
    (0..4).map(|k| x[k / 2] * table[k / 2][k % 2] * y[k % 2]).sum()
}

fn ratio(probabilities: &[Vec<f64>]) -> f64 {
    form(&R, &probabilities[0], &probabilities[1]) / form(&S, &probabilities[0], &probabilities[1])
}

/// The iterations at which the value is reported.
const ITERATIONS: [usize; 5] = [1, 100, 500, 1000, 5000];

/// Returns the values of agents that are updated one after another, at [`ITERATIONS`].
fn sequential(logits: &[Vec<f64>], step: f64) -> Vec<f64> {
    let mut team = LocalisedUpdate::with_logits(logits);
    let mut values = Vec::new();
    for iteration in 1..=5000 {
        if ITERATIONS.contains(&iteration) {
            values.push(ratio(&team.marginals()));
        }
        team.improve(step, LaterAgents::Marginal, ratio);
    }
    values
}

/// Returns the same for independent agents that follow the gradient of the value with respect to
/// their logits.
fn independent(logits: &[Vec<f64>], step: f64) -> Vec<f64> {
    let mut logits = logits.to_vec();
    let mut values = Vec::new();
    for iteration in 1..=5000 {
        let probabilities: Vec<Vec<f64>> = logits.iter().map(|own| softmax(own)).collect();
        if ITERATIONS.contains(&iteration) {
            values.push(ratio(&probabilities));
        }
        let (numerator, denominator) = (
            form(&R, &probabilities[0], &probabilities[1]),
            form(&S, &probabilities[0], &probabilities[1]),
        );
        for m in 0..2 {
            let slope: Vec<f64> = (0..2)
                .map(|a| {
                    let mut probabilities = probabilities.clone();
                    probabilities[m] = (0..2).map(|b| f64::from(u8::from(b == a))).collect();
                    let (r, s) = (
                        form(&R, &probabilities[0], &probabilities[1]),
                        form(&S, &probabilities[0], &probabilities[1]),
                    );
                    (r * denominator - numerator * s) / (denominator * denominator)
                })
                .collect();
            let mean: f64 = probabilities[m].iter().zip(&slope).map(|(p, g)| p * g).sum();
            for (a, logit) in logits[m].iter_mut().enumerate() {
                *logit += step * probabilities[m][a] * (slope[a] - mean);
            }
        }
    }
    values
}

/// Returns the value of a table of payoffs; the last agent's action changes fastest.
fn expected(payoffs: &[f64], probabilities: &[Vec<f64>]) -> f64 {
    let mut joint = vec![1.0];
    for own in probabilities {
        joint = joint.iter().flat_map(|p| own.iter().map(move |q| p * q)).collect();
    }
    joint.iter().zip(payoffs).map(|(p, payoff)| p * payoff).sum()
}

/// Returns the joint policy learned from an offline data set with pessimism of this `width`. In the data,
/// joint action 3 paid 1 in each of fifty trials, and joint action 0 paid 2 in its only one.
fn offline(width: f64) -> Vec<f64> {
    let mut data = vec![(3, 1.0); 50];
    data.push((0, 2.0));
    let mut team = LocalisedUpdate::new(&[2, 2]);
    for _ in 0..2000 {
        let payoffs = pessimistic_payoffs(&data, &team.joint(), width, (0.1, 0.0));
        team.improve(0.1, LaterAgents::Given, |probabilities| expected(&payoffs, probabilities));
    }
    team.joint()
}

/// The policies of a team in a game of one joint action, where agent `m` observes the choices of the
/// agents before it: `pi_m(a_m | a_1 … a_{m-1})`, a softmax of logits.
///
/// Updating the agents one after another, each along its *localised action value*
///
/// ```text
/// Q_m(a_1 … a_m) = the value of a_1 … a_m followed by the policies of the agents after m
/// logit_m(a_m | a_1 … a_{m-1}) += step * Q_m(a_1 … a_m)
/// ```
///
/// is mirror ascent with a KL divergence, `pi_m <- argmax <Q_m, pi> - KL(pi || pi_m) / step`, and
/// converges to the best joint policy, which policy gradients of independent agents need not
/// (Zhao, Yang, Wang and Lee 2023, "Local Optimization Achieves Global Optimality in Multi-Agent
/// Reinforcement Learning").
#[derive(Clone, Debug, PartialEq)]
struct LocalisedUpdate {
    actions: Vec<usize>,
    /// The logits of each agent, `[choices of the agents before it, action]`.
    logits: Vec<Vec<f64>>,
}

/// Assumption about the agents after the updated one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LaterAgents {
    /// Their policies, given the choices of the agents before them: the paper's definition.
    Given,
    /// Their marginal probabilities: the authors' code for the ratio game.
    Marginal,
}

impl LocalisedUpdate {
    /// Creates uniform policies of agents with these numbers of actions.
    fn new(actions: &[usize]) -> Self {
        let mut prefixes = 1;
        let table = |&n: &usize| {
            let logits = vec![0.0; prefixes * n];
            prefixes *= n;
            logits
        };
        Self { logits: actions.iter().map(table).collect(), actions: actions.to_vec() }
    }

    /// Creates policies whose logits depend on the agent only, `[agent][action]`.
    ///
    /// # Panics
    ///
    /// Panics if an agent has no logits.
    fn with_logits(logits: &[Vec<f64>]) -> Self {
        let actions: Vec<usize> = logits.iter().map(Vec::len).collect();
        let mut team = Self::new(&actions);
        for (table, own) in team.logits.iter_mut().zip(logits) {
            table.chunks_exact_mut(own.len()).for_each(|row| row.copy_from_slice(own));
        }
        team
    }

    /// Returns the probabilities of agent `m`, `[choices of the agents before, action]`.
    fn policy(&self, m: usize) -> Vec<f64> {
        self.logits[m].chunks_exact(self.actions[m]).flat_map(softmax).collect()
    }

    /// Returns the probability of every joint action; the last agent's action changes fastest.
    fn joint(&self) -> Vec<f64> {
        let mut joint = vec![1.0];
        for (m, &n) in self.actions.iter().enumerate() {
            let policy = self.policy(m);
            joint = policy.iter().enumerate().map(|(at, p)| joint[at / n] * p).collect();
        }
        joint
    }

    /// Returns the marginal probabilities, `[agent][action]`.
    fn marginals(&self) -> Vec<Vec<f64>> {
        self.marginals_given(&[])
    }

    /// Returns the marginal probabilities given that the first agents chose `prefix`.
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
            let mut probability = vec![0.0; n];
            reached.iter().enumerate().for_each(|(at, p)| probability[at % n] += p);
            marginals.push(probability);
        }
        marginals
    }

    /// Updates all agents once. `value` returns the value of independent agents with the given
    /// probabilities, `[agent][action]`. All updates use the policies from before the call.
    fn improve(&mut self, step: f64, later: LaterAgents, value: impl Fn(&[Vec<f64>]) -> f64) {
        let everywhere = self.marginals();
        let mut increments = self.logits.clone();
        for (m, table) in increments.iter_mut().enumerate() {
            for (at, increment) in table.iter_mut().enumerate() {
                let prefix = self.prefix(m, at);
                let mut probabilities = match later {
                    LaterAgents::Given => self.marginals_given(&prefix),
                    LaterAgents::Marginal => everywhere.clone(),
                };
                for (probability, &chosen) in probabilities.iter_mut().zip(&prefix) {
                    probability.fill(0.0);
                    probability[chosen] = 1.0;
                }
                *increment = step * value(&probabilities);
            }
        }
        for (logits, increments) in self.logits.iter_mut().zip(increments) {
            logits.iter_mut().zip(increments).for_each(|(logit, increment)| *logit += increment);
        }
    }

    /// Returns the actions of agents `0 … m` at entry `at` of agent `m`'s table.
    fn prefix(&self, m: usize, mut at: usize) -> Vec<usize> {
        let mut prefix = vec![0; m + 1];
        for (place, &n) in prefix.iter_mut().zip(&self.actions).rev() {
            *place = at % n;
            at /= n;
        }
        prefix
    }
}

/// Returns pessimistic payoffs consistent with an offline data set. Of all tables `f` that explain
/// the data about as well as the means do, `sum_a n_a (f_a - mean_a)^2 <= width^2`, this is the one
/// with the smallest value under `joint`:
///
/// ```text
/// f_a = mean_a - width (p_a / n_a) / sqrt(sum_b p_b^2 / n_b)
/// ```
///
/// Updating a team along the localised values of `f`, recomputed for every policy, is the paper's
/// pessimistic off-policy algorithm for one step. Every joint action counts as tried `prior` more
/// times with the payoff `unknown`.
///
/// # Panics
///
/// Panics if a joint action of the data is not one of `joint`.
fn pessimistic_payoffs(
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
    use phalanx::rng::{Purpose, Rng};

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

    #[test]
    fn three_agents_find_the_best_of_any_random_table() {
        let mut rng = Rng::stream(5, Purpose::Check, 0);
        for _ in 0..20 {
            let payoffs: Vec<f64> = (0..2 * 3 * 2).map(|_| f64::from(rng.uniform())).collect();
            let best = payoffs.iter().copied().fold(f64::MIN, f64::max);
            let mut team = LocalisedUpdate::new(&[2, 3, 2]);
            for _ in 0..4000 {
                team.improve(0.5, LaterAgents::Given, |probabilities| {
                    expected(&payoffs, probabilities)
                });
            }
            let value: f64 = team.joint().iter().zip(&payoffs).map(|(p, payoff)| p * payoff).sum();
            assert!(best - value < 0.01, "{value} of {best}");
        }
    }

    #[test]
    fn pessimism_prefers_what_is_well_known_to_what_was_lucky_once() {
        assert!(offline(0.0)[0] > 0.9, "without pessimism, the lucky action is chosen");
        assert!(offline(2.0)[3] > 0.9, "{:?}", offline(2.0));
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
