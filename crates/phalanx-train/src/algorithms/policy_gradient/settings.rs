//! The settings that all policy-gradient algorithms share.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AnyEncoder, Convolution, EncoderSizes, HiddenActivation, Normalisation, RnnKind, Sharing,
};
use phalanx_core::rl::LinearSchedule;
use serde::{Deserialize, Serialize};

use phalanx_core::settings::{Check, InvalidSetting, fields};

/// Settings of policy gradients from rollouts of fixed length.
///
/// The algorithms `ippo`, `mappo`, `happo`, `sequential_ppo`, `ia2c` and `maa2c` use this struct
/// with different defaults, so that each component can be ablated on its own. The defaults here are
/// IPPO's. Names are those of EPyMARL and MAPPO where these have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyGradient {
    /// The number of parallel environments.
    pub batch_size_run: usize,
    /// The number of steps that each environment makes between two updates.
    pub rollout_steps: usize,
    /// The number of passes over a rollout.
    pub epochs: usize,
    /// The number of minibatches per epoch, which divide the chunks of all environments.
    pub num_mini_batch: usize,
    /// The length of the chunks of truncated backpropagation through time. A chunk starts with the
    /// hidden state of the rollout. Zero means `rollout_steps`.
    pub data_chunk_length: usize,
    /// The learning rate of policy and critic.
    pub lr: f64,
    /// The number of environment steps until the learning rate is zero; zero keeps it constant.
    pub lr_anneal_time: u64,
    /// Adam's epsilon.
    pub optim_eps: f64,
    /// The largest gradient norm, applied to the policy and to the critic separately.
    pub grad_norm_clip: f64,
    /// Whether `grad_norm_clip` limits the joint norm of policy and critic, with the critic's loss weighted
    /// by `vf_coef`. A large critic error then slows down the policy.
    pub clip_jointly: bool,
    /// The approximate KL divergence at which the epochs of a rollout are stopped early (target
    /// KL); zero disables early stopping.
    pub kl_stop: f64,
    /// The discount factor.
    pub gamma: f64,
    /// The lambda of generalised advantage estimation.
    pub gae_lambda: f64,
    /// The number of rewards in an n-step return; zero uses generalised advantage estimation.
    pub n_step: usize,
    /// Whether a truncated episode is bootstrapped with the value of its last observation.
    /// Otherwise the time limit counts as a termination.
    pub use_proper_time_limits: bool,
    /// The set over which advantages are normalised to zero mean and unit variance: a `batch`, a
    /// `minibatch`, or `none`.
    pub normalise_advantage: NormaliseAdvantage,
    /// Whether the probability ratio is clipped.
    pub policy_clip: bool,
    /// The clip range of the ratio around one, and of the value around its old prediction.
    pub eps_clip: f64,
    /// The weight of the KL divergence between the rollout's policy and the new one.
    pub kl_coef: f64,
    /// Whether the change of the value prediction is clipped to `eps_clip` as well, on the critic's
    /// scale.
    pub value_clip: bool,
    /// The error at which the critic's loss changes from quadratic to linear (Huber loss); zero
    /// keeps it quadratic.
    pub huber_delta: f64,
    /// Whether the policy learns only from agents that are alive. Otherwise it also learns from
    /// dead ones, whose single available action has no gradient unless `mask_policy_loss` is off.
    pub use_policy_active_masks: bool,
    /// Whether the loss uses the policy over the available actions. Otherwise, as in the code of
    /// IPPO's authors, agents still act among the available actions, but the updated policy is the
    /// one over all actions, which must learn which are available.
    pub mask_policy_loss: bool,
    /// Whether the critic learns only from agents that are alive. Otherwise it also learns from
    /// dead ones (MAPPO, whose scripts turn the mask *off* with the flag `use_value_active_masks`).
    pub use_value_active_masks: bool,
    /// Whether the critic learns normalised returns.
    pub use_value_norm: bool,
    /// The initial weight of the entropy bonus.
    pub entropy_coef: f64,
    /// The final weight of the entropy bonus.
    pub entropy_coef_finish: f64,
    /// The number of environment steps over which the weight is annealed; zero keeps
    /// `entropy_coef`.
    pub entropy_anneal_time: u64,
    /// The input of the critic: the agent's `observation`, the `state`, the state plus the entries of the
    /// observation that it lacks (`agent_state`), the state with one value for the team (`joint`), or the
    /// features of the policy's network (`shared`).
    pub critic: CriticInput,
    /// The weight of the critic's loss if it shares layers with the policy or `clip_jointly` is on.
    pub vf_coef: f64,
    /// Whether a dead agent's critic input is replaced by zeros and its agent ID (death masking).
    pub death_masking: bool,
    /// Whether agents are updated `together`, or one after another in `random` or `fixed` order,
    /// with an advantage that accounts for the agents updated before.
    pub update_order: UpdateOrder,
    /// Which agents share a network: `all`, those of a `group`, or `none`.
    pub parameter_sharing: Sharing,
    /// Whether agents have a recurrent hidden layer instead of a linear one.
    pub use_rnn: bool,
    /// The recurrent cell: `gru` or `lstm`.
    pub rnn: RnnKind,
    /// The width of the hidden layers.
    pub rnn_hidden_dim: usize,
    /// The width of the second hidden layer of non-recurrent agents; zero uses `rnn_hidden_dim`.
    pub second_hidden_dim: usize,
    /// Whether non-recurrent agents, and critics with the same input, start with a convolution over
    /// the observation (three layers of 64, 128 and 256 filters).
    pub use_conv: bool,
    /// The activation of the hidden layers.
    pub activation: HiddenActivation,
    /// Whether the input and the output of every hidden layer are normalised to zero mean and unit
    /// variance, as in MAPPO's networks (there called feature normalisation).
    pub layer_norm: bool,
    /// Whether the input of the agents, and of critics with the same input, is standardised by its
    /// running mean and deviation.
    pub normalise_input: bool,
    /// Whether initial weights are orthogonal with zero biases; otherwise PyTorch's initialisation
    /// is used.
    pub use_orthogonal: bool,
    /// Whether initial weights are normally distributed with variance `2 / inputs` and zero biases
    /// (He initialisation), as in the networks of IPPO's authors.
    pub use_variance_scaling: bool,
    /// The gain of the initial weights of the policy's last layer.
    pub policy_gain: f64,
    /// The number of stacked observations, including the current one.
    pub obs_frames: usize,
    /// Whether the last action is appended to the input.
    pub obs_last_action: bool,
    /// Whether a one-hot agent ID is appended to the input.
    pub obs_agent_id: bool,
}

/// The set over which advantages are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormaliseAdvantage {
    /// All steps of a rollout.
    Batch,
    /// The steps of one minibatch.
    Minibatch,
    /// Advantages are not normalised.
    None,
}

/// The input of a critic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriticInput {
    /// The agent's own input.
    Observation,
    /// `state | agent ID (one-hot)`.
    State,
    /// `state | entries of the observation that the state lacks | agent ID (one-hot)`: MAPPO's pruned
    /// agent-specific state.
    AgentState,
    /// `state`, with one value for the whole team.
    Joint,
    /// The input of the policy's last layer: policy and critic share all layers before it, one loss and
    /// one optimizer.
    Shared,
}

/// The order in which agents are updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateOrder {
    /// All at once.
    Together,
    /// One network after another, in a new random order for every rollout.
    Random,
    /// One network after another, in the order of the agents.
    Fixed,
}

impl Default for PolicyGradient {
    fn default() -> Self {
        Self {
            batch_size_run: 32,
            rollout_steps: 64,
            epochs: 5,
            num_mini_batch: 1,
            data_chunk_length: 0,
            lr: 0.001,
            lr_anneal_time: 0,
            optim_eps: 1e-5,
            grad_norm_clip: 0.5,
            clip_jointly: false,
            kl_stop: 0.0,
            gamma: 0.99,
            gae_lambda: 0.95,
            n_step: 0,
            use_proper_time_limits: true,
            normalise_advantage: NormaliseAdvantage::Batch,
            policy_clip: true,
            eps_clip: 0.2,
            kl_coef: 0.0,
            value_clip: true,
            huber_delta: 0.0,
            use_policy_active_masks: true,
            mask_policy_loss: true,
            use_value_active_masks: false,
            use_value_norm: true,
            entropy_coef: 0.03,
            entropy_coef_finish: 0.0,
            entropy_anneal_time: 0,
            critic: CriticInput::Observation,
            vf_coef: 0.5,
            death_masking: false,
            update_order: UpdateOrder::Together,
            parameter_sharing: Sharing::All,
            use_rnn: true,
            rnn: RnnKind::Gru,
            rnn_hidden_dim: 64,
            second_hidden_dim: 0,
            use_conv: false,
            activation: HiddenActivation::Relu,
            layer_norm: false,
            normalise_input: false,
            use_orthogonal: false,
            use_variance_scaling: false,
            policy_gain: 0.01,
            obs_frames: 1,
            obs_last_action: true,
            obs_agent_id: true,
        }
    }
}

impl PolicyGradient {
    /// Returns the settings of algorithms that update agents with separate networks one after
    /// another, with a critic of the team's value.
    pub(super) fn sequential() -> Self {
        Self {
            critic: CriticInput::Joint,
            update_order: UpdateOrder::Random,
            parameter_sharing: Sharing::None,
            entropy_coef: 0.01,
            ..Self::default()
        }
    }

    /// Returns the number of steps over which gradients are backpropagated.
    pub fn chunk(&self) -> usize {
        if self.data_chunk_length == 0 { self.rollout_steps } else { self.data_chunk_length }
    }

    /// Returns the recurrent cell, if agents have one.
    pub fn recurrent(&self) -> Option<RnnKind> {
        self.use_rnn.then_some(self.rnn)
    }

    /// Returns the length of the hidden state in updates. Without a recurrent cell it is one, and
    /// unused.
    pub(super) fn carry_dim(&self) -> usize {
        self.recurrent().map_or(1, |unit| unit.carry_dim(self.rnn_hidden_dim))
    }

    /// Returns the width of the second hidden layer, if it is set.
    pub(super) fn second_hidden_dim(&self) -> Option<usize> {
        (self.second_hidden_dim > 0).then_some(self.second_hidden_dim)
    }

    /// Returns which layers are normalised.
    pub fn normalisation(&self) -> Normalisation {
        if self.layer_norm { Normalisation::Throughout } else { Normalisation::None }
    }

    /// Returns the convolution of the agents' networks, if any.
    pub fn convolution(&self, spec: &EnvSpec) -> Option<Convolution> {
        let size = Convolution { frames: self.obs_frames, length: spec.obs_dim };
        self.use_conv.then_some(size)
    }

    /// Returns the learning rate after `t_env` environment steps.
    pub fn lr_at(&self, t_env: u64) -> f64 {
        LinearSchedule::optional(self.lr, 0.0, self.lr_anneal_time).at(t_env)
    }

    /// Returns the weight of the entropy bonus after `t_env` environment steps.
    pub fn entropy_coef_at(&self, t_env: u64) -> f64 {
        let (start, finish) = (self.entropy_coef, self.entropy_coef_finish);
        LinearSchedule::optional(start, finish, self.entropy_anneal_time).at(t_env)
    }

    /// Returns the settings that are invalid for an environment.
    pub fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        let uses_state = !matches!(self.critic, CriticInput::Observation | CriticInput::Shared);
        let reason = "must be observation or shared: this environment has no state";
        check.that(!uses_state || spec.state_dim > 0, "critic", reason);
        let long = !self.use_conv || spec.obs_dim >= Convolution::SHORTEST;
        let reason = "must be false: the observations have fewer than nine entries";
        check.that(long, "use_conv", reason);
        check.finish()
    }

    /// Returns the settings that do not suit an encoder of observations in an environment.
    pub fn validate_encoder(&self, encoder: &AnyEncoder, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.that(
            !self.use_conv,
            "use_conv",
            "must be false with an encoder, whose place it takes",
        );
        check.that(
            !(self.normalise_input && encoder.reads_entities()),
            "normalise_input",
            "must be false with an encoder that reads entities: it would hide which are absent",
        );
        check.all(encoder.sized(EncoderSizes::of(spec, self.obs_frames)).validate());
        check.finish()
    }

    /// Returns the invalid settings.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(fields!(self:
            batch_size_run, rollout_steps, epochs, rnn_hidden_dim, obs_frames
        ));
        check.positive(fields!(self: optim_eps, grad_norm_clip, eps_clip, vf_coef, policy_gain));
        check.not_negative(fields!(self:
            kl_stop, kl_coef, huber_delta, entropy_coef, entropy_coef_finish
        ));
        check.unit_interval(fields!(self: gamma, gae_lambda));
        let whole = self.rollout_steps.checked_rem(self.chunk()) == Some(0);
        check.that(whole, "data_chunk_length", "must divide rollout_steps, or be 0");
        let items = self.batch_size_run * self.rollout_steps / self.chunk().max(1);
        check.that(
            (1..=items).contains(&self.num_mini_batch),
            "num_mini_batch",
            "must lie between 1 and the number of chunks: batch_size_run * rollout_steps / \
             data_chunk_length",
        );
        check.that(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        let per_agent = self.critic != CriticInput::Joint;
        check.that(
            per_agent || !(self.death_masking || self.use_value_active_masks),
            "critic",
            "cannot be joint with death_masking or use_value_active_masks: it is one value for the team",
        );
        let shared = self.critic == CriticInput::Shared;
        check.that(
            !(shared && self.death_masking),
            "critic",
            "cannot be shared with death_masking: the critic then has no input of its own",
        );
        let together = self.update_order == UpdateOrder::Together;
        check.that(together || !shared, "update_order", "must be together if critic=shared");
        check.that(
            !self.clip_jointly || (together && self.kl_stop == 0.0),
            "clip_jointly",
            "requires update_order=together and kl_stop=0: otherwise policy and critic learn separately",
        );
        check.that(
            together || self.parameter_sharing != Sharing::All,
            "update_order",
            "must be together if parameter_sharing=all",
        );
        let has_cell = self.use_rnn || self.rnn == RnnKind::Gru;
        check.that(has_cell, "rnn", "requires use_rnn=true unless it is gru");
        let has_second_width = self.second_hidden_dim > 0;
        check.that(
            !(has_second_width && self.use_rnn),
            "second_hidden_dim",
            "requires use_rnn=false",
        );
        check.that(!(self.use_conv && self.use_rnn), "use_conv", "requires use_rnn=false");
        check.that(
            !(self.use_orthogonal && self.use_variance_scaling),
            "use_variance_scaling",
            "requires use_orthogonal=false",
        );
        check.finish()
    }
}
