//! The loss between learned values and their targets.

use burn::tensor::Tensor;

use super::batch::EpisodeTensors;
use super::settings::QLearningSettings;

/// A TD loss and its metrics.
pub struct TdLoss {
    /// `td_loss_scale * sum(weight * filled * error^2) / sum(filled)`, `[1]`.
    pub loss: Tensor<1>,
    /// The mean of the learned values, `[1]`, still on the device.
    pub q_taken_mean: Tensor<1>,
    /// The mean absolute TD error of every episode, `[episode]`, if replay is prioritised.
    pub td_errors: Option<Tensor<1>>,
}

impl TdLoss {
    /// Computes the loss of `values` against `targets`, `[times * episode, column]`.
    pub(super) fn new(
        learning: &QLearningSettings,
        batch: &EpisodeTensors,
        values: Tensor<2>,
        targets: &Tensor<2>,
        weight: Option<Tensor<2>>,
    ) -> Self {
        let q_taken_mean = filled_mean(values.clone().inner(), batch);
        let error = values - Tensor::from_inner(targets.clone());
        let td_errors =
            learning.prioritised_replay.then(|| per_episode(error.clone().inner(), batch));
        Self { loss: weighted_mse(learning, batch, error, weight), q_taken_mean, td_errors }
    }
}

/// Computes `td_loss_scale * sum(weight * filled * error^2) / sum(filled)` of an `error`, `[times *
/// episode, column]`. Every step has the importance-sampling weight of its episode, times `weight`
/// if there is one.
pub fn weighted_mse(
    learning: &QLearningSettings,
    batch: &EpisodeTensors,
    error: Tensor<2>,
    weight: Option<Tensor<2>>,
) -> Tensor<1> {
    let [_, columns] = error.dims();
    let weight = match weight {
        Some(weight) => weight * batch.importance.clone(),
        None => batch.importance.clone().expand(error.dims()),
    };
    let scale = learning.td_loss_scale as f32 / (batch.n_filled * columns).max(1) as f32;
    (error.square() * Tensor::from_inner(weight)).sum() * scale
}

/// Computes the mean over all real steps, `[1]`.
pub(super) fn filled_mean(values: Tensor<2>, batch: &EpisodeTensors) -> Tensor<1> {
    let [_, columns] = values.dims();
    (values * batch.filled.clone()).sum() / (batch.n_filled * columns).max(1) as f32
}

/// Computes the mean absolute error of every episode, `[episode]`.
fn per_episode(error: Tensor<2>, batch: &EpisodeTensors) -> Tensor<1> {
    let [_, columns] = error.dims();
    let (times, episodes) = (batch.times, batch.episodes);
    let sums = |x: Tensor<2>, columns: usize| {
        let over_time = x.reshape([times, episodes * columns]).sum_dim(0);
        over_time.reshape([episodes, columns]).sum_dim(1).reshape([episodes])
    };
    let n_filled = sums(batch.filled.clone(), 1).mul_scalar(columns as f32).clamp_min(1.0);
    sums(error.abs() * batch.filled.clone(), columns) / n_filled
}
