//! The operations composed of burn's own, for every device. Tests compare the fused operations with
//! them.

mod entities;
mod graphs;
mod layers;
mod losses;
mod mixing;
mod recurrent;

pub(crate) use self::entities::{deep_sets, gat, gcn, hpn, transformer};
pub(crate) use self::layers::{conv1d, entity_scores, layer_norm, linear, mlp};
pub(crate) use self::losses::{categorical, ppo_loss, value_loss};
pub(crate) use self::mixing::{concave_mix, qmix_mix, qmix_mixer};
pub(crate) use self::recurrent::{gru_sequence, lstm_sequence, rnn_agent_with_heads};
