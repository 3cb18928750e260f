//! Minibatches of parallelised Q-networks, and their returns.

use burn::tensor::{Int, Tensor};
use phalanx_core::nn::{Device, is_cpu};
use phalanx_core::rl::{EpisodeStep, generalised_advantages};

use super::super::q_learning::{LinearTargets, MASKED_LOGIT};
use super::super::transfer::{tensor, to_vec, upload};
use super::settings::Pqn;
use crate::rollout::InputLayout;
use crate::rollout::Rollout;

/// The part of a rollout that comes from some of its environments, on the networks' device.
pub(super) struct Minibatch {
    pub(super) envs: usize,
    /// `[time + 1, env * agent, input_dim]`.
    pub(super) input: Tensor<3>,
    /// The hidden state before the first step, `[env * agent, carry]`.
    pub(super) hidden: Tensor<2>,
    /// Zero where an episode begins, otherwise one, `[time + 1, env * agent]`.
    pub(super) keep: Tensor<2>,
    /// `[time, env * agent, 1]`.
    pub(super) actions: Tensor<3, Int>,
    /// One for real steps, zero for padding, `[time, env]`, without gradients.
    pub(super) valid: Tensor<2>,
    /// Zero, or a large negative number for an unavailable action, `[time + 1, env * agent,
    /// action]`, without gradients.
    mask_bias: Tensor<3>,
    /// `[time, env]`, on the host.
    steps: Vec<EpisodeStep>,
    /// The returns as a linear map of bootstrap values; `None` on the CPU.
    map: Option<LinearTargets>,
}

impl Minibatch {
    /// Uploads the rows of the environments `envs` in one transfer.
    pub(super) fn new(
        rollout: &Rollout,
        envs: &[usize],
        settings: &Pqn,
        inputs: InputLayout,
        device: &Device,
    ) -> Self {
        let (time, agents, n) = (rollout.time, rollout.agents, rollout.envs);
        let (rows, dim, n_actions) = (envs.len() * agents, inputs.dim(), inputs.n_actions);
        let input = gather(&rollout.input, time + 1, agents * dim, n, envs);
        let keep = gather(&rollout.not_reset, time + 1, 1, n, envs);
        let keep = keep.iter().flat_map(|&k| std::iter::repeat_n(k, agents)).collect();
        let carry = rollout.hidden.len() / (n * agents);
        let hidden = gather(&rollout.hidden, 1, agents * carry, n, envs);
        let actions = gather(&rollout.actions, time, agents, n, envs);
        let actions = actions.into_iter().map(i32::from).collect();
        let avail = gather(&rollout.rows.avail, time + 1, agents * n_actions, n, envs);
        let mask_bias =
            avail.into_iter().map(|open| if open { 0.0 } else { MASKED_LOGIT }).collect();
        let steps = gather(&rollout.steps, time, 1, n, envs);
        let valid = steps.iter().map(|step| f32::from(u8::from(step.is_learned()))).collect();
        let map = (!is_cpu(device)).then(|| return_numbers(&steps, envs.len(), settings));
        let [rewarded, bootstrapped] = map.unwrap_or_default();
        let floats = [input, hidden, keep, valid, mask_bias, rewarded, bootstrapped];
        let (floats, [actions]) = upload(floats, [actions], device);
        let [input, hidden, keep, valid, mask_bias, rewarded, bootstrapped] = floats;
        let map = (!is_cpu(device)).then(|| {
            let none = Tensor::empty([0], device);
            LinearTargets::new(rewarded, bootstrapped, none, (time + 1, envs.len()))
        });
        Self {
            envs: envs.len(),
            input: Tensor::from_inner(input.reshape([time + 1, rows, dim])),
            hidden: Tensor::from_inner(hidden.reshape([rows, carry])),
            keep: Tensor::from_inner(keep.reshape([time + 1, rows])),
            actions: Tensor::from_inner(actions.reshape([time, rows, 1])),
            valid: valid.reshape([time, envs.len()]),
            mask_bias: mask_bias.reshape([time + 1, rows, n_actions]),
            steps,
            map,
        }
    }

    /// Returns the largest value among the available actions, `[time + 1, env * agent]`.
    pub(super) fn best_values(&self, values: Tensor<3>) -> Tensor<2> {
        let [times, rows, _] = values.dims();
        (values + self.mask_bias.clone()).max_dim(2).reshape([times, rows])
    }

    /// Computes the lambda-returns, `[time, env * column]`, from the bootstrap values `best`,
    /// `[time + 1, env * column]`.
    pub(super) fn returns(&self, best: Tensor<2>, columns: usize, settings: &Pqn) -> Tensor<2> {
        let [times, row] = best.dims();
        let Some(map) = &self.map else {
            let (device, size) = (best.device(), (self.envs, columns));
            let returns = lambda_returns(&self.steps, &to_vec(best), size, settings);
            return tensor(returns, [times - 1, row], &device);
        };
        let returns = map.targets(best.reshape([times * self.envs, columns]), None);
        returns.reshape([times, row]).narrow(0, 0, times - 1)
    }
}

/// Returns the rows of some environments from `[time, env, size]`.
fn gather<T: Copy>(all: &[T], time: usize, size: usize, n: usize, envs: &[usize]) -> Vec<T> {
    let mut out = Vec::with_capacity(time * envs.len() * size);
    for t in 0..time {
        for env in envs {
            out.extend_from_slice(&all[(t * n + env) * size..][..size]);
        }
    }
    out
}

/// Computes the lambda-returns of a rollout, `[time, row]`, as generalised advantages plus values.
fn lambda_returns(
    steps: &[EpisodeStep],
    best: &[f32],
    (envs, columns): (usize, usize),
    settings: &Pqn,
) -> Vec<f32> {
    let (gamma, lambda) = (settings.gamma as f32, settings.td_lambda as f32);
    let mut returns = vec![0.0; best.len() - envs * columns];
    generalised_advantages(steps, best, (envs, columns), gamma, lambda, &mut returns);
    returns.iter_mut().zip(best).for_each(|(advantage, value)| *advantage += value);
    returns
}

/// Computes the buffers of [`LinearTargets`]: the returns if all values are zero, `[time + 1,
/// env]`, and for each time the returns if the value at this time is one and all rewards are zero,
/// `[env, time + 1, time + 1]`. Entries of the last time are zero.
fn return_numbers(steps: &[EpisodeStep], envs: usize, settings: &Pqn) -> [Vec<f32>; 2] {
    let times = steps.len() / envs + 1;
    let nothing = vec![0.0; times * envs];
    let mut rewarded = lambda_returns(steps, &nothing, (envs, 1), settings);
    rewarded.resize(times * envs, 0.0);
    let one = |at: usize| if at / times == at % times { 1.0 } else { 0.0 };
    let identity: Vec<f32> = (0..times * times).map(one).collect();
    let mut bootstrapped = Vec::with_capacity(envs * times * times);
    for env in 0..envs {
        let own = steps.iter().skip(env).step_by(envs);
        let own: Vec<EpisodeStep> = own
            .map(|&step| EpisodeStep { reward: 0.0, ..step })
            .flat_map(|step| std::iter::repeat_n(step, times))
            .collect();
        bootstrapped.extend(lambda_returns(&own, &identity, (times, 1), settings));
        bootstrapped.resize((env + 1) * times * times, 0.0);
    }
    [rewarded, bootstrapped]
}

#[cfg(test)]
mod tests {
    use phalanx_core::env::StepStatus::{self, Running, Terminated, Truncated};
    use phalanx_core::nn::device;
    use phalanx_core::rng::{Purpose, Rng};

    use super::*;

    fn assert_close(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        for (a, b) in ours.iter().zip(expected) {
            assert!((a - b).abs() < 1e-5, "{ours:?} is not {expected:?}");
        }
    }

    fn step(reward: f32, status: StepStatus) -> EpisodeStep {
        EpisodeStep { reward, status, filled: true }
    }

    fn settings(gamma: f64, td_lambda: f64) -> Pqn {
        Pqn { gamma, td_lambda, ..Pqn::default() }
    }

    fn of<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
        tensor(values.to_vec(), shape, &device("cpu").expect("the CPU is always available"))
    }

    /// Returns a rollout of one agent in two environments, with three actions, some of them
    /// unavailable.
    fn part(steps: &[EpisodeStep], mask_bias: &[f32]) -> Minibatch {
        let time = steps.len() / 2;
        Minibatch {
            envs: 2,
            input: of(&[], [0, 0, 0]),
            hidden: of(&[], [0, 0]),
            keep: of(&[], [0, 0]),
            actions: of::<3>(&[], [0, 0, 0]).int(),
            valid: of(&vec![1.0; 2 * time], [time, 2]),
            mask_bias: of(mask_bias, [mask_bias.len() / 6, 2, 3]),
            steps: steps.to_vec(),
            map: None,
        }
    }

    #[test]
    fn lambda_returns_are_those_of_the_authors_recursion() {
        let steps = [1.0, 0.0, 2.0].map(|reward| step(reward, Running));
        let best = [0.5, 1.5, 0.8, 0.7];
        let ours = lambda_returns(&steps, &best, (1, 1), &settings(0.9, 0.5));
        assert_close(&ours, &[2.369575, 1.5435, 2.63]);
    }

    #[test]
    fn nothing_is_bootstrapped_after_a_termination_and_one_value_after_a_truncation() {
        let steps = [
            step(1.0, Running),
            step(10.0, Terminated),
            step(100.0, Truncated),
            EpisodeStep::PADDING,
        ];
        let best = [1.0, 2.0, 3.0, 4.0, 5.0];
        let ours = lambda_returns(&steps, &best, (1, 1), &settings(0.5, 0.5));
        let first = 1.0 + 0.5 * (0.5 * 2.0 + 0.5 * 10.0);
        assert_close(&ours[..3], &[first, 10.0, 100.0 + 0.5 * 4.0]);
    }

    #[test]
    fn only_available_actions_are_bootstrapped() {
        let mask_bias = [0.0, MASKED_LOGIT, 0.0, MASKED_LOGIT, 0.0, 0.0];
        let part = part(&[], &mask_bias);
        let best = part.best_values(of(&[1.0, 9.0, 2.0, 5.0, -1.0, -2.0], [1, 2, 3]));
        assert_eq!(to_vec(best), [2.0, -1.0]);
    }

    #[test]
    fn the_map_for_devices_gives_the_returns_of_the_recursion() {
        let mut rng = Rng::stream(0, Purpose::Check, 0);
        let settings = settings(0.9, 0.7);
        for (time, columns) in [(1, 1), (4, 3), (17, 1)] {
            let kinds = [Running, Running, Terminated, Truncated];
            let mut steps: Vec<EpisodeStep> =
                (0..2 * time).map(|_| step(0.0, kinds[rng.below(4)])).collect();
            steps.iter_mut().for_each(|step| step.reward = rng.range(-1.0, 1.0));
            let row = 2 * columns;
            let best: Vec<f32> = (0..(time + 1) * row).map(|_| rng.range(-1.0, 1.0)).collect();
            let plain = part(&steps, &[]);
            let [rewarded, bootstrapped] = return_numbers(&steps, 2, &settings);
            let flat = |values: &[f32]| of(values, [values.len()]);
            let (rewarded, bootstrapped) = (flat(&rewarded), flat(&bootstrapped));
            let map = LinearTargets::new(rewarded, bootstrapped, flat(&[]), (time + 1, 2));
            let mapped = Minibatch { map: Some(map), ..part(&steps, &[]) };
            let returns = |part: &Minibatch| {
                to_vec(part.returns(of(&best, [time + 1, row]), columns, &settings))
            };
            assert_close(&returns(&mapped), &returns(&plain));
        }
    }
}
