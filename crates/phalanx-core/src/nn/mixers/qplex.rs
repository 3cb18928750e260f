//! QPLEX (Wang et al., 2021, arXiv 2008.01062): a duplex dueling mixer.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{Mixer, MixerInput, MixerSizes, one_hot, zero_sizes};
use crate::nn::layers::Mlp;
use crate::rng::Rng;
use crate::settings::{InvalidSetting, fields};
use phalanx_kernels::Activation;

/// Keeps weights that must be positive away from zero, as in wjh720/QPLEX.
const SMALLEST: f32 = 1e-10;

/// QPLEX's mixer: transformed utilities, plus their advantages weighted by their importance in the
/// joint action:
///
/// ```text
/// Q~_i  = w_i(s) Q_i(u_i) + b_i(s)          w_i(s) = |.| + 1e-10
/// A_i   = stopgrad(Q~_i - max_a (w_i(s) Q_i(a) + b_i(s)))  <= 0
/// l_i   = sum_k (|key_k(s)| + 1e-10) sigmoid(agents_k(s))_i sigmoid(actions_k([s, onehot(u)]))_i
/// Q_tot = sum_i Q~_i + sum_i (l_i - 1) A_i
/// ```
///
/// With `is_minus_one`, the value of `Q_tot` is `sum_i max_a Q~_i + sum_i l_i A_i`. As `l_i > 0`,
/// it is largest where all advantages are zero: the agents' greedy actions are the greedy joint
/// action, and every table with this property can be represented. Without it, the advantages are
/// added with weight `l_i` to those already in `Q~_i`, so that their weight is `1 + l_i`. Without
/// `weighted_head`, `Q~_i = Q_i`.
///
/// Gradients reach the utilities through `Q~_i` alone, with slope `w_i(s)`; through the advantages
/// they reach only the importances.
///
/// Names are those of `qplex.yaml` in wjh720/QPLEX, defaults those of PyMARL2. The authors' file
/// has 10 kernels and 3 layers; their settings for SMAC have 4 kernels and 1 layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QplexMixer {
    /// The width of the hidden layer of the networks that transform the utilities.
    pub hypernet_embed: usize,
    /// The number of kernels that are summed into the importance of an advantage.
    pub num_kernel: usize,
    /// The number of layers of the kernels' networks; the reference code has 1 to 3.
    pub adv_hypernet_layers: usize,
    /// The width of their hidden layers.
    pub adv_hypernet_embed: usize,
    /// Whether advantages are weighted by `l_i - 1` instead of `l_i`.
    pub is_minus_one: bool,
    /// Whether the state scales and shifts the utilities.
    pub weighted_head: bool,
}

impl Default for QplexMixer {
    fn default() -> Self {
        Self {
            hypernet_embed: 64,
            num_kernel: 4,
            adv_hypernet_layers: 2,
            adv_hypernet_embed: 64,
            is_minus_one: true,
            weighted_head: true,
        }
    }
}

/// The network of [`QplexMixer`].
#[derive(Module, Debug)]
pub struct QplexNetwork {
    scale: Option<Mlp>,
    shift: Option<Mlp>,
    kernels: Vec<Kernel>,
}

/// One summand of an importance.
#[derive(Module, Debug)]
struct Kernel {
    key: Mlp,
    agents: Mlp,
    actions: Mlp,
}

impl QplexNetwork {
    /// Computes the importances `l`, `[row, agent]`, from the states, `[row, state_dim]`, and the
    /// actions, `[row, agent * n_actions]`.
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

impl Mixer for QplexMixer {
    const ID: &str = "qplex";
    const SUMMARY: &str = "QPLEX: duplex dueling mixer (complete IGM class)";
    type Network = QplexNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        zero_sizes(fields!(self:
            hypernet_embed, num_kernel, adv_hypernet_layers, adv_hypernet_embed
        ))
    }

    fn init(&self, sizes: MixerSizes, rng: &mut Rng, device: &Device) -> QplexNetwork {
        assert!(self.adv_hypernet_layers > 0, "adv_hypernet_layers must be at least 1");
        let MixerSizes { n_agents, n_actions, state_dim, .. } = sizes;
        let transform =
            |rng: &mut Rng| Mlp::new(state_dim, &[self.hypernet_embed], n_agents, rng, device);
        let hidden = vec![self.adv_hypernet_embed; self.adv_hypernet_layers - 1];
        let joint_dim = state_dim + n_agents * n_actions;
        QplexNetwork {
            scale: self.weighted_head.then(|| transform(rng)),
            shift: self.weighted_head.then(|| transform(rng)),
            kernels: (0..self.num_kernel)
                .map(|_| Kernel {
                    key: Mlp::new(state_dim, &hidden, 1, rng, device),
                    agents: Mlp::new(state_dim, &hidden, n_agents, rng, device),
                    actions: Mlp::new(joint_dim, &hidden, n_agents, rng, device),
                })
                .collect(),
        }
    }

    fn forward(&self, network: &QplexNetwork, input: MixerInput) -> Tensor<2> {
        let MixerInput { q_chosen, utilities, actions, state, .. } = input;
        let [row, agent, n_actions] = utilities.dims();
        // The shift cancels in the advantage, whose gradient is stopped.
        let advantage = (q_chosen.clone() - utilities.max_dim(2).reshape([row, agent])).detach();
        let (transformed, advantage) = match (&network.scale, &network.shift) {
            (Some(scale), Some(shift)) => {
                let scale = scale.forward(state.clone(), Activation::Absolute) + SMALLEST;
                let shift = shift.forward(state.clone(), Activation::Identity);
                (q_chosen * scale.clone() + shift, advantage * scale.detach())
            }
            _ => (q_chosen, advantage),
        };
        let actions = one_hot(actions, n_actions).reshape([row, agent * n_actions]);
        let importance = network.importance(state, actions);
        let importance = if self.is_minus_one { importance - 1.0 } else { importance };
        (transformed + importance * advantage).sum_dim(1)
    }
}
