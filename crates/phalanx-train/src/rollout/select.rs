//! Action selection from Q-values or logits.

use phalanx_core::rng::Rng;

/// Calls `select` with the outputs and the mask of each agent, `[agent, n_actions]`, and writes the
/// results to `chosen`, `[agent]`.
pub(crate) fn select_each(
    outputs: &[f32],
    avail: &[bool],
    chosen: &mut [u16],
    mut select: impl FnMut(&[f32], &[bool]) -> u16,
) {
    let n_actions = outputs.len() / chosen.len();
    let agents = outputs.chunks_exact(n_actions).zip(avail.chunks_exact(n_actions));
    for (action, (outputs, avail)) in chosen.iter_mut().zip(agents) {
        *action = select(outputs, avail);
    }
}

/// Returns the available action with the largest value, and the first one among equals.
///
/// # Panics
///
/// Panics if no action is available.
pub fn greedy(values: &[f32], avail: &[bool]) -> u16 {
    let mut best: Option<usize> = None;
    for (action, (&value, &available)) in values.iter().zip(avail).enumerate() {
        if available && best.is_none_or(|other| value > values[other]) {
            best = Some(action);
        }
    }
    best.expect("every agent has an available action") as u16
}

/// Returns a uniformly random available action with probability `epsilon`, otherwise the greedy
/// one.
///
/// # Panics
///
/// Panics if no action is available.
pub fn epsilon_greedy(values: &[f32], avail: &[bool], epsilon: f32, rng: &mut Rng) -> u16 {
    if rng.uniform() < epsilon {
        rng.choose(avail).expect("every agent has an available action") as u16
    } else {
        greedy(values, avail)
    }
}

/// Draws an action from `softmax(logits)` over the available actions.
///
/// # Panics
///
/// Panics if no action is available.
pub fn sample(logits: &[f32], avail: &[bool], rng: &mut Rng) -> u16 {
    sample_at(logits, avail, rng.uniform())
}

/// Returns the action whose interval of the cumulative distribution contains `uniform`, in `[0,
/// 1)`.
fn sample_at(logits: &[f32], avail: &[bool], uniform: f32) -> u16 {
    let best = greedy(logits, avail);
    let top = logits[usize::from(best)];
    let available = || logits.iter().zip(avail).enumerate().filter(|(_, (_, on))| **on);
    let total: f32 = available().map(|(_, (logit, _))| (logit - top).exp()).sum();
    let mut left = uniform * total;
    for (action, (logit, _)) in available() {
        left -= (logit - top).exp();
        if left < 0.0 {
            return action as u16;
        }
    }
    // Rounding left a remainder. The last action may have probability zero, for which gradients are
    // infinite.
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use phalanx_core::rng::Purpose;

    #[test]
    fn the_greedy_action_is_the_first_best_available_one() {
        assert_eq!(greedy(&[9.0, 2.0, 3.0, 3.0], &[false, true, true, true]), 2);
        assert_eq!(greedy(&[f32::MIN, -1.0], &[true, false]), 0);
    }

    #[test]
    fn an_action_of_probability_zero_is_never_drawn() {
        let mut rng = Rng::stream(2, Purpose::Check, 0);
        for _ in 0..20_000 {
            let mut logits: Vec<f32> = (0..5).map(|_| rng.range(-20.0, 0.0)).collect();
            logits.push(-200.0);
            let uniform = 1.0 - (1 + rng.below(3)) as f32 * f32::EPSILON / 2.0;
            assert_ne!(sample_at(&logits, &[true; 6], uniform), 5, "{logits:?} {uniform}");
        }
    }

    #[test]
    fn samples_follow_the_softmax_over_available_actions() {
        let mut rng = Rng::stream(1, Purpose::Check, 0);
        let (logits, avail) = ([1.0, 0.0, 50.0, 2.0], [true, true, false, true]);
        let mut counts = [0_u32; 4];
        let draws = 100_000;
        for _ in 0..draws {
            counts[usize::from(sample(&logits, &avail, &mut rng))] += 1;
        }
        let total = 1_f64.exp() + 1.0 + 2_f64.exp();
        for (action, expected) in [(0, 1_f64.exp()), (1, 1.0), (2, 0.0), (3, 2_f64.exp())] {
            let share = f64::from(counts[action]) / f64::from(draws);
            assert!((share - expected / total).abs() < 0.006, "{counts:?}");
        }
    }

    #[test]
    fn epsilon_is_the_share_of_uniform_actions() {
        let mut rng = Rng::stream(2, Purpose::Check, 0);
        let other = (0..20_000)
            .filter(|_| epsilon_greedy(&[1.0, 0.0], &[true, true], 0.5, &mut rng) == 1)
            .count();
        assert!(other.abs_diff(5000) < 310, "{other}");
    }
}
