//! Targets as a linear map of bootstrap values, so that the host need not wait for a device.

use burn::tensor::Tensor;
use phalanx_core::rl::{EpisodeStep, n_step_targets, td_lambda_targets};

use super::settings::QLearningSettings;

/// Targets of bootstrap values `Q` that stay on a device:
///
/// ```text
/// G = b + M Q + N (Q - Q_taken)
/// ```
///
/// for each episode, where `b` are the targets of values that are all zero, column `s` of `M` those of a value
/// one at time `s` without any reward, and column `s` of `N`, which only Q(lambda) has, those of a reward one at
/// time `s` without any value.
#[derive(Clone, Debug)]
pub(in crate::algorithms) struct LinearTargets {
    /// `b`, `[times * episode, column]`.
    rewarded: Tensor<2>,
    /// `M`, `[episode, times, times]`; its last row is zero.
    bootstrapped: Tensor<3>,
    /// `N`, in the same shape.
    raised: Option<Tensor<3>>,
}

/// The numbers of [`LinearTargets`] before they are uploaded.
pub(super) struct LinearTargetBuffers {
    pub(super) rewarded: Vec<f32>,
    pub(super) bootstrapped: Vec<f32>,
    /// Empty without Q(lambda).
    pub(super) raised: Vec<f32>,
}

/// Computes the targets of `steps` and bootstrap `values`, `[time + 1, row]`: `[time, row]`.
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
    /// Computes the numbers of a batch with `steps`, `[time, episode]`, whose columns have the rewards of
    /// `columns`, `[time, episode * column]`.
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
            // Row `s` of this small batch is the episode with a one at time `s`.
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
    /// Makes the map of uploaded numbers; `raised` is empty where there is none.
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

    /// Computes the targets, `[times * episode, column]`, from the bootstrap values and, for Q(lambda), the
    /// values of the actions taken.
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

/// Multiplies `[episode, times, times]` with `[times * episode, column]`.
fn apply(map: Tensor<3>, values: Tensor<2>) -> Tensor<2> {
    let ([episodes, times, _], [rows, columns]) = (map.dims(), values.dims());
    let values = values.reshape([times, episodes, columns]).swap_dims(0, 1);
    map.matmul(values).swap_dims(0, 1).reshape([rows, columns])
}
