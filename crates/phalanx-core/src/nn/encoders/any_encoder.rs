//! Encoders whose type is chosen at run time.

use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use burn::tensor::Device;
use serde_json::Value;

use super::encoder_network::{EncoderNetwork, TypedNetwork};
use super::{Encoder, EncoderSizes};
use crate::rng::Rng;
use crate::settings::InvalidSetting;

/// An [`Encoder`] with its settings, whatever its type.
#[derive(Clone, Debug)]
pub struct AnyEncoder(Arc<dyn DynEncoder>);

/// The methods of [`Encoder`] without its types.
trait DynEncoder: Debug + Send + Sync {
    fn id(&self) -> &'static str;
    fn settings(&self) -> Value;
    fn validate(&self) -> Vec<InvalidSetting>;
    fn validate_for(&self, sizes: &EncoderSizes) -> Vec<InvalidSetting>;
    fn reads_entities(&self) -> bool;
    fn action_weights(&self, sizes: &EncoderSizes) -> bool;
    fn output_dim(&self, sizes: &EncoderSizes) -> usize;
    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> EncoderNetwork;
}

#[derive(Debug)]
struct Typed<E>(E);

impl<E: Encoder> DynEncoder for Typed<E> {
    fn id(&self) -> &'static str {
        E::ID
    }

    fn settings(&self) -> Value {
        serde_json::to_value(&self.0).expect("settings are plain numbers, texts and flags")
    }

    fn validate(&self) -> Vec<InvalidSetting> {
        self.0.validate()
    }

    fn validate_for(&self, sizes: &EncoderSizes) -> Vec<InvalidSetting> {
        self.0.validate_for(sizes)
    }

    fn reads_entities(&self) -> bool {
        self.0.reads_entities()
    }

    fn action_weights(&self, sizes: &EncoderSizes) -> bool {
        self.0.action_weights(sizes)
    }

    fn output_dim(&self, sizes: &EncoderSizes) -> usize {
        self.0.output_dim(sizes)
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> EncoderNetwork {
        let network = self.0.init(sizes, rng, device);
        EncoderNetwork::new(TypedNetwork { encoder: self.0.clone(), sizes: sizes.clone(), network })
    }
}

impl AnyEncoder {
    /// Erases the type of an encoder.
    pub fn new(encoder: impl Encoder) -> Self {
        Self(Arc::new(Typed(encoder)))
    }

    /// Returns [`Encoder::ID`].
    pub fn id(&self) -> &'static str {
        self.0.id()
    }

    /// Returns the settings, as serde writes them.
    pub fn settings(&self) -> Value {
        self.0.settings()
    }

    /// Returns the settings that are out of bounds, by their keys in a configuration:
    /// `encoder_args.width`.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        by_key(self.0.validate())
    }

    /// Returns [`Encoder::reads_entities`].
    pub fn reads_entities(&self) -> bool {
        self.0.reads_entities()
    }

    /// Returns the same encoder for observations of this shape.
    pub fn sized(&self, sizes: EncoderSizes) -> ObservationEncoder {
        ObservationEncoder { encoder: self.clone(), sizes }
    }
}

/// Adds the table of a configuration that holds the settings.
fn by_key(invalid: Vec<InvalidSetting>) -> Vec<InvalidSetting> {
    let keyed = |InvalidSetting { key, reason }| InvalidSetting {
        key: format!("encoder_args.{key}"),
        reason,
    };
    invalid.into_iter().map(keyed).collect()
}

impl PartialEq for AnyEncoder {
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id() && self.settings() == other.settings()
    }
}

/// An encoder with its settings, for observations of a given shape.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservationEncoder {
    encoder: AnyEncoder,
    sizes: EncoderSizes,
}

impl ObservationEncoder {
    /// Returns the encoder and its settings.
    pub fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    /// Returns the shape of the observations.
    pub fn sizes(&self) -> &EncoderSizes {
        &self.sizes
    }

    /// Returns the settings that do not suit observations of this shape, by their keys in a
    /// configuration: `encoder_args.width`.
    ///
    /// An encoder that reads entities does not suit an environment that describes none; the key is then
    /// `encoder`.
    pub fn validate(&self) -> Vec<InvalidSetting> {
        if self.encoder.reads_entities() && self.sizes.entities.is_none() {
            let id = self.encoder.id();
            let reason = format!(
                "must not be {id}, which reads entities: this environment, with these \
                 arguments, describes none"
            );
            return vec![InvalidSetting { key: "encoder".to_owned(), reason }];
        }
        by_key(self.encoder.0.validate_for(&self.sizes))
    }

    /// Returns the same encoder in a network whose last layer maps `head_dim` numbers to `output_dim`, with
    /// its initial weights multiplied by `head_gain`. Unless there is one output per action, the network
    /// has no heads for entities.
    #[must_use]
    pub(in crate::nn) fn in_network(
        self,
        [head_dim, output_dim]: [usize; 2],
        head_gain: f32,
    ) -> Self {
        let n_actions = if output_dim == self.sizes.n_actions { output_dim } else { 0 };
        Self { sizes: EncoderSizes { n_actions, head_dim, head_gain, ..self.sizes }, ..self }
    }

    /// Returns the same encoder in a network without one output per action, such as a critic.
    #[must_use]
    pub fn without_actions(self) -> Self {
        Self { sizes: EncoderSizes { n_actions: 0, ..self.sizes }, ..self }
    }

    /// Returns the actions whose outputs have heads by the encoder; empty without heads.
    pub fn head_actions(&self) -> Range<usize> {
        if self.encoder.0.action_weights(&self.sizes) { self.sizes.entity_actions() } else { 0..0 }
    }

    /// Returns the length of the observations in a row.
    pub fn input_dim(&self) -> usize {
        self.sizes.view_dim()
    }

    /// Returns the number of features of a row, without the weights of heads.
    pub fn output_dim(&self) -> usize {
        self.encoder.0.output_dim(&self.sizes)
    }

    /// Makes a network with initial weights drawn from `rng`.
    pub fn init(&self, rng: &mut Rng, device: &Device) -> EncoderNetwork {
        self.encoder.0.init(&self.sizes, rng, device)
    }
}
