//! The settings all policy-gradient algorithms share.

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{Convolution, HiddenActivation, Normalisation, RnnKind, Sharing};
use phalanx_core::rl::LinearSchedule;
use serde::{Deserialize, Serialize};

use crate::algorithms::q_learning::in_unit_interval;
use crate::config::InvalidSetting;

/// Policy gradients from rollouts of fixed length.
///
/// The algorithms `ippo`, `mappo`, `happo`, `sequential_ppo`, `ia2c` and `maa2c` are this struct
/// with other defaults, so that one thing can be switched at a time. The defaults here are IPPO's.
/// Names are EPyMARL's and MAPPO's where they have them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyGradient {
    /// The number of environments that play side by side.
    pub batch_size_run: usize,
    /// The number of steps of each environment between two updates.
    pub rollout_steps: usize,
    /// How often the collected steps are gone through.
    pub epochs: usize,
    /// Into how many parts, by environments and chunks, an epoch is divided.
    pub num_mini_batch: usize,
    /// How many steps gradients flow back through time; memories at the beginning of a chunk are
    /// those of the rollout. Zero takes all of `rollout_steps`.
    pub data_chunk_length: usize,
    /// The learning rate of policy and critic.
    pub lr: f64,
    /// The number of environment steps until the learning rate is zero; zero keeps it constant.
    pub lr_anneal_time: u64,
    /// Adam's epsilon.
    pub optim_eps: f64,
    /// The largest norm of the gradients of the policy, and of those of the critic.
    pub grad_norm_clip: f64,
    /// Whether `grad_norm_clip` holds for policy and critic together, the critic's loss weighted by `vf_coef`; a
    /// critic that errs by much then slows the policy down.
    pub clip_jointly: bool,
    /// The approximate KL divergence of an epoch from the policy of the rollout behind which the
    /// remaining epochs are skipped; zero skips none.
    pub kl_stop: f64,
    /// The discount.
    pub gamma: f64,
    /// The lambda of generalised advantage estimation.
    pub gae_lambda: f64,
    /// The number of rewards in a return; zero estimates advantages with `gae_lambda`.
    pub n_step: usize,
    /// Whether an episode that reaches its limit is bootstrapped with the value of its last observation; else the
    /// limit counts as its end.
    pub use_proper_time_limits: bool,
    /// Over what advantages are brought to mean zero and deviation one: a `batch`, a `minibatch`,
    /// or `none`.
    pub normalise_advantage: NormaliseAdvantage,
    /// Whether the probability ratio is clipped.
    pub policy_clip: bool,
    /// How far the ratio may move from one, and the value from its old self.
    pub eps_clip: f64,
    /// The weight of the KL divergence of the rollout's policy from the new one.
    pub kl_coef: f64,
    /// Whether the critic's change is clipped as well, to `eps_clip` at its own scale.
    pub value_clip: bool,
    /// Where the critic's loss turns from a square into a line; zero squares everything.
    pub huber_delta: f64,
    /// Whether the policy learns from the living alone; else from the dead, too, whose one available action
    /// says nothing unless `mask_policy_loss` is off.
    pub use_policy_active_masks: bool,
    /// Whether the loss takes probability ratio and entropy from the policy that acts, which has the
    /// available actions alone. Else, as in the code of IPPO's authors, agents act among the available
    /// actions, and the updated policy is that of all actions: it is to learn what is available, too.
    pub mask_policy_loss: bool,
    /// Whether the critic learns from the living alone; else from the dead, too (MAPPO, in whose
    /// scripts the flag `use_value_active_masks` turns the mask *off*).
    pub use_value_active_masks: bool,
    /// Whether the critic learns normalised returns.
    pub use_value_norm: bool,
    /// The weight of the entropy bonus at the start.
    pub entropy_coef: f64,
    /// The weight of the entropy bonus in the end.
    pub entropy_coef_finish: f64,
    /// The number of environment steps between the two; zero keeps `entropy_coef`.
    pub entropy_anneal_time: u64,
    /// What the critic reads: the agent's own `observation`, the `state`, the state and what it
    /// lacks of the agent's observation (`agent_state`), the state to give one value to the team
    /// (`joint`), or the features of the policy's network (`shared`).
    pub critic: CriticInput,
    /// The weight of the critic's loss where it shares layers with the policy, or `clip_jointly` is on.
    pub vf_coef: f64,
    /// Whether the critic sees nothing but its number of a dead agent.
    pub death_masking: bool,
    /// Whether agents improve `together`, or one after another in a `random` or `fixed` order,
    /// each by an advantage that takes those before it into account.
    pub update_order: UpdateOrder,
    /// Which agents share a network: `all`, those of a `group`, or `none`.
    pub parameter_sharing: Sharing,
    /// Whether agents remember (a recurrent layer) or not (a linear one).
    pub use_rnn: bool,
    /// What agents that remember do it with: a `gru` or an `lstm`.
    pub rnn: RnnKind,
    /// The width of the hidden layers.
    pub rnn_hidden_dim: usize,
    /// The width of the second hidden layer of agents without memory; 0: that of the first.
    pub second_hidden_dim: usize,
    /// Whether agents without memory, and critics that read what agents read, look at their
    /// observations through a convolution (three layers of 64, 128 and 256 filters).
    pub use_conv: bool,
    /// What follows the hidden layers.
    pub activation: HiddenActivation,
    /// Whether the input, and what follows every hidden layer and the memory, is brought to mean zero
    /// and deviation one, as in MAPPO's networks (which call it feature normalisation).
    pub layer_norm: bool,
    /// Whether what agents read, and critics that read the same, is standardised by its running mean and
    /// deviation.
    pub normalise_input: bool,
    /// Whether weights begin orthogonal with zero biases; else as PyTorch's.
    pub use_orthogonal: bool,
    /// Whether weights begin normally distributed, with variance 2 / inputs, and biases zero (He's), as in
    /// the networks of IPPO's authors.
    pub use_variance_scaling: bool,
    /// The scale of the policy's last layer in the beginning.
    pub policy_gain: f64,
    /// How many observations agents see, the present one included.
    pub obs_frames: usize,
    /// Whether agents see their last action.
    pub obs_last_action: bool,
    /// Whether agents see their number.
    pub obs_agent_id: bool,
}

/// Over what advantages are normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NormaliseAdvantage {
    /// All steps of a rollout.
    Batch,
    /// The steps of one update.
    Minibatch,
    /// Nothing: they stay as they are.
    None,
}

/// What a critic reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriticInput {
    /// What the agent reads.
    Observation,
    /// `state | agent (one-hot)`.
    State,
    /// `state | what the state lacks of the agent's observation | agent (one-hot)`: MAPPO's
    /// agent-specific state, pruned of what would stand there twice.
    AgentState,
    /// `state`: one value for the whole team.
    Joint,
    /// The features from which the policy's last layer makes logits: policy and critic share all
    /// layers before, one loss and one optimizer.
    Shared,
}

/// In which order agents improve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpdateOrder {
    /// All at once.
    Together,
    /// One network after another, in a new order after every rollout.
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
    /// The number of steps through which gradients flow.
    pub fn chunk(&self) -> usize {
        if self.data_chunk_length == 0 { self.rollout_steps } else { self.data_chunk_length }
    }

    /// What agents remember with, if they do.
    pub fn recurrent(&self) -> Option<RnnKind> {
        self.use_rnn.then_some(self.rnn)
    }

    /// The numbers of an agent's memory that updates are given; one that nobody reads where there is
    /// none.
    pub(super) fn carry_dim(&self) -> usize {
        self.recurrent().map_or(1, |unit| unit.carry_dim(self.rnn_hidden_dim))
    }

    /// The width of the second hidden layer, where it is not that of the first.
    pub(super) fn second_hidden_dim(&self) -> Option<usize> {
        (self.second_hidden_dim > 0).then_some(self.second_hidden_dim)
    }

    /// Where networks are normalised.
    pub fn normalisation(&self) -> Normalisation {
        if self.layer_norm { Normalisation::Throughout } else { Normalisation::None }
    }

    /// The convolution of the agents' networks.
    pub fn convolution(&self, spec: &EnvSpec) -> Option<Convolution> {
        let size = Convolution { frames: self.obs_frames, length: spec.obs_dim };
        self.use_conv.then_some(size)
    }

    /// The learning rate after `t_env` environment steps.
    pub fn lr_at(&self, t_env: u64) -> f64 {
        LinearSchedule::optional(self.lr, 0.0, self.lr_anneal_time).at(t_env)
    }

    /// The weight of the entropy bonus after `t_env` environment steps.
    pub fn entropy_coef_at(&self, t_env: u64) -> f64 {
        let (start, finish) = (self.entropy_coef, self.entropy_coef_finish);
        LinearSchedule::optional(start, finish, self.entropy_anneal_time).at(t_env)
    }

    /// Returns the settings that are invalid for an environment.
    pub fn validate_for(&self, spec: &EnvSpec) -> Vec<InvalidSetting> {
        let mut invalid = Vec::new();
        let reads_state = !matches!(self.critic, CriticInput::Observation | CriticInput::Shared);
        let reason = "must be observation or shared: this environment has no state";
        InvalidSetting::check(&mut invalid, !reads_state || spec.state_dim > 0, "critic", reason);
        let long = !self.use_conv || spec.obs_dim >= Convolution::SHORTEST;
        let reason = "must be false: observations here have fewer than nine numbers";
        InvalidSetting::check(&mut invalid, long, "use_conv", reason);
        invalid
    }

    /// Returns the invalid settings.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        let mut invalid = Vec::new();
        let mut check =
            |holds, key, reason| InvalidSetting::check(&mut invalid, holds, key, reason);
        check(self.batch_size_run > 0, "batch_size_run", "must be at least 1");
        check(self.rollout_steps > 0, "rollout_steps", "must be at least 1");
        check(self.epochs > 0, "epochs", "must be at least 1");
        let whole = self.rollout_steps.checked_rem(self.chunk()) == Some(0);
        check(whole, "data_chunk_length", "must divide rollout_steps, or be 0");
        let items = self.batch_size_run * self.rollout_steps / self.chunk().max(1);
        check(
            (1..=items).contains(&self.num_mini_batch),
            "num_mini_batch",
            "must lie between 1 and the number of chunks: batch_size_run * rollout_steps / \
             data_chunk_length",
        );
        check(self.lr.is_finite() && self.lr > 0.0, "lr", "must be positive");
        check(self.optim_eps > 0.0, "optim_eps", "must be positive");
        check(self.grad_norm_clip > 0.0, "grad_norm_clip", "must be positive");
        check(self.kl_stop >= 0.0, "kl_stop", "must not be negative");
        check(in_unit_interval(self.gamma), "gamma", "must lie in [0, 1]");
        check(in_unit_interval(self.gae_lambda), "gae_lambda", "must lie in [0, 1]");
        check(self.eps_clip > 0.0, "eps_clip", "must be positive");
        check(self.kl_coef >= 0.0, "kl_coef", "must not be negative");
        check(self.huber_delta >= 0.0, "huber_delta", "must not be negative");
        check(self.entropy_coef >= 0.0, "entropy_coef", "must not be negative");
        check(self.entropy_coef_finish >= 0.0, "entropy_coef_finish", "must not be negative");
        let alone = self.critic != CriticInput::Joint;
        check(
            alone || !(self.death_masking || self.use_value_active_masks),
            "critic",
            "cannot be joint where the dead are masked: the value is that of the team",
        );
        let shared = self.critic == CriticInput::Shared;
        check(
            !(shared && self.death_masking),
            "critic",
            "cannot be shared where the dead are masked: it reads what the policy reads",
        );
        check(self.vf_coef > 0.0, "vf_coef", "must be positive");
        let turns = self.update_order == UpdateOrder::Together;
        check(turns || !shared, "update_order", "must be together where the critic is shared");
        check(
            !self.clip_jointly || (turns && self.kl_stop == 0.0),
            "clip_jointly",
            "needs update_order=together and kl_stop=0, else policy and critic learn by themselves",
        );
        check(
            turns || self.parameter_sharing != Sharing::All,
            "update_order",
            "must be together where all agents share a network",
        );
        let remembers = self.use_rnn || self.rnn == RnnKind::Gru;
        check(remembers, "rnn", "needs use_rnn=true where it is not gru");
        check(self.rnn_hidden_dim > 0, "rnn_hidden_dim", "must be at least 1");
        let narrows = self.second_hidden_dim > 0;
        check(!(narrows && self.use_rnn), "second_hidden_dim", "needs use_rnn=false");
        check(!(self.use_conv && self.use_rnn), "use_conv", "needs use_rnn=false");
        check(
            !(self.use_orthogonal && self.use_variance_scaling),
            "use_variance_scaling",
            "needs use_orthogonal=false",
        );
        check(self.obs_frames > 0, "obs_frames", "must be at least 1");
        check(self.policy_gain > 0.0, "policy_gain", "must be positive");
        invalid
    }
}
