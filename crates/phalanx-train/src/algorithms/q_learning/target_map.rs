//! Targets as a linear map of what is bootstrapped, for devices from which nothing is to be read.

use burn::tensor::Tensor;
use phalanx_core::rl::{EpisodeStep, n_step_targets, td_lambda_targets};

use super::settings::QLearning;

/// Targets from values that stay on a device:
///
/// ```text
/// G = b + M Q + N (Q - Q_taken)
/// ```
///
/// for each episode, where `b` are the targets of values that are all zero, column `s` of `M` those of a value
/// one at time `s` without any reward, and column `s` of `N`, which only Q(lambda) has, those of a reward one at
/// time `s` without any value.
#[derive(Clone, Debug)]
pub(super) struct TargetMap {
    /// `b`, `[times * episode, column]`.
    rewarded: Tensor<2>,
    /// `M`, `[episode, times, times]`; its last row is zero.
    bootstrapped: Tensor<3>,
    /// `N`, likewise.
    raised: Option<Tensor<3>>,
}

/// The numbers of a [`TargetMap`] on their way to a device.
pub(super) struct TargetNumbers {
    pub(super) rewarded: Vec<f32>,
    pub(super) bootstrapped: Vec<f32>,
    /// Empty where there are none.
    pub(super) raised: Vec<f32>,
}

/// The targets that `learning` asks for, `[time, row]`, of `steps` and `values`, `[time + 1, row]`.
pub(super) fn targets(
    learning: &QLearning,
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

impl TargetNumbers {
    /// Those of a batch with `steps`, `[time, episode]`, and the rewards in `paid`, `[time, episode * column]`.
    pub(super) fn new(
        learning: &QLearning,
        steps: &[EpisodeStep],
        episodes: usize,
        paid: &[EpisodeStep],
    ) -> Self {
        let times = steps.len() / episodes + 1;
        let columns = paid.len().checked_div(steps.len()).unwrap_or(1);
        let row = episodes * columns;
        let mut rewarded = targets(learning, paid, &vec![0.0; times * row], row);
        rewarded.resize(times * row, 0.0);
        let one = |at: usize| if at / times == at % times { 1.0 } else { 0.0 };
        let identity: Vec<f32> = (0..times * times).map(one).collect();
        let nothing = vec![0.0; times * times];
        let (mut bootstrapped, mut raised) = (Vec::new(), Vec::new());
        for episode in 0..episodes {
            // Row `s` of this little batch is the episode with a one at time `s`.
            let of = |reward: &dyn Fn(usize) -> f32| -> Vec<EpisodeStep> {
                let own = steps.iter().skip(episode).step_by(episodes).enumerate();
                let times =
                    own.flat_map(|(t, step)| (0..times).map(move |s| (t * times + s, step)));
                times.map(|(at, step)| EpisodeStep { reward: reward(at), ..*step }).collect()
            };
            bootstrapped.extend(targets(learning, &of(&|_| 0.0), &identity, times));
            bootstrapped.resize((episode + 1) * times * times, 0.0);
            if learning.q_lambda {
                raised.extend(targets(learning, &of(&|at| identity[at]), &nothing, times));
                raised.resize((episode + 1) * times * times, 0.0);
            }
        }
        Self { rewarded, bootstrapped, raised }
    }
}

impl TargetMap {
    /// The map on the device of its numbers, which are those of [`TargetNumbers`].
    pub(super) fn new(
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

    /// The targets, `[times * episode, column]`, of what is bootstrapped, and of the values of the actions
    /// taken where Q(lambda) asks for them.
    pub(super) fn targets(&self, greedy: Tensor<2>, taken: Option<Tensor<2>>) -> Tensor<2> {
        let mut targets = self.rewarded.clone() + apply(self.bootstrapped.clone(), greedy.clone());
        if let (Some(raised), Some(taken)) = (&self.raised, taken) {
            targets = targets + apply(raised.clone(), greedy - taken);
        }
        targets
    }
}

/// `[episode, times, times]` times `[times * episode, column]`.
fn apply(map: Tensor<3>, values: Tensor<2>) -> Tensor<2> {
    let ([episodes, times, _], [rows, columns]) = (map.dims(), values.dims());
    let values = values.reshape([times, episodes, columns]).swap_dims(0, 1);
    map.matmul(values).swap_dims(0, 1).reshape([rows, columns])
}
