//! The guarantees of the joint-action search.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::batch::{Batch, EXHAUSTIVE, climb, in_order, search, tolerance};
use super::games::{init, sizes};
use burn::tensor::Tensor;
use phalanx_core::nn::{
    ConcaveMixer, ConcaveWeightsCpu, Convex, JointActionSearch, SearchInput, SearchMethod,
    SearchResult,
};
use phalanx_core::rng::{Purpose, Rng};

fn batches() -> Vec<Batch> {
    let config = ConcaveMixer::default();
    let vector = ConcaveMixer { utility_dim: 3, mixing_embed_dim: 20, ..config };
    let initial = init(config, sizes(4, 5, 6), 1);
    let mut batches = vec![
        Batch::new(initial, [4, 5, 1, 6, 100], 30, 2),
        Batch::kinked(config, [8, 6, 6, 200], 30, 3),
        Batch::kinked(vector, [3, 4, 6, 150], 20, 4),
        Batch::kinked(config, [1, 7, 6, 70], 20, 5),
    ];
    for activation in [Convex::LeakyRelu, Convex::Softplus, Convex::Elu] {
        let config = ConcaveMixer { activation, mixing_embed_dim: 7, ..config };
        batches.push(Batch::kinked(config, [5, 4, 6, 80], 30, 6));
    }
    batches
}

#[test]
fn every_search_returns_the_mixers_value_and_available_actions() {
    for batch in batches() {
        for method in [
            SearchMethod::Iterative,
            SearchMethod::SingleDeviation,
            SearchMethod::Exhaustive,
            SearchMethod::Greedy,
        ] {
            if method == SearchMethod::Exhaustive && batch.agents > 5 {
                continue;
            }
            for pairwise in [false, true] {
                let selection =
                    JointActionSearch { method, pairwise, ..JointActionSearch::default() };
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
fn no_single_deviation_gains_and_the_deviation_values_are_the_mixers() {
    for batch in batches() {
        for pairwise in [false, true] {
            let selection =
                JointActionSearch { pairwise, deviations: true, ..JointActionSearch::default() };
            let selected = batch.select(selection, 1);
            let table = selected.deviations.expect("the table was requested");
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
fn the_value_is_at_least_that_of_every_start_and_more_starts_never_lower_it() {
    for batch in batches() {
        let greedy =
            batch.select(JointActionSearch { method: SearchMethod::Greedy, ..climb(1) }, 0);
        let single = batch
            .select(JointActionSearch { method: SearchMethod::SingleDeviation, ..climb(1) }, 0);
        let mut before = single.value;
        for (single, greedy) in before.iter().zip(&greedy.value) {
            assert!(*single >= greedy - tolerance(*greedy));
        }
        before = greedy.value;
        // The draws of later rows depend on the number of starts, so only one row is compared.
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
    let batch = Batch::kinked(ConcaveMixer::default(), [6, 5, 6, 100], 40, 8);
    let mut rng = Rng::stream(0, Purpose::Check, 3);
    let initial: Vec<u16> = (0..batch.rows * batch.agents).map(|_| rng.below(5) as u16).collect();
    let input = SearchInput { initial: Some(&initial), ..batch.input() };
    let greedy =
        batch.select(JointActionSearch { method: SearchMethod::Greedy, ..climb(1) }, 0).actions;
    let still = JointActionSearch { sweeps: 0, ..climb(1) };
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
fn inactive_rows_stay_empty_and_do_not_affect_the_others() {
    let batch = Batch::kinked(ConcaveMixer::default(), [5, 4, 6, 200], 20, 9);
    let selection =
        JointActionSearch { starts: 6, deviations: true, ..JointActionSearch::default() };
    let all = batch.select(selection, 3);
    let valid: Vec<bool> = (0..batch.rows).map(|row| row % 3 == 0).collect();
    let input = SearchInput { valid: Some(&valid), ..batch.input() };
    let some = batch.select_from(selection, input, 3);
    let [all_table, some_table] =
        [&all, &some].map(|out| out.deviations.as_deref().expect("deviations were requested"));
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
    let batch = Batch::kinked(ConcaveMixer::default(), [6, 5, 6, 500], 20, 10);
    let selection = JointActionSearch {
        starts: 6,
        pairwise: true,
        deviations: true,
        ..JointActionSearch::default()
    };
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

#[test]
fn ties_go_to_the_lowest_index_and_equal_values_change_no_action() {
    let utilities = in_order(3, 4, 1);
    let flat = || |_: usize, _: &[u16]| 1.0;
    let initial = [2, 1, 3];
    for start in [None, Some(&initial[..])] {
        let out = search(climb(4), [3, 4, 1], &utilities, start, flat);
        assert_eq!(out.actions, start.unwrap_or(&[0, 0, 0]));
    }
    // Actions 1 and 3 are equally good for all agents; differences below the tolerance change no action.
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
fn coordinate_ascent_visits_every_agent_once_per_sweep_and_ends_with_the_last_sweep() {
    // Strictly concave with its ridge along equal actions, so that each visit gains a little.
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
        let selection = JointActionSearch { sweeps, ..climb(1) };
        let out = search(selection, [2, 64, 1], &utilities, None, || counted);
        (out.value[0], calls.into_inner())
    };
    let mut before = ridge(&[0, 0]);
    for sweeps in 1..=8 {
        let (value, calls) = run(sweeps);
        assert!(value > before, "{value} after {before}");
        // All actions of both agents in each sweep, and the final value once.
        assert_eq!(calls, sweeps * 2 * 64 + 1);
        before = value;
    }
    let (end, calls) = run(1000);
    assert!(end > before && calls < 100 * 2 * 64, "{end} after {calls} values");
}

#[test]
fn weights_with_gradients_are_searched_like_those_without() {
    let batch = Batch::kinked(ConcaveMixer::default(), [3, 4, 6, 50], 0, 12);
    let tracked = batch.mixer.weights(Tensor::from_inner(batch.state.clone()));
    let mut out = SearchResult::default();
    let mut rng = Rng::stream(5, Purpose::Check, 2);
    climb(4).run(&ConcaveWeightsCpu::download(tracked), batch.input(), &mut rng, &mut out);
    assert_eq!(out, batch.select(climb(4), 5));
}
