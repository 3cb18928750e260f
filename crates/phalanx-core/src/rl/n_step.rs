//! N-step targets.

use super::step::{EpisodeStep, assert_lengths};

/// Computes n-step targets, with fewer rewards if the episode ends earlier:
///
/// ```text
/// G_t = sum_{k < m} gamma^k r_{t+k} + gamma^m (1 - d) Q_{t+m},    m = min(n, steps left)
/// ```
///
/// where `Q` are the bootstrap values and `d` is whether step `t + m - 1` terminates the episode.
/// `n = 1` gives the targets of [`td_lambda_targets`](super::td_lambda_targets) with lambda zero.
///
/// # Shapes
///
/// `steps` is `[time, row]`, `values` is `[time + 1, row]`, `targets` is `[time, row]`; the targets
/// of padding are zero.
///
/// # Panics
///
/// Panics if the lengths are inconsistent, or `n` is zero.
pub fn n_step_targets(
    steps: &[EpisodeStep],
    values: &[f32],
    rows: usize,
    gamma: f32,
    n: usize,
    targets: &mut [f32],
) {
    assert!(n > 0, "`n` must be at least 1");
    assert_lengths(steps.len(), values.len(), rows, 1, targets.len());
    for (first, target) in targets.iter_mut().enumerate() {
        *target = 0.0;
        let mut weight = 1.0;
        for at in (first..steps.len()).step_by(rows).take(n) {
            let step = steps[at];
            if !step.filled {
                break;
            }
            *target += weight * step.reward;
            weight *= gamma;
            let next = at + rows;
            let last = at == first + (n - 1) * rows;
            let continues = steps.get(next).is_some_and(|step| step.filled);
            if step.status.is_terminal() {
                break;
            }
            if last || !continues {
                *target += weight * values[next];
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::td_lambda_targets;
    use super::*;
    use crate::env::StepStatus;

    fn targets(steps: &[EpisodeStep], values: &[f32], rows: usize, n: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; steps.len()];
        n_step_targets(steps, values, rows, 0.5, n, &mut out);
        out
    }

    #[test]
    fn n_rewards_are_summed_and_the_value_after_them_is_bootstrapped() {
        let steps =
            [EpisodeStep::running(1.0), EpisodeStep::running(2.0), EpisodeStep::running(4.0)];
        let values = [9.0, 9.0, 16.0, 32.0];
        let two = [1.0 + 1.0 + 0.25 * 16.0, 2.0 + 2.0 + 0.25 * 32.0, 4.0 + 0.5 * 32.0];
        assert_eq!(targets(&steps, &values, 1, 2), two);
        let all = [1.0 + 1.0 + 1.0 + 4.0, two[1], two[2]];
        assert_eq!(targets(&steps, &values, 1, 7), all);
    }

    #[test]
    fn nothing_is_bootstrapped_after_a_termination_and_rows_are_independent() {
        let padding = EpisodeStep { reward: 55.0, ..EpisodeStep::PADDING };
        let ended = EpisodeStep { status: StepStatus::Terminated, ..EpisodeStep::running(2.0) };
        // Row 0 terminates after two steps, row 1 is truncated after one.
        let steps = [
            [EpisodeStep::running(1.0), EpisodeStep::running(3.0)],
            [ended, padding],
            [padding, padding],
        ]
        .concat();
        let values: Vec<f32> = (0..8).map(|i| i as f32).collect();
        let ours = targets(&steps, &values, 2, 3);
        assert_eq!(ours, [1.0 + 0.5 * 2.0, 3.0 + 0.5 * values[3], 2.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn one_reward_gives_one_step_targets() {
        let ended = EpisodeStep { status: StepStatus::Terminated, ..EpisodeStep::running(2.0) };
        let steps = [
            EpisodeStep::running(1.0),
            EpisodeStep::running(-1.0),
            EpisodeStep::running(0.5),
            ended,
        ];
        let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let mut wanted = vec![0.0; 4];
        td_lambda_targets(&steps, &values, 2, 0.5, 0.0, &mut wanted);
        assert_eq!(targets(&steps, &values, 2, 1), wanted);
    }
}
