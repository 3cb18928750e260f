//! The success rate of the joint-action search, and where it fails.

use super::batch::{Batch, EXHAUSTIVE, climb, in_order, search, tolerance};
use super::games::{CLIMBING, QPLEX_3, QTRAN, Table, normal, normals};
use phalanx_core::nn::{ConcaveMixer, JointActionSearch, SearchMethod, SearchResult};
use phalanx_core::rng::{Purpose, Rng};

#[test]
fn coordinate_ascent_can_stop_below_the_maximum_of_a_concave_function() {
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
    let pairs = JointActionSearch { pairwise: true, ..climb(1) };
    let free = search(pairs, [2, 2, 1], &utilities, Some(&low), || smooth);
    assert_eq!((&free.actions[..], free.value[0]), (&[1, 1][..], 0.0));

    let utilities = in_order(2, 101, 1);
    let stuck = search(climb(1), [2, 101, 1], &utilities, Some(&low), || kinked);
    assert_eq!((&stuck.actions[..], stuck.value[0]), (&low[..], 0.0));
    let free = search(pairs, [2, 101, 1], &utilities, Some(&low), || kinked);
    assert_eq!((&free.actions[..], free.value[0]), (&[100, 100][..], 8.0));
}

#[test]
fn coordinate_ascent_ends_in_each_equilibrium_from_as_many_starts_as_predicted() {
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
        assert_eq!(found(JointActionSearch { pairwise: true, ..climb(1) }), 9, "{table:?}");
    }
}

/// Returns the share of rows for which a search finds the maximum.
fn rate(found: &SearchResult, best: &SearchResult) -> f32 {
    let hits = found.value.iter().zip(&best.value).filter(|(found, best)| {
        assert!(**found <= **best + tolerance(**best), "{found} above {best}");
        **found >= **best - tolerance(**best)
    });
    hits.count() as f32 / best.value.len() as f32
}

/// Returns the rates of: greedy, single deviation, one start, four, sixteen, one start with pairs.
fn rates(select: impl Fn(JointActionSearch) -> SearchResult) -> [f32; 6] {
    let best = select(EXHAUSTIVE);
    let searches = [
        JointActionSearch { method: SearchMethod::Greedy, ..climb(1) },
        JointActionSearch { method: SearchMethod::SingleDeviation, ..climb(1) },
        climb(1),
        climb(4),
        climb(16),
        JointActionSearch { pairwise: true, ..climb(1) },
    ];
    searches.map(|selection| rate(&select(selection), &best))
}

#[test]
fn sixteen_starts_find_the_maximum_of_mixers_with_many_kinks() {
    for (agents, actions) in [(2, 3), (2, 10), (4, 5)] {
        for utility_dim in [1, 2] {
            let config = ConcaveMixer { utility_dim, ..ConcaveMixer::default() };
            let batch = Batch::kinked(config, [agents, actions, 6, 300], 0, 11);
            let [greedy, single, one, four, sixteen, pairs] =
                rates(|selection| batch.select(selection, 5));
            assert!(sixteen >= 0.95, "{sixteen} of {agents} agents, {actions} actions");
            assert!(one > single && single > greedy, "{one}, {single}, {greedy}");
            assert!(four >= one && sixteen >= four, "{one}, {four}, {sixteen}");
            assert!(pairs >= one);
            if agents == 2 {
                assert_eq!(pairs, 1.0, "changing both of two agents is exhaustive");
            }
        }
    }
}

/// Returns a random orthogonal matrix (Gram-Schmidt orthogonalisation).
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
fn the_success_rate_of_coordinate_ascent_falls_with_the_condition_number() {
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
fn more_starts_and_pairs_find_the_coordinated_optimum_more_often() {
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
