//! Advantages for policy gradients over segments that hold several episodes.

/// One step of a segment, as the advantage estimator sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// The episode goes on; the next time step holds its next observation.
    #[default]
    Running,
    /// The task ended: nothing is bootstrapped, the next time step begins another episode.
    Terminated,
    /// The episode was cut short: the next time step holds its last observation, whose value is
    /// bootstrapped. That time step is [`Step::Idle`].
    Truncated,
    /// Nobody acted in this time step; it exists only to carry a last observation.
    Idle,
}

/// Generalised advantage estimation (Schulman et al. 2016), computed backwards.
///
/// ```text
/// delta_t = r_t + gamma V_{t+1} [not terminated] - V_t
/// A_t     = delta_t + gamma lambda A_{t+1} [still running]
/// ```
///
/// A truncated step keeps its bootstrap but cuts the tail, since `A_{t+1}` belongs to another
/// episode. The return to regress the value on is `A_t + V_t`. Idle steps get zero.
///
/// # Shapes
///
/// `reward` and `step` are `[time, env]`; `value` is `[time + 1, env, agent]`; `advantages` is
/// `[time, env, agent]`. All agents of an environment share its reward.
///
/// # Panics
///
/// When the lengths do not fit each other.
pub fn generalised_advantages(
    reward: &[f32],
    step: &[Step],
    value: &[f32],
    (envs, agents): (usize, usize),
    gamma: f32,
    lambda: f32,
    advantages: &mut [f32],
) {
    let rows = envs * agents;
    assert_eq!(reward.len(), step.len(), "one reward per step");
    assert_eq!(advantages.len(), step.len() * agents, "one advantage per agent step");
    assert_eq!(value.len(), advantages.len() + rows, "values hold one more time step");
    let time = step.len() / envs;
    for t in (0..time).rev() {
        for row in 0..rows {
            let (env, here) = (t * envs + row / agents, t * rows + row);
            let next = here + rows;
            let tail = if t + 1 < time { advantages[next] } else { 0.0 };
            advantages[here] = match step[env] {
                Step::Running => {
                    reward[env] + gamma * value[next] - value[here] + gamma * lambda * tail
                }
                Step::Truncated => reward[env] + gamma * value[next] - value[here],
                Step::Terminated => reward[env] - value[here],
                Step::Idle => 0.0,
            };
        }
    }
}

/// Advantages of returns of `n` rewards (EPyMARL's `q_nstep` for actor-critics):
///
/// ```text
/// A_t = r_t + gamma r_{t+1} + … + gamma^{n-1} r_{t+n-1} + gamma^n V_{t+n} - V_t
/// ```
///
/// with fewer rewards where the segment or the episode is over before; nothing is bootstrapped
/// behind a true end. Shapes are those of [`generalised_advantages`]; idle steps get zero.
///
/// # Panics
///
/// When the lengths do not fit each other.
pub fn n_step_advantages(
    reward: &[f32],
    step: &[Step],
    value: &[f32],
    (envs, agents): (usize, usize),
    gamma: f32,
    n: usize,
    advantages: &mut [f32],
) {
    let rows = envs * agents;
    assert_eq!(reward.len(), step.len(), "one reward per step");
    assert_eq!(advantages.len(), step.len() * agents, "one advantage per agent step");
    assert_eq!(value.len(), advantages.len() + rows, "values hold one more time step");
    let time = step.len() / envs;
    for (here, advantage) in advantages.iter_mut().enumerate() {
        let (t, row) = (here / rows, here % rows);
        let env = row / agents;
        if step[t * envs + env] == Step::Idle {
            *advantage = 0.0;
            continue;
        }
        let (mut total, mut discount) = (-value[here], 1.0);
        for at in t..(t + n).min(time) {
            total += discount * reward[at * envs + env];
            discount *= gamma;
            let last = at + 1 == (t + n).min(time);
            match step[at * envs + env] {
                Step::Terminated => break,
                Step::Running if !last => {}
                _ => {
                    total += discount * value[(at + 1) * rows + row];
                    break;
                }
            }
        }
        *advantage = total;
    }
}

/// Shifts and scales the entries with a positive `weight` to mean zero and standard deviation one
/// (with `1e-8` added to the deviation); the others become zero.
///
/// Sums run in `f64` in index order, so the result does not depend on anything but the input.
pub fn normalise(values: &mut [f32], weight: &[bool]) {
    let used = || values.iter().zip(weight).filter(|(_, on)| **on).map(|(v, _)| f64::from(*v));
    let n = used().count().max(1) as f64;
    let mean = used().sum::<f64>() / n;
    let deviation = (used().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt() + 1e-8;
    for (value, &on) in values.iter_mut().zip(weight) {
        *value = if on { ((f64::from(*value) - mean) / deviation) as f32 } else { 0.0 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{ours:?} is not {expected:?}");
        }
    }

    #[test]
    fn lambda_one_is_the_return_minus_the_value() {
        let reward = [1.0, 2.0, 4.0];
        let step = [Step::Running, Step::Running, Step::Terminated];
        let value = [0.5, 0.25, 2.0, 99.0];
        let mut ours = [0.0; 3];
        generalised_advantages(&reward, &step, &value, (1, 1), 0.9, 1.0, &mut ours);
        let returns = [1.0 + 0.9 * (2.0 + 0.9 * 4.0), 2.0 + 0.9 * 4.0, 4.0];
        assert_close(&ours, &[returns[0] - 0.5, returns[1] - 0.25, returns[2] - 2.0]);
    }

    #[test]
    fn ends_truncations_and_agents_in_one_segment_keep_to_themselves() {
        // Environment 0: ends at t = 0, runs on to the end of the segment.
        // Environment 1: truncated at t = 0, idle at t = 1 (last observation), runs at t = 2.
        let reward = [1.0, 10.0, 2.0, 0.0, 3.0, 30.0];
        let step = [
            Step::Terminated,
            Step::Truncated,
            Step::Running,
            Step::Idle,
            Step::Running,
            Step::Running,
        ];
        // Two agents; value = 100 t + 10 env + agent.
        let value: Vec<f32> =
            (0..16).map(|i| (100 * (i / 4) + 10 * (i / 2 % 2) + i % 2) as f32).collect();
        let mut ours = [0.0; 12];
        let (gamma, lambda) = (0.5, 0.5);
        generalised_advantages(&reward, &step, &value, (2, 2), gamma, lambda, &mut ours);
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
    fn n_rewards_stop_at_ends_truncations_and_the_end_of_the_segment() {
        // One environment: two steps and an end, then two steps that are cut short, an idle step.
        let reward = [1.0, 2.0, 4.0, 8.0, 0.0];
        let step = [Step::Running, Step::Terminated, Step::Running, Step::Truncated, Step::Idle];
        let value = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0];
        let mut ours = [9.0; 5];
        n_step_advantages(&reward, &step, &value, (1, 1), 0.5, 3, &mut ours);
        let cut = 4.0 + 0.5 * 8.0 + 0.25 * 50.0 - 30.0;
        assert_close(
            &ours,
            &[1.0 + 0.5 * 2.0 - 10.0, 2.0 - 20.0, cut, 8.0 + 0.5 * 50.0 - 40.0, 0.0],
        );
        n_step_advantages(
            &reward[2..3],
            &[Step::Running],
            &[1.0, 3.0],
            (1, 1),
            0.5,
            3,
            &mut ours[..1],
        );
        assert_close(&ours[..1], &[4.0 + 0.5 * 3.0 - 1.0]);
    }

    #[test]
    fn one_reward_is_generalised_estimation_with_lambda_zero() {
        let reward = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0];
        let step = [
            Step::Running,
            Step::Truncated,
            Step::Terminated,
            Step::Idle,
            Step::Running,
            Step::Running,
        ];
        let value: Vec<f32> = (0..16).map(|i| (i * i % 11) as f32).collect();
        let (mut one, mut zero) = ([0.0; 12], [0.0; 12]);
        n_step_advantages(&reward, &step, &value, (2, 2), 0.9, 1, &mut one);
        generalised_advantages(&reward, &step, &value, (2, 2), 0.9, 0.0, &mut zero);
        assert_close(&one, &zero);
    }

    #[test]
    fn normalised_advantages_have_mean_zero_and_deviation_one_over_the_living() {
        let mut values = [1.0, 50.0, 3.0, -7.0, 5.0];
        normalise(&mut values, &[true, false, true, false, true]);
        let deviation = (8.0_f32 / 3.0).sqrt();
        assert_close(&values, &[-2.0 / deviation, 0.0, 0.0, 0.0, 2.0 / deviation]);
    }
}
