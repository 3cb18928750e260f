//! TD(lambda) targets.

use super::step::{EpisodeStep, assert_lengths};

/// Computes TD(lambda) targets of whole episodes.
///
/// With `Q_t` the bootstrap value at time `t`, `d_t` whether step `t` terminates the episode, and
/// `last` the final filled step of a row:
///
/// ```text
/// G_last = r_last + gamma (1 - d_last) Q_{last+1}
/// G_t    = r_t + gamma (1 - d_t) [ (1 - lambda) Q_{t+1} + lambda G_{t+1} ]
/// ```
///
/// `lambda = 0` gives one-step targets, `lambda = 1` Monte-Carlo returns. Traces are not cut at
/// exploratory actions (Peng's Q(lambda)), as in PyMARL2's `build_td_lambda_targets`. In PyMARL2,
/// an episode that is truncated before the longest one of its batch loses a part of its last
/// bootstrap value; here all episodes are treated like the longest.
///
/// # Shapes
///
/// `steps` is `[time, row]`, `values` is `[time + 1, row]`, `targets` is `[time, row]`; the targets
/// of padding are zero.
///
/// # Panics
///
/// Panics if the lengths are inconsistent.
pub fn td_lambda_targets(
    steps: &[EpisodeStep],
    values: &[f32],
    rows: usize,
    gamma: f32,
    lambda: f32,
    targets: &mut [f32],
) {
    assert_lengths(steps.len(), values.len(), rows, 1, targets.len());
    let time = steps.len() / rows;
    for t in (0..time).rev() {
        for row in 0..rows {
            let here = t * rows + row;
            let next = here + rows;
            let step = steps[here];
            targets[here] = if !step.filled {
                0.0
            } else if step.status.is_terminal() {
                step.reward
            } else {
                let continues = t + 1 < time && steps[next].filled;
                let after = if continues {
                    (1.0 - lambda) * values[next] + lambda * targets[next]
                } else {
                    values[next]
                };
                step.reward + gamma * after
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::StepStatus;

    fn targets(steps: &[EpisodeStep], values: &[f32], rows: usize, lambda: f32) -> Vec<f32> {
        let mut out = vec![f32::NAN; steps.len()];
        td_lambda_targets(steps, values, rows, 0.9, lambda, &mut out);
        out
    }

    fn assert_close(ours: &[f32], expected: &[f32]) {
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn lambda_returns_match_the_published_recursion() {
        // Values .5, 1.5, .8 at times 0, 1, 2 and .7 after the last step.
        let steps =
            [EpisodeStep::running(1.0), EpisodeStep::running(0.0), EpisodeStep::running(2.0)];
        let ours = targets(&steps, &[0.5, 1.5, 0.8, 0.7], 1, 0.5);
        assert_close(&ours, &[2.369_575, 1.5435, 2.63]);
    }

    #[test]
    fn lambda_zero_bootstraps_after_one_step() {
        let steps = [EpisodeStep::running(1.0), EpisodeStep::running(0.0)];
        assert_close(&targets(&steps, &[9.0, 2.0, 3.0], 1, 0.0), &[1.0 + 0.9 * 2.0, 0.9 * 3.0]);
    }

    #[test]
    fn lambda_one_is_the_discounted_sum_of_rewards() {
        let mut steps =
            [EpisodeStep::running(1.0), EpisodeStep::running(2.0), EpisodeStep::running(4.0)];
        steps[2].status = StepStatus::Terminated;
        assert_close(
            &targets(&steps, &[7.0; 4], 1, 1.0),
            &[1.0 + 0.9 * (2.0 + 0.9 * 4.0), 2.0 + 0.9 * 4.0, 4.0],
        );
    }

    #[test]
    fn episodes_of_different_lengths_in_one_batch_are_independent() {
        let padding = EpisodeStep { reward: 55.0, ..EpisodeStep::PADDING };
        let ended = EpisodeStep { status: StepStatus::Terminated, ..EpisodeStep::running(1.0) };
        // Row 0 terminates after one step, row 1 is truncated after two, row 2 lasts three.
        let steps = [
            [ended, EpisodeStep::running(1.0), EpisodeStep::running(1.0)],
            [padding, EpisodeStep::running(2.0), EpisodeStep::running(2.0)],
            [padding, padding, EpisodeStep::running(3.0)],
        ]
        .concat();
        let values: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let ours = targets(&steps, &values, 3, 0.6);
        let second = 2.0 + 0.9 * values[7];
        let third = 3.0 + 0.9 * values[11];
        let third_before = 2.0 + 0.9 * (0.4 * values[8] + 0.6 * third);
        assert_close(
            &ours,
            &[
                1.0,
                1.0 + 0.9 * (0.4 * values[4] + 0.6 * second),
                1.0 + 0.9 * (0.4 * values[5] + 0.6 * third_before),
                0.0,
                second,
                third_before,
                0.0,
                0.0,
                third,
            ],
        );
    }
}
