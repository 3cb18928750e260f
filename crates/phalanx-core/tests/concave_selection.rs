//! Iterative action selection: what it guarantees, what it finds, and where it fails.

#![cfg(feature = "flex")]

mod concave_support;

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::Tensor;
use concave_support::{
    CLIMBING, QPLEX_3, QTRAN, Table, init, kinked, normal, normals, numbers, sizes, tensor,
};
use phalanx_core::nn::{
    Concave, ConcaveConfig, Convex, Objective, Search, Selected, Selection, SelectionInput,
};
use phalanx_core::rng::{Purpose, Rng};

const EXHAUSTIVE: Selection = Selection {
    search: Search::Exhaustive,
    sweeps: 8,
    starts: 1,
    pairwise: false,
    deviations: false,
};

fn climb(starts: usize) -> Selection {
    Selection { starts, ..Selection::default() }
}

/// Rows of a mixer, with utilities and availability.
struct Batch {
    agents: usize,
    actions: usize,
    dim: usize,
    rows: usize,
    mixer: Concave,
    state: Tensor<2>,
    utilities: Vec<f32>,
    available: Vec<bool>,
}

impl Batch {
    fn new(
        mixer: Concave,
        [agents, actions, dim, state_dim, rows]: [usize; 5],
        closed: usize,
        seed: u64,
    ) -> Self {
        let mut rng = Rng::stream(seed, Purpose::Check, 1);
        let state = tensor(normals(&mut rng, rows * state_dim, 1.0), [rows, state_dim]);
        let utilities = normals(&mut rng, rows * agents * actions * dim, 1.0);
        let mut available: Vec<bool> =
            (0..rows * agents * actions).map(|_| rng.below(100) >= closed).collect();
        for open in available.chunks_mut(actions) {
            if !open.contains(&true) {
                open[rng.below(actions)] = true;
            }
        }
        Self { agents, actions, dim, rows, mixer, state, utilities, available }
    }

    /// With a mixer of many kinks.
    fn kinked(config: ConcaveConfig, shape: [usize; 4], closed: usize, seed: u64) -> Self {
        let [agents, actions, state_dim, rows] = shape;
        let dim = config.utility_dim;
        let mixer = kinked(config, sizes(agents, actions, state_dim), seed);
        let mixer = mixer.expect("the mixer takes the tensors it has");
        Self::new(mixer, [agents, actions, dim, state_dim, rows], closed, seed)
    }

    fn input(&self) -> SelectionInput<'_> {
        SelectionInput {
            n_agents: self.agents,
            n_actions: self.actions,
            utilities: &self.utilities,
            available: &self.available,
            valid: None,
            initial: None,
        }
    }

    fn select(&self, selection: Selection, seed: u64) -> Selected {
        self.select_from(selection, self.input(), seed)
    }

    fn select_from(&self, selection: Selection, input: SelectionInput<'_>, seed: u64) -> Selected {
        let mut out = Selected::default();
        let weights = self.mixer.weights(self.state.clone()).into_host();
        selection.run(&weights, input, &mut Rng::stream(seed, Purpose::Check, 2), &mut out);
        out
    }

    /// The values that the mixer, not the selection, gives to one joint action per row.
    fn values(&self, actions: &[u16]) -> Vec<f32> {
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

    /// The values where `agent` deviates to `action` in all rows.
    fn deviations(&self, actions: &[u16], agent: usize, action: u16) -> Vec<f32> {
        let mut actions = actions.to_vec();
        actions.iter_mut().skip(agent).step_by(self.agents).for_each(|slot| *slot = action);
        self.values(&actions)
    }

    fn open(&self, row: usize, agent: usize, action: usize) -> bool {
        self.available[(row * self.agents + agent) * self.actions + action]
    }
}

fn tolerance(value: f32) -> f32 {
    2e-5 * value.abs().max(1.0)
}

fn batches() -> Vec<Batch> {
    let config = ConcaveConfig::default();
    let vector = ConcaveConfig { utility_dim: 3, embed_dim: 20, ..config };
    let initial = init(config, sizes(4, 5, 6), 1);
    let mut batches = vec![
        Batch::new(initial, [4, 5, 1, 6, 100], 30, 2),
        Batch::kinked(config, [8, 6, 6, 200], 30, 3),
        Batch::kinked(vector, [3, 4, 6, 150], 20, 4),
        Batch::kinked(config, [1, 7, 6, 70], 20, 5),
    ];
    for activation in [Convex::LeakyRelu, Convex::Softplus, Convex::Elu] {
        let config = ConcaveConfig { activation, embed_dim: 7, ..config };
        batches.push(Batch::kinked(config, [5, 4, 6, 80], 30, 6));
    }
    batches
}

#[test]
fn every_search_states_the_mixers_value_and_keeps_to_available_actions() {
    for batch in batches() {
        for search in
            [Search::Iterative, Search::SingleDeviation, Search::Exhaustive, Search::Greedy]
        {
            if search == Search::Exhaustive && batch.agents > 5 {
                continue;
            }
            for pairwise in [false, true] {
                let selection = Selection { search, pairwise, ..Selection::default() };
                let selected = batch.select(selection, 0);
                let values = batch.values(&selected.actions);
                for (ours, exact) in selected.value.iter().zip(&values) {
                    assert!((ours - exact).abs() <= tolerance(*exact), "{ours} is not {exact}");
                }
                for (slot, &action) in selected.actions.iter().enumerate() {
                    assert!(batch.available[slot * batch.actions + usize::from(action)]);
                }
            }
        }
    }
}

#[test]
fn no_agent_alone_gains_and_the_table_of_deviations_is_the_mixers() {
    for batch in batches() {
        for pairwise in [false, true] {
            let selection = Selection { pairwise, deviations: true, ..Selection::default() };
            let selected = batch.select(selection, 1);
            let table = selected.deviations.expect("the table was asked for");
            for agent in 0..batch.agents {
                for action in 0..batch.actions {
                    let values = batch.deviations(&selected.actions, agent, action as u16);
                    for row in 0..batch.rows {
                        let value = selected.value[row];
                        let ours = table[(row * batch.agents + agent) * batch.actions + action];
                        if batch.open(row, agent, action) {
                            let error = (ours - values[row]).abs();
                            assert!(error <= tolerance(values[row]), "{ours}: {}", values[row]);
                            assert!(values[row] <= value + tolerance(value), "{agent} gains");
                        } else {
                            assert_eq!(ours, value);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_value_is_never_below_that_of_a_start_and_more_starts_never_lower_it() {
    for batch in batches() {
        let greedy = batch.select(Selection { search: Search::Greedy, ..climb(1) }, 0);
        let single = batch.select(Selection { search: Search::SingleDeviation, ..climb(1) }, 0);
        let mut before = single.value;
        for (single, greedy) in before.iter().zip(&greedy.value) {
            assert!(*single >= greedy - tolerance(*greedy));
        }
        before = greedy.value;
        // The draws of the first rows differ with the number of starts, so that one row is
        // compared.
        for starts in [1, 2] {
            let selected = batch.select(climb(starts), 0);
            for (value, before) in selected.value.iter().zip(&before) {
                assert!(*value >= before - tolerance(*before), "{value} after {before}");
            }
            before = selected.value;
        }
        let mut input = batch.input();
        let valid: Vec<bool> = (0..batch.rows).map(|row| row == 0).collect();
        input.valid = Some(&valid);
        let mut before = before[0];
        for starts in 3..12 {
            let value = batch.select_from(climb(starts), input, 0).value[0];
            assert!(value >= before, "{value} after {before} with {starts} starts");
            before = value;
        }
    }
}

#[test]
fn a_given_start_is_taken_first_and_made_available() {
    let batch = Batch::kinked(ConcaveConfig::default(), [6, 5, 6, 100], 40, 8);
    let mut rng = Rng::stream(0, Purpose::Check, 3);
    let initial: Vec<u16> = (0..batch.rows * batch.agents).map(|_| rng.below(5) as u16).collect();
    let input = SelectionInput { initial: Some(&initial), ..batch.input() };
    let greedy = batch.select(Selection { search: Search::Greedy, ..climb(1) }, 0).actions;
    let still = Selection { sweeps: 0, ..climb(1) };
    let selected = batch.select_from(still, input, 0);
    for (slot, &action) in selected.actions.iter().enumerate() {
        let open = batch.available[slot * 5 + usize::from(initial[slot])];
        assert_eq!(action, if open { initial[slot] } else { greedy[slot] });
    }
    let from_it = batch.select_from(climb(1), input, 0);
    for (value, start) in from_it.value.iter().zip(&selected.value) {
        assert!(*value >= start - tolerance(*start));
    }
}

#[test]
fn rows_that_are_not_wanted_stay_empty_and_do_not_move_the_others() {
    let batch = Batch::kinked(ConcaveConfig::default(), [5, 4, 6, 200], 20, 9);
    let selection = Selection { starts: 6, deviations: true, ..Selection::default() };
    let all = batch.select(selection, 3);
    let valid: Vec<bool> = (0..batch.rows).map(|row| row % 3 == 0).collect();
    let input = SelectionInput { valid: Some(&valid), ..batch.input() };
    let some = batch.select_from(selection, input, 3);
    let [all_table, some_table] =
        [&all, &some].map(|out| out.deviations.as_deref().expect("it was asked for"));
    for (row, &valid) in valid.iter().enumerate() {
        let (actions, table) = (row * 5..(row + 1) * 5, row * 20..(row + 1) * 20);
        if valid {
            assert_eq!(some.actions[actions.clone()], all.actions[actions]);
            assert_eq!(some.value[row], all.value[row]);
            assert_eq!(some_table[table.clone()], all_table[table]);
        } else {
            assert!(some.actions[actions].iter().all(|&action| action == 0));
            assert!(some.value[row] == 0.0 && some_table[table].iter().all(|&x| x == 0.0));
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() -> Result<(), Box<dyn Error>> {
    let batch = Batch::kinked(ConcaveConfig::default(), [6, 5, 6, 500], 20, 10);
    let selection =
        Selection { starts: 6, pairwise: true, deviations: true, ..Selection::default() };
    let runs = [1, 2, 3]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
            Ok::<_, Box<dyn Error>>(pool.install(|| batch.select(selection, 4)))
        })
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    assert!(runs.iter().all(|run| *run == runs[0]));
    Ok(())
}

/// Utilities that order the actions by their index, for objectives that do not read them.
fn in_order(agents: usize, actions: usize, rows: usize) -> Vec<f32> {
    (0..rows * agents * actions).map(|i| -((i % actions) as f32)).collect()
}

fn search<O: Objective>(
    selection: Selection,
    [agents, actions, rows]: [usize; 3],
    utilities: &[f32],
    initial: Option<&[u16]>,
    objective: impl Fn() -> O + Sync,
) -> Selected {
    let available = vec![true; rows * agents * actions];
    let input = SelectionInput {
        n_agents: agents,
        n_actions: actions,
        utilities,
        available: &available,
        valid: None,
        initial,
    };
    let mut out = Selected::default();
    selection.run_with(input, objective, &mut Rng::stream(5, Purpose::Check, 4), &mut out);
    out
}

#[test]
fn ties_go_to_the_lowest_index_and_equal_values_move_nobody() {
    let utilities = in_order(3, 4, 1);
    let flat = || |_: usize, _: &[u16]| 1.0;
    let initial = [2, 1, 3];
    for start in [None, Some(&initial[..])] {
        let out = search(climb(4), [3, 4, 1], &utilities, start, flat);
        assert_eq!(out.actions, start.unwrap_or(&[0, 0, 0]));
    }
    // Actions 1 and 3 are equally good for everyone; noise below the tolerance is no reason to move.
    let odd = || {
        |_: usize, joint: &[u16]| {
            joint.iter().map(|a| f32::from(a % 2) + 1e-8 * f32::from(*a)).sum::<f32>()
        }
    };
    assert_eq!(search(climb(1), [3, 4, 1], &utilities, None, odd).actions, [1, 1, 1]);
    let exhaustive = search(EXHAUSTIVE, [3, 4, 1], &utilities, None, flat);
    assert_eq!(exhaustive.actions, [0, 0, 0]);
}

#[test]
fn a_climb_visits_every_agent_once_a_sweep_and_ends_with_the_last_sweep() {
    // Strictly concave with its ridge along agreement, so that each visit gains a little.
    let ridge = |joint: &[u16]| {
        let [a, b] = [f32::from(joint[0]), f32::from(joint[1])];
        -4.0 * (a - b).powi(2) - 0.2 * (a - 63.0).powi(2) - 0.2 * (b - 63.0).powi(2)
    };
    let utilities = in_order(2, 64, 1);
    let run = |sweeps| {
        let calls = AtomicUsize::new(0);
        let counted = |_: usize, joint: &[u16]| {
            calls.fetch_add(1, Ordering::Relaxed);
            ridge(joint)
        };
        let selection = Selection { sweeps, ..climb(1) };
        let out = search(selection, [2, 64, 1], &utilities, None, || counted);
        (out.value[0], calls.into_inner())
    };
    let mut before = ridge(&[0, 0]);
    for sweeps in 1..=8 {
        let (value, calls) = run(sweeps);
        assert!(value > before, "{value} after {before}");
        // All actions of both agents in each sweep, and once the end.
        assert_eq!(calls, sweeps * 2 * 64 + 1);
        before = value;
    }
    let (end, calls) = run(1000);
    assert!(end > before && calls < 100 * 2 * 64, "{end} after {calls} values");
}

#[test]
fn a_climb_can_stay_below_the_largest_value_of_a_concave_function() {
    // Smooth and strictly concave, utilities 0 and 1.
    let smooth = |_: usize, joint: &[u16]| {
        let [x, y] = [f32::from(joint[0]), f32::from(joint[1])];
        -4.0 * (x - y).powi(2) - 0.5 * (x - 1.0).powi(2) - 0.5 * (y - 1.0).powi(2)
    };
    // With kinks, and actions as dense as an interval.
    let kinked = |_: usize, joint: &[u16]| {
        let [x, y] = [f32::from(joint[0]) / 100.0, f32::from(joint[1]) / 100.0];
        4.0 * (x + y) - 16.0 * (x - y).abs()
    };
    let low = [0, 0];
    let utilities = in_order(2, 2, 1);
    let stuck = search(climb(1), [2, 2, 1], &utilities, Some(&low), || smooth);
    assert_eq!((&stuck.actions[..], stuck.value[0]), (&low[..], -1.0));
    let pairs = Selection { pairwise: true, ..climb(1) };
    let free = search(pairs, [2, 2, 1], &utilities, Some(&low), || smooth);
    assert_eq!((&free.actions[..], free.value[0]), (&[1, 1][..], 0.0));

    let utilities = in_order(2, 101, 1);
    let stuck = search(climb(1), [2, 101, 1], &utilities, Some(&low), || kinked);
    assert_eq!((&stuck.actions[..], stuck.value[0]), (&low[..], 0.0));
    let free = search(pairs, [2, 101, 1], &utilities, Some(&low), || kinked);
    assert_eq!((&free.actions[..], free.value[0]), (&[100, 100][..], 8.0));
}

#[test]
fn a_climb_ends_in_the_equilibria_of_the_game_from_as_many_starts_as_theory_says() {
    let penalty: Table = [-100.0, 0.0, 10.0, 0.0, 2.0, 0.0, 10.0, 0.0, -100.0];
    let identity: Table = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let qplex_1: Table = [10.4, 0.0, 10.0, 0.0, 10.0, 10.0, 10.0, 10.0, 10.0];
    let games =
        [(QTRAN, 3), (QPLEX_3, 3), (qplex_1, 4), (CLIMBING, 3), (penalty, 6), (identity, 9)];
    let rows = 9;
    let starts: Vec<u16> = (0..9).flat_map(|row| [row / 3, row % 3]).collect();
    let utilities = in_order(2, 3, rows);
    for (table, expected) in games {
        let payoff = move |_: usize, joint: &[u16]| table[usize::from(3 * joint[0] + joint[1])];
        let best = table.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let found = |selection| {
            let out = search(selection, [2, 3, rows], &utilities, Some(&starts), || payoff);
            out.value.iter().filter(|value| **value == best).count()
        };
        assert_eq!(found(climb(1)), expected, "{table:?}");
        assert_eq!(found(Selection { pairwise: true, ..climb(1) }), 9, "{table:?}");
    }
}

/// How many of the rows a selection finds the largest value of.
fn rate(found: &Selected, best: &Selected) -> f32 {
    let hits = found.value.iter().zip(&best.value).filter(|(found, best)| {
        assert!(**found <= **best + tolerance(**best), "{found} above {best}");
        **found >= **best - tolerance(**best)
    });
    hits.count() as f32 / best.value.len() as f32
}

/// Rates of: greedy, single deviation, one start, four, sixteen, one start with pairs.
fn rates(select: impl Fn(Selection) -> Selected) -> [f32; 6] {
    let best = select(EXHAUSTIVE);
    let searches = [
        Selection { search: Search::Greedy, ..climb(1) },
        Selection { search: Search::SingleDeviation, ..climb(1) },
        climb(1),
        climb(4),
        climb(16),
        Selection { pairwise: true, ..climb(1) },
    ];
    searches.map(|selection| rate(&select(selection), &best))
}

#[test]
fn sixteen_starts_find_the_largest_value_of_mixers_with_many_kinks() {
    for (agents, actions) in [(2, 3), (2, 10), (4, 5)] {
        for utility_dim in [1, 2] {
            let config = ConcaveConfig { utility_dim, ..ConcaveConfig::default() };
            let batch = Batch::kinked(config, [agents, actions, 6, 300], 0, 11);
            let [greedy, single, one, four, sixteen, pairs] =
                rates(|selection| batch.select(selection, 5));
            assert!(sixteen >= 0.95, "{sixteen} of {agents} agents, {actions} actions");
            assert!(one > single && single > greedy, "{one}, {single}, {greedy}");
            assert!(four >= one && sixteen >= four, "{one}, {four}, {sixteen}");
            assert!(pairs >= one);
            if agents == 2 {
                assert_eq!(pairs, 1.0, "changing both of two agents together is exhaustive");
            }
        }
    }
}

/// A random orthogonal matrix (Gram and Schmidt).
fn orthogonal(rng: &mut Rng, n: usize) -> Vec<Vec<f32>> {
    let mut basis: Vec<Vec<f32>> = Vec::new();
    for _ in 0..n {
        let mut vector = normals(rng, n, 1.0);
        for other in &basis {
            let along: f32 = vector.iter().zip(other).map(|(x, y)| x * y).sum();
            vector.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
        }
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|x| *x /= length);
        basis.push(vector);
    }
    basis
}

/// `-sum_k c^(k / (n - 1)) ((x - m) . e_k)^2` with random orthonormal `e_k` and `m`: strictly
/// concave with condition number `c`.
fn quadratics(agents: usize, actions: usize, condition: f32) -> [f32; 6] {
    let rows = 300;
    let mut rng = Rng::stream(6, Purpose::Check, (agents * 100 + actions) as u32);
    let utilities = normals(&mut rng, rows * agents * actions, 1.0);
    let forms: Vec<_> =
        (0..rows).map(|_| (orthogonal(&mut rng, agents), normals(&mut rng, agents, 1.0))).collect();
    let value = |row: usize, joint: &[u16]| {
        let (basis, middle) = &forms[row];
        let x: Vec<f32> = joint
            .iter()
            .enumerate()
            .map(|(agent, &a)| utilities[(row * agents + agent) * actions + usize::from(a)])
            .collect();
        let sum: f32 = basis
            .iter()
            .enumerate()
            .map(|(k, e)| {
                let along: f32 = (0..agents).map(|i| e[i] * (x[i] - middle[i])).sum();
                condition.powf(k as f32 / (agents - 1) as f32) * along * along
            })
            .sum();
        -sum
    };
    rates(|selection| search(selection, [agents, actions, rows], &utilities, None, || value))
}

#[test]
fn the_worse_a_concave_function_is_conditioned_the_less_often_one_climb_finds_its_peak() {
    for (agents, actions) in [(2, 10), (4, 5), (5, 6)] {
        let easy = quadratics(agents, actions, 1.0);
        let hard = quadratics(agents, actions, 1e4);
        assert!(easy[2] > hard[2], "{easy:?} {hard:?}");
        assert!(hard[2] < 0.9, "{hard:?}");
        assert!(hard[3] > hard[2] && hard[4] > hard[3], "{hard:?}");
        assert!(hard[5] > hard[2], "{hard:?}");
        assert!(hard[2] > hard[1] && hard[1] > hard[0], "{hard:?}");
    }
}

#[test]
fn more_starts_and_pairs_find_agreement_more_often() {
    // `sum_i w_i x_i - 4 sum_(i < j) |x_i - x_j|`
    for (agents, actions) in [(2, 3), (4, 5), (5, 6)] {
        let rows = 300;
        let mut rng = Rng::stream(7, Purpose::Check, agents as u32);
        let utilities = normals(&mut rng, rows * agents * actions, 1.0);
        let slopes: Vec<f32> = (0..rows * agents).map(|_| normal(&mut rng)).collect();
        let value = |row: usize, joint: &[u16]| {
            let x = |agent: usize| {
                utilities[(row * agents + agent) * actions + usize::from(joint[agent])]
            };
            let mut sum = 0.0;
            for i in 0..agents {
                sum += slopes[row * agents + i] * x(i);
                sum -= (0..i).map(|j| 4.0 * (x(i) - x(j)).abs()).sum::<f32>();
            }
            sum
        };
        let rates = rates(|selection| {
            search(selection, [agents, actions, rows], &utilities, None, || value)
        });
        let [greedy, single, one, four, sixteen, pairs] = rates;
        assert!(greedy < single && single < one && one < four && four <= sixteen, "{rates:?}");
        assert!(sixteen >= 0.95 && pairs > one, "{rates:?}");
    }
}

#[test]
fn weights_that_carry_gradients_are_searched_like_those_that_do_not() {
    let batch = Batch::kinked(ConcaveConfig::default(), [3, 4, 6, 50], 0, 12);
    let tracked = batch.mixer.weights(Tensor::from_inner(batch.state.clone()));
    let mut out = Selected::default();
    let mut rng = Rng::stream(5, Purpose::Check, 2);
    climb(4).run(&tracked.to_host(), batch.input(), &mut rng, &mut out);
    assert_eq!(out, batch.select(climb(4), 5));
}
