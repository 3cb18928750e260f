//! Targets, masks and the squared error all value learners minimise.

use burn::tensor::Tensor;
use phalanx_core::rl::{EpisodeStep, n_step_targets, td_lambda_targets};

use super::super::host::{tensor, to_vec};
use super::experience::Experience;
use super::settings::QLearning;

/// The targets of a batch, `[times * episode, column]`; a column is the team, or an agent where
/// nothing is mixed. The last time has mask zero.
pub struct Targets {
    /// What the learned values are to become.
    pub values: Vec<f32>,
    /// One where there is something to learn, zero elsewhere.
    pub mask: Vec<f32>,
    columns: usize,
}

/// A squared error and what is worth knowing about it.
pub struct TdError {
    /// `td_loss_scale * sum(weight * mask * error^2) / sum(mask)`, `[1]`.
    pub loss: Tensor<1>,
    /// The mean of the learned values.
    pub mean: f64,
    /// The mean absolute error of every episode.
    pub errors: Vec<f32>,
}

impl Targets {
    /// The targets that `learning` asks for.
    ///
    /// `greedy` holds what is bootstrapped, `[times * episode, column]`: the target networks'
    /// values of the greedy actions. `taken` holds their values of the actions taken, which
    /// Q(lambda) alone reads: each reward is then raised by `greedy - taken`, as in PyMARL2, so that
    /// the return no longer pays for exploration.
    pub fn new(
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
    pub fn mean(&self) -> f64 {
        masked_mean(&self.values, &self.mask)
    }

    /// The squared error of `values`, `[times * episode, column]`.
    pub fn error(&self, learning: &QLearning, batch: &Experience, values: Tensor<2>) -> TdError {
        self.weighted_error(learning, batch, values, |_, _| 1.0)
    }

    /// As [`Targets::error`], where the value in place `at` counts `weight(at, value)` times.
    pub fn weighted_error(
        &self,
        learning: &QLearning,
        batch: &Experience,
        values: Tensor<2>,
        weight: impl Fn(usize, f32) -> f32,
    ) -> TdError {
        let shape = values.dims();
        let device = values.device().inner();
        let host = to_vec(values.clone().inner());
        let error = values - Tensor::from_inner(tensor(self.values.clone(), shape, &device));
        TdError {
            loss: self.weighted_squares(learning, batch, error, |at| weight(at, host[at])),
            mean: masked_mean(&host, &self.mask),
            errors: self.errors(batch, &host),
        }
    }

    /// `td_loss_scale * sum(weight * mask * error^2) / sum(mask)` of any `error`,
    /// `[times * episode, column]`, where the weight is that of the episode.
    pub fn squares(&self, learning: &QLearning, batch: &Experience, error: Tensor<2>) -> Tensor<1> {
        self.weighted_squares(learning, batch, error, |_| 1.0)
    }

    fn weighted_squares(
        &self,
        learning: &QLearning,
        batch: &Experience,
        error: Tensor<2>,
        weight: impl Fn(usize) -> f32,
    ) -> Tensor<1> {
        let used = self.mask.iter().sum::<f32>().max(1.0);
        let per_episode = batch.episodes * self.columns;
        let importance = |at: usize| batch.importance[at % per_episode / self.columns];
        let weight: Vec<f32> = (self.mask.iter().enumerate())
            .map(|(at, mask)| mask * importance(at) * weight(at))
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
fn masked_mean(values: &[f32], mask: &[f32]) -> f64 {
    let sum: f64 = values.iter().zip(mask).map(|(v, m)| f64::from(v * m)).sum();
    sum / mask.iter().map(|&m| f64::from(m)).sum::<f64>().max(1.0)
}

#[cfg(test)]
mod tests {
    use phalanx_core::nn::device;
    use phalanx_core::rng::{Purpose, Rng};

    use super::*;
    use crate::collect::InputLayout;
    use crate::store::EpisodeBatch;

    /// Two steps of two episodes of two agents; the second episode has one step.
    fn batch() -> Experience {
        let step = |reward, terminated, valid| EpisodeStep { reward, terminated, valid };
        let inputs = InputLayout {
            obs_dim: 1,
            n_actions: 2,
            n_agents: 2,
            last_action: false,
            agent_id: false,
            frames: 1,
        };
        let batch = EpisodeBatch {
            time: 2,
            episodes: 2,
            input: vec![0.0; 3 * 2 * 2],
            state: vec![0.0; 3 * 2],
            avail: vec![true; 3 * 2 * 2 * 2],
            actions: vec![0; 3 * 2 * 2],
            steps: vec![
                step(1.0, false, true),
                step(2.0, false, true),
                step(4.0, true, true),
                step(0.0, false, false),
            ],
            agent_reward: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
            indices: vec![0, 1],
            weights: vec![1.0, 0.5],
        };
        Experience::new(
            batch,
            inputs,
            1,
            Rng::stream(0, Purpose::Check, 0),
            &device("cpu").expect("the CPU is always there"),
        )
    }

    fn learning() -> QLearning {
        QLearning { gamma: 0.5, td_lambda: 0.0, ..QLearning::default() }
    }

    fn error(targets: &Targets, learning: &QLearning, values: &[f32], columns: usize) -> TdError {
        let cpu = device("cpu").expect("the CPU is always there");
        let values = tensor(values.to_vec(), [6, columns], &cpu.autodiff());
        targets.error(learning, &batch(), values)
    }

    #[test]
    fn a_team_has_one_target_per_step_and_padding_has_none() {
        let targets = Targets::new(&learning(), &batch(), &[0.0, 0.0, 8.0, 6.0, 9.0, 9.0], None);
        assert_eq!(targets.values, [1.0 + 0.5 * 8.0, 2.0 + 0.5 * 6.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!(targets.mask, [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_error_is_weighted_by_episode_and_divided_by_the_steps_there_are() {
        let targets = Targets::new(&learning(), &batch(), &[0.0; 6], None);
        let error = error(&targets, &learning(), &[2.0, 4.0, 1.0, 7.0, 7.0, 7.0], 1);
        let loss: f32 = error.loss.into_scalar();
        // 0.5 * (1 + 0.5 * 4 + 9) / 3; the mean errors are (1 + 3) / 2 and 2.
        assert!((loss - 2.0).abs() < 1e-6, "{loss}");
        assert_eq!(error.errors, [2.0, 2.0]);
        assert!((error.mean - 7.0 / 3.0).abs() < 1e-6);
    }

    #[test]
    fn agents_learn_from_the_reward_of_the_team_or_from_their_own() {
        let greedy = [0.0; 12];
        let team = Targets::new(&learning(), &batch(), &greedy, None);
        assert_eq!(team.values[..6], [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]);
        let own = QLearning { common_reward: false, ..learning() };
        let own = Targets::new(&own, &batch(), &greedy, None);
        assert_eq!(own.values[..6], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    }

    #[test]
    fn q_lambda_raises_rewards_by_what_exploration_cost() {
        let learning = QLearning { q_lambda: true, td_lambda: 1.0, ..learning() };
        let (greedy, taken) = ([3.0, 3.0, 5.0, 5.0, 0.0, 0.0], [2.0, 3.0, 1.0, 1.0, 0.0, 0.0]);
        let targets = Targets::new(&learning, &batch(), &greedy, Some(&taken));
        // The second step of the first episode: 4 + (5 - 1); the first: 1 + (3 - 2) + 0.5 * 8.
        assert_eq!(targets.values[..3], [6.0, 2.0 + 0.5 * 5.0, 8.0]);
    }

    #[test]
    fn n_rewards_make_a_target_where_they_are_asked_for() {
        let learning = QLearning { n_step: 2, ..learning() };
        let targets = Targets::new(&learning, &batch(), &[0.0, 0.0, 8.0, 6.0, 9.0, 9.0], None);
        assert_eq!(targets.values[..3], [1.0 + 0.5 * 4.0, 2.0 + 0.5 * 6.0, 4.0]);
    }
}
