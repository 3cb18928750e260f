//! QPLEX (Wang et al., 2021, arXiv 2008.01062): a duplex duelling mixer.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use phalanx_kernels::Activation;

use super::{MixerInput, MixerSizes, one_hot};
use crate::nn::layers::Mlp;
use crate::rng::Rng;

/// Keeps weights that are meant to be positive away from zero, as in wjh720/QPLEX.
const SMALLEST: f32 = 1e-10;

/// The sizes of a [`Qplex`] mixer. The default is that of `qplex.yaml` of wjh720/QPLEX; PyMARL2 has
/// 4 kernels and 2 layers, QPLEX's own settings for SMAC 4 kernels and 1 layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QplexConfig {
    /// The width of the hidden layer of the networks that transform the utilities: 64.
    pub hypernet_embed: usize,
    /// The number of kernels that are summed into the importance of an advantage: 10
    /// (`num_kernel`).
    pub n_kernels: usize,
    /// The number of layers of the kernels' networks: 3 (`adv_hypernet_layers`); from 1 to 3 in
    /// the reference.
    pub adv_hypernet_layers: usize,
    /// The width of their hidden layers: 64.
    pub adv_hypernet_embed: usize,
    /// Whether the advantages count by `lambda_i - 1` rather than by `lambda_i`: true.
    pub is_minus_one: bool,
    /// Whether the state scales and shifts the utilities: true.
    pub weighted_head: bool,
}

impl Default for QplexConfig {
    fn default() -> Self {
        Self {
            hypernet_embed: 64,
            n_kernels: 10,
            adv_hypernet_layers: 3,
            adv_hypernet_embed: 64,
            is_minus_one: true,
            weighted_head: true,
        }
    }
}

impl QplexConfig {
    pub(super) fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> Qplex {
        assert!(self.adv_hypernet_layers > 0, "a network has at least one layer");
        let MixerSizes { n_agents, n_actions, state_dim, .. } = sizes;
        let transform =
            |rng: &mut Rng| Mlp::new(state_dim, &[self.hypernet_embed], n_agents, rng, device);
        let hidden = vec![self.adv_hypernet_embed; self.adv_hypernet_layers - 1];
        let joint_dim = state_dim + n_agents * n_actions;
        Qplex {
            scale: self.weighted_head.then(|| transform(rng)),
            shift: self.weighted_head.then(|| transform(rng)),
            kernels: (0..self.n_kernels)
                .map(|_| Kernel {
                    key: Mlp::new(state_dim, &hidden, 1, rng, device),
                    agents: Mlp::new(state_dim, &hidden, n_agents, rng, device),
                    actions: Mlp::new(joint_dim, &hidden, n_agents, rng, device),
                })
                .collect(),
            is_minus_one: self.is_minus_one,
        }
    }
}

/// The utilities, and their advantages weighted by their importance in the joint action:
///
/// ```text
/// Q~_i  = w_i(s) Q_i(u_i) + b_i(s)          w_i(s) = |.| + 1e-10
/// A_i   = stopgrad(Q~_i - max_a (w_i(s) Q_i(a) + b_i(s)))  <= 0
/// l_i   = sum_k (|key_k(s)| + 1e-10) sigmoid(agents_k(s))_i sigmoid(actions_k([s, onehot(u)]))_i
/// Q_tot = sum_i Q~_i + sum_i (l_i - 1) A_i
/// ```
///
/// With `is_minus_one`, `Q_tot` has the value of `sum_i max_a Q~_i + sum_i l_i A_i`: as `l_i > 0`,
/// the largest joint action value is where every advantage is zero, so the agents' greedy actions
/// are the greedy joint action, and yet every table with that property can be represented. Without
/// it the advantages count by `l_i` on top of what is in `Q~_i`, whose weight is then `1 + l_i`.
/// Without `weighted_head`, `Q~_i = Q_i`.
///
/// The gradient reaches the utilities through `Q~_i` alone, with the slope `w_i(s)`; through the
/// advantages it reaches only the importances.
#[derive(Module, Debug)]
pub struct Qplex {
    scale: Option<Mlp>,
    shift: Option<Mlp>,
    kernels: Vec<Kernel>,
    #[module(skip)]
    is_minus_one: bool,
}

/// One of the summands of an importance.
#[derive(Module, Debug)]
struct Kernel {
    key: Mlp,
    agents: Mlp,
    actions: Mlp,
}

impl Qplex {
    /// Reads the chosen utilities, the largest of all utilities, the actions and the state, and
    /// returns `[row, 1]`.
    pub fn forward(&self, input: MixerInput) -> Tensor<2> {
        let MixerInput { chosen, utilities, actions, state, .. } = input;
        let [row, agent, n_actions] = utilities.dims();
        // The shift cancels in the advantage, whose gradient is stopped.
        let advantage = (chosen.clone() - utilities.max_dim(2).reshape([row, agent])).detach();
        let (transformed, advantage) = match (&self.scale, &self.shift) {
            (Some(scale), Some(shift)) => {
                let scale = scale.forward(state.clone(), Activation::Absolute) + SMALLEST;
                let shift = shift.forward(state.clone(), Activation::Identity);
                (chosen * scale.clone() + shift, advantage * scale.detach())
            }
            _ => (chosen, advantage),
        };
        let actions = one_hot(actions, n_actions).reshape([row, agent * n_actions]);
        let importance = self.importance(state, actions);
        let importance = if self.is_minus_one { importance - 1.0 } else { importance };
        (transformed + importance * advantage).sum_dim(1)
    }

    /// `l`: `[row, state_dim]` and `[row, agent * n_actions]` to `[row, agent]`.
    fn importance(&self, state: Tensor<2>, actions: Tensor<2>) -> Tensor<2> {
        let joint = Tensor::cat(vec![state.clone(), actions], 1);
        let summands = self.kernels.iter().map(|kernel| {
            let key = kernel.key.forward(state.clone(), Activation::Absolute) + SMALLEST;
            let agents = kernel.agents.forward(state.clone(), Activation::Sigmoid);
            key * agents * kernel.actions.forward(joint.clone(), Activation::Sigmoid)
        });
        summands.reduce(|sum, summand| sum + summand).expect("there is at least one kernel")
    }
}
