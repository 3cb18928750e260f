//! Targets, masks and the squared error all value learners minimise.

use burn::tensor::Tensor;
use phalanx_core::rl::{EpisodeStep, n_step_targets, td_lambda_targets};

use super::super::host::{tensor, to_vec};
use super::experience::Experience;
use super::settings::QLearning;

/// The targets of a batch, `[times * episode, column]`; a column is the team, or an agent where
/// nothing is mixed. The last time has mask zero.
pub(super) struct Targets {
    pub(super) values: Vec<f32>,
    /// One where there is something to learn, zero elsewhere.
    pub(super) mask: Vec<f32>,
    columns: usize,
}

/// A squared error and what is worth knowing about it.
pub(super) struct TdError {
    /// `td_loss_scale * sum(weight * mask * error^2) / sum(mask)`, `[1]`.
    pub(super) loss: Tensor<1>,
    /// The mean of the learned values.
    pub(super) mean: f64,
    /// The mean absolute error of every episode.
    pub(super) errors: Vec<f32>,
}

impl Targets {
    /// The targets that `learning` asks for.
    ///
    /// `greedy` holds what is bootstrapped, `[times * episode, column]`: the target networks'
    /// values of the greedy actions. `taken` holds their values of the actions taken, which
    /// Q(lambda) alone reads: each reward is then raised by `greedy - taken`, as in PyMARL2, so that
    /// the return no longer pays for exploration.
    pub(super) fn new(
        learning: &QLearning,
        batch: &Experience,
        greedy: &[f32],
        taken: Option<&[f32]>,
    ) -> Self {
        let columns = greedy.len() / batch.rows();
        let mut steps: Vec<EpisodeStep> =
            batch.steps.iter().flat_map(|&step| std::iter::repeat_n(step, columns)).collect();
        if !learning.common_reward {
            for (step, &reward) in steps.iter_mut().zip(&batch.agent_reward) {
                step.reward = reward;
            }
        }
        if let Some(taken) = taken {
            for (step, (greedy, taken)) in steps.iter_mut().zip(greedy.iter().zip(taken)) {
                step.reward += greedy - taken;
            }
        }
        let rows = batch.episodes * columns;
        let gamma = learning.gamma as f32;
        let mut values = vec![0.0; greedy.len()];
        let learned = &mut values[..steps.len()];
        if learning.n_step > 1 {
            n_step_targets(&steps, greedy, rows, gamma, learning.n_step, learned);
        } else {
            td_lambda_targets(&steps, greedy, rows, gamma, learning.td_lambda as f32, learned);
        }
        let mut mask = vec![0.0; greedy.len()];
        for (mask, step) in mask.iter_mut().zip(&steps) {
            *mask = f32::from(u8::from(step.valid));
        }
        Self { values, mask, columns }
    }

    /// The mean target.
    pub(super) fn mean(&self) -> f64 {
        masked_mean(&self.values, &self.mask)
    }

    /// The squared error of `values`, `[times * episode, column]`, weighted element by element
    /// where there are weights.
    pub(super) fn error(
        &self,
        learning: &QLearning,
        batch: &Experience,
        values: Tensor<2>,
        weights: Option<&[f32]>,
    ) -> TdError {
        let shape = values.dims();
        let device = values.device().inner();
        let host = to_vec(values.clone().inner());
        let error = values - Tensor::from_inner(tensor(self.values.clone(), shape, &device));
        TdError {
            loss: self.squares(learning, batch, error, weights),
            mean: masked_mean(&host, &self.mask),
            errors: self.errors(batch, &host),
        }
    }

    /// `td_loss_scale * sum(weight * mask * error^2) / sum(mask)` of any `error`,
    /// `[times * episode, column]`, where the weight is that of the episode, times those handed in.
    pub(super) fn squares(
        &self,
        learning: &QLearning,
        batch: &Experience,
        error: Tensor<2>,
        weights: Option<&[f32]>,
    ) -> Tensor<1> {
        let used = self.mask.iter().sum::<f32>().max(1.0);
        let per_episode = batch.episodes * self.columns;
        let importance = |at: usize| batch.importance[at % per_episode / self.columns];
        let weight: Vec<f32> = (self.mask.iter().enumerate())
            .map(|(at, mask)| mask * importance(at) * weights.map_or(1.0, |weights| weights[at]))
            .collect();
        let weight = tensor(weight, error.dims(), &error.device().inner());
        let scale = learning.td_loss_scale as f32 / used;
        (error.square() * Tensor::from_inner(weight)).sum() * scale
    }

    /// The mean absolute error of every episode.
    fn errors(&self, batch: &Experience, values: &[f32]) -> Vec<f32> {
        let per_episode = batch.episodes * self.columns;
        let mut sums = vec![(0.0_f32, 0.0_f32); batch.episodes];
        for (at, (value, target)) in values.iter().zip(&self.values).enumerate() {
            let (sum, n) = &mut sums[at % per_episode / self.columns];
            *sum += (value - target).abs() * self.mask[at];
            *n += self.mask[at];
        }
        sums.into_iter().map(|(sum, n)| sum / n.max(1.0)).collect()
    }
}

/// The mean of the entries with mask one.
pub(super) fn masked_mean(values: &[f32], mask: &[f32]) -> f64 {
    let sum: f64 = values.iter().zip(mask).map(|(v, m)| f64::from(v * m)).sum();
    sum / mask.iter().map(|&m| f64::from(m)).sum::<f64>().max(1.0)
}
