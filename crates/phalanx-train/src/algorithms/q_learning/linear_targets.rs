//! Targets as a linear map of bootstrap values, so that the host does not wait for the device.

use burn::tensor::Tensor;
use phalanx_core::rl::{EpisodeStep, n_step_targets, td_lambda_targets};

use super::settings::QLearningSettings;

/// Targets as a linear map of bootstrap values `Q`, which stay on the device. For each episode,
///
/// ```text
/// G = b + M Q + N (Q - Q_taken)
/// ```
///
/// where `b` are the targets if all values are zero, column `s` of `M` the targets if the value at
/// time `s` is one and all rewards are zero, and column `s` of `N`, which only Q(lambda) has, the
/// targets if the reward at time `s` is one and all values are zero.
#[derive(Clone, Debug)]
pub(in crate::algorithms) struct LinearTargets {
    /// `b`, `[times * episode, column]`.
    rewarded: Tensor<2>,
    /// `M`, `[episode, times, times]`; its last row is zero.
    bootstrapped: Tensor<3>,
    /// `N`, in the same shape.
    raised: Option<Tensor<3>>,
}

/// Host buffers of [`LinearTargets`] before the upload.
pub(super) struct LinearTargetBuffers {
    pub(super) rewarded: Vec<f32>,
    pub(super) bootstrapped: Vec<f32>,
    /// Empty without Q(lambda).
    pub(super) raised: Vec<f32>,
}

/// Computes the targets, `[time, row]`, of `steps` and bootstrap `values`, `[time + 1, row]`.
pub(super) fn targets(
    learning: &QLearningSettings,
    steps: &[EpisodeStep],
    values: &[f32],
    rows: usize,
) -> Vec<f32> {
    let mut targets = vec![0.0; steps.len()];
    let gamma = learning.gamma as f32;
    if learning.n_step > 1 {
        n_step_targets(steps, values, rows, gamma, learning.n_step, &mut targets);
    } else {
        let lambda = learning.td_lambda as f32;
        td_lambda_targets(steps, values, rows, gamma, lambda, &mut targets);
    }
    targets
}

impl LinearTargetBuffers {
    /// Computes the buffers for a batch with `steps`, `[time, episode]`, whose columns of targets
    /// have the steps `column_steps`, `[time, episode * column]`.
    pub(super) fn new(
        learning: &QLearningSettings,
        steps: &[EpisodeStep],
        episodes: usize,
        column_steps: &[EpisodeStep],
    ) -> Self {
        let times = steps.len() / episodes + 1;
        let columns = column_steps.len().checked_div(steps.len()).unwrap_or(1);
        let row = episodes * columns;
        let mut rewarded = targets(learning, column_steps, &vec![0.0; times * row], row);
        rewarded.resize(times * row, 0.0);
        let one = |at: usize| if at / times == at % times { 1.0 } else { 0.0 };
        let identity: Vec<f32> = (0..times * times).map(one).collect();
        let nothing = vec![0.0; times * times];
        let (mut bootstrapped, mut raised) = (Vec::new(), Vec::new());
        for episode in 0..episodes {
            // In row `s` of this small batch, the reward or value at time `s` is one.
            let with_reward = |reward: &dyn Fn(usize) -> f32| -> Vec<EpisodeStep> {
                let own = steps.iter().skip(episode).step_by(episodes).enumerate();
                let times =
                    own.flat_map(|(t, step)| (0..times).map(move |s| (t * times + s, step)));
                times.map(|(at, step)| EpisodeStep { reward: reward(at), ..*step }).collect()
            };
            bootstrapped.extend(targets(learning, &with_reward(&|_| 0.0), &identity, times));
            bootstrapped.resize((episode + 1) * times * times, 0.0);
            if learning.q_lambda {
                raised.extend(targets(learning, &with_reward(&|at| identity[at]), &nothing, times));
                raised.resize((episode + 1) * times * times, 0.0);
            }
        }
        Self { rewarded, bootstrapped, raised }
    }
}

impl LinearTargets {
    /// Creates the map from uploaded buffers; `raised` is empty without Q(lambda).
    pub(in crate::algorithms) fn new(
        rewarded: Tensor<1>,
        bootstrapped: Tensor<1>,
        raised: Tensor<1>,
        (times, episodes): (usize, usize),
    ) -> Self {
        let columns = rewarded.dims()[0] / (times * episodes);
        let square = [episodes, times, times];
        Self {
            rewarded: rewarded.reshape([times * episodes, columns]),
            bootstrapped: bootstrapped.reshape(square),
            raised: (raised.dims()[0] > 0).then(|| raised.reshape(square)),
        }
    }

    /// Computes the targets, `[times * episode, column]`, from the bootstrap values and, for
    /// Q(lambda), the values of the actions taken.
    pub(in crate::algorithms) fn targets(
        &self,
        bootstrap: Tensor<2>,
        q_taken: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let mut targets =
            self.rewarded.clone() + apply(self.bootstrapped.clone(), bootstrap.clone());
        if let (Some(raised), Some(q_taken)) = (&self.raised, q_taken) {
            targets = targets + apply(raised.clone(), bootstrap - q_taken);
        }
        targets
    }
}

/// Multiplies `[episode, times, times]` by `[times * episode, column]`.
fn apply(map: Tensor<3>, values: Tensor<2>) -> Tensor<2> {
    let ([episodes, times, _], [rows, columns]) = (map.dims(), values.dims());
    let values = values.reshape([times, episodes, columns]).swap_dims(0, 1);
    map.matmul(values).swap_dims(0, 1).reshape([rows, columns])
}
