//! Advantages for policy gradients, over rollouts that span several episodes.

use super::step::{EpisodeStep, assert_lengths};
use crate::env::StepStatus;

/// Computes generalised advantages (GAE, Schulman et al. 2016, arXiv 1506.02438).
///
/// ```text
/// delta_t = r_t + gamma V_{t+1} [not terminated] - V_t
/// A_t     = delta_t + gamma lambda A_{t+1} [running]
/// ```
///
/// A truncated step bootstraps from the value of the episode's last observation. It is in the next
/// time step, which is padding (`filled` is false). The recursion stops there, because `A_{t+1}`
/// belongs to another episode. The critic's target is `A_t + V_t`. The advantage of padding is
/// zero.
///
/// # Shapes
///
/// `steps` is `[time, env]`; `value` is `[time + 1, env, agent]`; `advantages` is
/// `[time, env, agent]`. All agents of an environment share its reward.
///
/// # Panics
///
/// Panics if the lengths are inconsistent.
pub fn generalised_advantages(
    steps: &[EpisodeStep],
    value: &[f32],
    (envs, agents): (usize, usize),
    gamma: f32,
    lambda: f32,
    advantages: &mut [f32],
) {
    let rows = envs * agents;
    assert_lengths(steps.len(), value.len(), rows, agents, advantages.len());
    let time = steps.len() / envs;
    for t in (0..time).rev() {
        for row in 0..rows {
            let (step, here) = (steps[t * envs + row / agents], t * rows + row);
            let next = here + rows;
            let tail = if t + 1 < time { advantages[next] } else { 0.0 };
            advantages[here] = match step.status {
                _ if !step.filled => 0.0,
                StepStatus::Running => {
                    step.reward + gamma * value[next] - value[here] + gamma * lambda * tail
                }
                StepStatus::Truncated => step.reward + gamma * value[next] - value[here],
                StepStatus::Terminated | StepStatus::Crashed => step.reward - value[here],
            };
        }
    }
}

/// Computes `n`-step advantages (EPyMARL's `q_nstep` for actor-critics):
///
/// ```text
/// A_t = r_t + gamma r_{t+1} + … + gamma^{n-1} r_{t+n-1} + gamma^n V_{t+n} - V_t
/// ```
///
/// with fewer rewards if the rollout or the episode ends earlier. Nothing is bootstrapped after a
/// termination. Shapes and padding are those of [`generalised_advantages`].
///
/// # Panics
///
/// Panics if the lengths are inconsistent.
pub fn n_step_advantages(
    steps: &[EpisodeStep],
    value: &[f32],
    (envs, agents): (usize, usize),
    gamma: f32,
    n: usize,
    advantages: &mut [f32],
) {
    let rows = envs * agents;
    assert_lengths(steps.len(), value.len(), rows, agents, advantages.len());
    let time = steps.len() / envs;
    for (here, advantage) in advantages.iter_mut().enumerate() {
        let (t, row) = (here / rows, here % rows);
        let env = row / agents;
        if !steps[t * envs + env].filled {
            *advantage = 0.0;
            continue;
        }
        let (mut total, mut discount) = (-value[here], 1.0);
        for at in t..(t + n).min(time) {
            let step = steps[at * envs + env];
            total += discount * step.reward;
            discount *= gamma;
            let last = at + 1 == (t + n).min(time);
            if step.status.is_terminal() {
                break;
            }
            if last || step.status.is_over() {
                total += discount * value[(at + 1) * rows + row];
                break;
            }
        }
        *advantage = total;
    }
}

/// Normalises the `active` entries to zero mean and unit standard deviation (with `1e-8` added to
/// the deviation), and sets the others to zero.
///
/// Sums are computed in `f64` in index order, so the result depends on the input only.
pub fn normalise(values: &mut [f32], active: &[bool]) {
    let used = || values.iter().zip(active).filter(|(_, on)| **on).map(|(v, _)| f64::from(*v));
    let n = used().count().max(1) as f64;
    let mean = used().sum::<f64>() / n;
    let deviation = (used().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt() + 1e-8;
    for (value, &on) in values.iter_mut().zip(active) {
        *value = if on { ((f64::from(*value) - mean) / deviation) as f32 } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use StepStatus::{Running, Terminated, Truncated};

    use super::*;

    /// Returns steps with these rewards and statuses; `None` is padding.
    fn steps<const N: usize>(of: [(f32, Option<StepStatus>); N]) -> [EpisodeStep; N] {
        of.map(|(reward, status)| EpisodeStep {
            reward,
            status: status.unwrap_or_default(),
            filled: status.is_some(),
        })
    }

    fn assert_close(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn lambda_one_is_the_return_minus_the_value() {
        let steps = steps([(1.0, Some(Running)), (2.0, Some(Running)), (4.0, Some(Terminated))]);
        let value = [0.5, 0.25, 2.0, 99.0];
        let mut ours = [0.0; 3];
        generalised_advantages(&steps, &value, (1, 1), 0.9, 1.0, &mut ours);
        let returns = [1.0 + 0.9 * (2.0 + 0.9 * 4.0), 2.0 + 0.9 * 4.0, 4.0];
        assert_close(&ours, &[returns[0] - 0.5, returns[1] - 0.25, returns[2] - 2.0]);
    }

    #[test]
    fn terminations_truncations_and_agents_in_one_rollout_are_independent() {
        // Environment 0: terminates at t = 0, then runs to the end of the rollout.
        // Environment 1: truncated at t = 0, padding at t = 1 (last observation), runs at t = 2.
        let steps = steps([
            (1.0, Some(Terminated)),
            (10.0, Some(Truncated)),
            (2.0, Some(Running)),
            (0.0, None),
            (3.0, Some(Running)),
            (30.0, Some(Running)),
        ]);
        // Two agents; value = 100 t + 10 env + agent.
        let value: Vec<f32> =
            (0..16).map(|i| (100 * (i / 4) + 10 * (i / 2 % 2) + i % 2) as f32).collect();
        let mut ours = [0.0; 12];
        let (gamma, lambda) = (0.5, 0.5);
        generalised_advantages(&steps, &value, (2, 2), gamma, lambda, &mut ours);
        let v = |t: usize, env: usize, agent: usize| value[t * 4 + env * 2 + agent];
        let mut expected = [0.0; 12];
        for agent in 0..2 {
            let last0 = 3.0 + gamma * v(3, 0, agent) - v(2, 0, agent);
            let last1 = 30.0 + gamma * v(3, 1, agent) - v(2, 1, agent);
            expected[agent] = 1.0 - v(0, 0, agent);
            expected[2 + agent] = 10.0 + gamma * v(1, 1, agent) - v(0, 1, agent);
            expected[4 + agent] =
                2.0 + gamma * v(2, 0, agent) - v(1, 0, agent) + gamma * lambda * last0;
            expected[6 + agent] = 0.0;
            expected[8 + agent] = last0;
            expected[10 + agent] = last1;
        }
        assert_close(&ours, &expected);
    }

    #[test]
    fn n_rewards_stop_at_terminations_truncations_and_the_end_of_the_rollout() {
        // One environment: two steps that terminate, two that are truncated, and padding.
        let steps = steps([
            (1.0, Some(Running)),
            (2.0, Some(Terminated)),
            (4.0, Some(Running)),
            (8.0, Some(Truncated)),
            (0.0, None),
        ]);
        let value = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0];
        let mut ours = [9.0; 5];
        n_step_advantages(&steps, &value, (1, 1), 0.5, 3, &mut ours);
        let cut = 4.0 + 0.5 * 8.0 + 0.25 * 50.0 - 30.0;
        assert_close(
            &ours,
            &[1.0 + 0.5 * 2.0 - 10.0, 2.0 - 20.0, cut, 8.0 + 0.5 * 50.0 - 40.0, 0.0],
        );
        n_step_advantages(&steps[2..3], &[1.0, 3.0], (1, 1), 0.5, 3, &mut ours[..1]);
        assert_close(&ours[..1], &[4.0 + 0.5 * 3.0 - 1.0]);
    }

    #[test]
    fn one_reward_is_generalised_estimation_with_lambda_zero() {
        let steps = steps([
            (1.0, Some(Running)),
            (10.0, Some(Truncated)),
            (2.0, Some(Terminated)),
            (20.0, None),
            (3.0, Some(Running)),
            (30.0, Some(Running)),
        ]);
        let value: Vec<f32> = (0..16).map(|i| (i * i % 11) as f32).collect();
        let (mut one, mut zero) = ([0.0; 12], [0.0; 12]);
        n_step_advantages(&steps, &value, (2, 2), 0.9, 1, &mut one);
        generalised_advantages(&steps, &value, (2, 2), 0.9, 0.0, &mut zero);
        assert_close(&one, &zero);
    }

    #[test]
    fn nothing_is_bootstrapped_after_a_crash() {
        let crashed = EpisodeStep { reward: 0.0, status: StepStatus::Crashed, filled: true };
        let ended = EpisodeStep { status: Terminated, ..crashed };
        assert!(!crashed.is_learned() && ended.is_learned());
        let first = EpisodeStep { reward: 1.0, status: Running, filled: true };
        let mut ours = [[0.0; 2]; 4];
        for (last, ours) in [crashed, ended].into_iter().zip(ours.chunks_exact_mut(2)) {
            let (steps, value) = ([first, last], [0.5, 2.0, 9.0]);
            generalised_advantages(&steps, &value, (1, 1), 0.9, 0.8, &mut ours[0]);
            n_step_advantages(&steps, &value, (1, 1), 0.9, 2, &mut ours[1]);
        }
        assert_eq!(ours[..2], ours[2..]);
    }

    #[test]
    fn normalised_advantages_have_mean_zero_and_deviation_one_over_the_living() {
        let mut values = [1.0, 50.0, 3.0, -7.0, 5.0];
        normalise(&mut values, &[true, false, true, false, true]);
        let deviation = (8.0_f32 / 3.0).sqrt();
        assert_close(&values, &[-2.0 / deviation, 0.0, 0.0, 0.0, 2.0 / deviation]);
    }
}
