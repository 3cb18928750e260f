//! Policies on disk.

use std::fmt;

use phalanx_core::env::EnvSpec;
use phalanx_core::nn::{
    AgentConfig, AgentNetworks, Convolution, EncoderSizes, HiddenActivation, Init, InputNorm,
    Normalisation, ObservationEncoder, RnnKind, from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::algorithms::NamedFile;
use crate::config::ConfigError;
use crate::encoders::{Encoders, settings_table};
use crate::error::TrainError;
use crate::rollout::{InputLayout, Policy};
use crate::run::TransferError;
use crate::run::transfer::{Place, check_entities, weights_error};

const NAME: &str = "policy.json";
/// The longest row of observations.
const LONGEST: usize = 1 << 24;

/// The architecture of the agents' networks and the layout of their input.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::run) struct PolicyFile {
    pub(in crate::run) inputs: InputLayout,
    hidden_dim: usize,
    #[serde(default)]
    second_hidden_dim: Option<usize>,
    recurrent: bool,
    #[serde(default)]
    rnn: RnnKind,
    #[serde(default)]
    convolution: Option<Convolution>,
    #[serde(default)]
    normalisation: Normalisation,
    #[serde(default)]
    pub(in crate::run) activation: HiddenActivation,
    /// The index of each agent's network.
    pub(in crate::run) owners: Vec<usize>,
    /// The encoder of observations, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) encoder: Option<EncoderFile>,
    /// The normalisation of inputs, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) input_norm: Option<InputNorm>,
}

/// An encoder of observations.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::run) struct EncoderFile {
    id: String,
    settings: Table,
    pub(in crate::run) sizes: EncoderSizes,
}

/// Shows the encoder as keys of a configuration.
impl fmt::Display for EncoderFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "encoder={}", self.id)?;
        self.settings.iter().try_for_each(|(key, value)| write!(f, " encoder_args.{key}={value}"))
    }
}

impl PolicyFile {
    /// Describes a policy.
    pub(in crate::run) fn of(policy: &Policy) -> Self {
        Self {
            inputs: policy.inputs,
            hidden_dim: policy.actor.hidden_dim(),
            second_hidden_dim: Some(policy.actor.second_hidden_dim()),
            recurrent: policy.recurrent.is_some(),
            rnn: policy.recurrent.unwrap_or_default(),
            convolution: policy.convolution,
            normalisation: policy.normalisation,
            activation: policy.activation,
            owners: policy.owners.clone(),
            encoder: policy.actor.observation_encoder().map(|encoder| EncoderFile {
                id: encoder.encoder().id().to_owned(),
                settings: settings_table(encoder.encoder()),
                sizes: encoder.sizes().clone(),
            }),
            input_norm: policy.actor.input_norm().cloned(),
        }
    }

    /// Reads the description in the files of a checkpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if it is missing or damaged.
    pub(in crate::run) fn read(files: &[NamedFile]) -> Result<Self, TrainError> {
        serde_json::from_slice(find(files, NAME)?)
            .map_err(|error| TrainError::NotARun { path: NAME.into(), reason: error.to_string() })
    }

    /// Checks the sizes against the length of the weights in the same checkpoint, before any network is made.
    ///
    /// # Errors
    ///
    /// Returns an error if the networks would have more parameters than there are weights, or if the parts contradict
    /// each other.
    fn check_sizes(&self, files: &[NamedFile]) -> Result<(), TrainError> {
        let weights = find(files, "agent.safetensors")?.len() as u128 / size_of::<f32>() as u128;
        let inputs = self.inputs;
        let n = |size: usize| size as u128;
        let (hidden, actions, agents) =
            (n(self.hidden_dim), n(inputs.n_actions), n(inputs.n_agents));
        let second = if self.recurrent {
            hidden
        } else {
            n(self.second_hidden_dim.unwrap_or(self.hidden_dim))
        };
        let networks = n(self.owners.iter().max().map_or(0, |last| last.saturating_add(1)));
        let view = n(inputs.frames).saturating_mul(n(inputs.obs_dim));
        let tail =
            if inputs.last_action { actions } else { 0 } + if inputs.agent_id { agents } else { 0 };
        let reduced = self.encoder.is_some() || self.convolution.is_some();
        let read = if reduced { tail } else { view.saturating_add(tail) };
        let layer = |rows: u128, columns: u128| {
            rows.saturating_mul(columns).saturating_mul(networks) <= weights
        };
        let setting = |key: &str| {
            let value = self.encoder.as_ref()?.settings.get(key)?.as_integer()?;
            u128::try_from(value).ok()
        };
        let width = setting("width").unwrap_or(1);
        let layout = self.encoder.as_ref().and_then(|encoder| encoder.sizes.entities.as_ref());
        if let Some(layout) = layout {
            let described = EnvSpec {
                obs_dim: inputs.obs_dim.min(LONGEST),
                n_actions: inputs.n_actions,
                ..EnvSpec::new("policy", 1)
            };
            layout.check(&described).map_err(|error| TrainError::NotARun {
                path: NAME.into(),
                reason: format!("the entities of its encoder contradict each other: {error}"),
            })?;
        }
        let encoder_fits = self.encoder.as_ref().is_none_or(|encoder| {
            let values = encoder.settings.values().filter_map(toml::Value::as_integer);
            encoder.sizes.obs_dim == inputs.obs_dim
                && [0, inputs.n_actions].contains(&encoder.sizes.n_actions)
                && encoder.sizes.frames == inputs.frames
                && values
                    .into_iter()
                    .all(|value| u128::try_from(value).is_ok_and(|it| it <= weights))
                && layer(width, setting("feed_forward").unwrap_or(1))
        });
        let convolution_fits = self.convolution.is_none_or(|layers| {
            (layers.frames, layers.length) == (inputs.frames, inputs.obs_dim)
                && layers.length >= Convolution::SHORTEST
                && layer(hidden, n(layers.length) / 64)
        });
        let fits = [
            self.owners.len() == inputs.n_agents && networks <= agents,
            [inputs.obs_dim, inputs.n_actions, inputs.frames, self.hidden_dim]
                .iter()
                .all(|&n| n > 0),
            second > 0 && networks > 0,
            inputs.obs_dim <= LONGEST && inputs.frames <= LONGEST && view <= n(LONGEST),
            inputs.n_actions <= usize::from(u16::MAX),
            layer(hidden, read) && layer(hidden, second) && layer(1, second),
            self.encoder.is_some() || layer(second, actions),
            encoder_fits && convolution_fits,
            self.input_norm.as_ref().is_none_or(|norm| n(norm.dim()) == view + tail),
        ];
        match fits.iter().all(|&fits| fits) {
            true => Ok(()),
            false => Err(TrainError::NotARun {
                path: NAME.into(),
                reason: "its sizes do not match the weights in agent.safetensors".to_owned(),
            }),
        }
    }

    /// Returns the encoder for observations with the sizes in `sizes`.
    fn encoder(
        &self,
        encoders: &Encoders,
        sizes: impl Fn(&EncoderSizes) -> EncoderSizes,
    ) -> Result<Option<ObservationEncoder>, TrainError> {
        let Some(file) = &self.encoder else { return Ok(None) };
        let encoder = encoders.read(&file.id, &file.settings)?;
        let encoder = encoder.map(|encoder| encoder.sized(sizes(&file.sizes)));
        let invalid = encoder.as_ref().map(ObservationEncoder::validate).unwrap_or_default();
        match invalid.is_empty() {
            true => Ok(encoder),
            false => Err(ConfigError::InvalidSettings { invalid }.into()),
        }
    }

    /// Creates the networks with inputs of this layout and loads their weights.
    fn policy(
        self,
        inputs: InputLayout,
        observation_encoder: Option<ObservationEncoder>,
        files: &[NamedFile],
    ) -> Result<Policy, TrainError> {
        let recurrent = self.recurrent.then_some(self.rnn);
        let config = AgentConfig {
            input_dim: inputs.dim(),
            hidden_dim: self.hidden_dim,
            output_dim: inputs.n_actions,
            recurrent,
            second_hidden_dim: self.second_hidden_dim,
            convolution: self.convolution,
            observation_encoder,
            normalisation: self.normalisation,
            activation: self.activation,
            init: Init::default(),
        };
        // Weights can be read on any device. Every build has at least one, and the CPU comes first.
        let device = phalanx_core::nn::device(phalanx_core::nn::available()[0])?;
        let mut rng = Rng::stream(0, Purpose::Weights, 0);
        let networks = AgentNetworks::new(&config, &self.owners, &mut rng, &device);
        let networks = from_safetensors(networks, find(files, "agent.safetensors")?)?;
        let actor = networks.to_actor();
        Ok(Policy {
            actor: match self.input_norm {
                Some(norm) => actor.with_input_norm(norm),
                None => actor,
            },
            inputs,
            recurrent,
            convolution: self.convolution,
            normalisation: self.normalisation,
            activation: self.activation,
            owners: self.owners,
        })
    }

    /// Checks the parts that depend on the number of agents or on the length of the input, and returns
    /// the network of each agent of `spec`.
    fn owners_in(&self, spec: &EnvSpec, inputs: InputLayout) -> Result<Vec<usize>, TransferError> {
        let lengths = [
            ("use_conv", self.convolution.map(|layers| layers.input_dim()), inputs.view_dim()),
            ("normalise_input", self.input_norm.as_ref().map(InputNorm::dim), inputs.dim()),
        ];
        for (key, theirs, ours) in lengths {
            if let Some(theirs) = theirs.filter(|&theirs| theirs != ours) {
                return Err(TransferError::Inputs { key, theirs, ours });
            }
        }
        let (theirs, ours) = (self.owners.len(), spec.n_agents());
        match self.owners.iter().all(|&owner| owner == 0) {
            true => Ok(vec![0; ours]),
            false if theirs == ours => Ok(self.owners.clone()),
            false => Err(TransferError::Agents { theirs, ours }),
        }
    }
}

/// Returns the contents of the file `name`.
fn find<'a>(files: &'a [NamedFile], name: &str) -> Result<&'a [u8], TrainError> {
    let file = files.iter().find(|file| file.name == name).ok_or_else(|| TrainError::NotARun {
        path: name.into(),
        reason: "the checkpoint has no such file".to_owned(),
    });
    Ok(&file?.bytes)
}

/// Returns the normalisation of inputs of the policy in the files of a checkpoint, if it has any.
///
/// # Errors
///
/// Returns an error if the description of the policy is missing or damaged.
pub(crate) fn input_norm(files: &[NamedFile]) -> Result<Option<InputNorm>, TrainError> {
    Ok(PolicyFile::read(files)?.input_norm)
}

/// Returns the file that describes a policy; its weights are in `agent.safetensors`.
pub fn policy_file(policy: &Policy) -> NamedFile {
    let file = PolicyFile::of(policy);
    NamedFile::new(NAME, serde_json::to_vec_pretty(&file).expect("sizes are plain data"))
}

/// Loads a policy from the files of a checkpoint. Its encoder, if any, must be one of the library.
///
/// # Errors
///
/// Returns an error if a file is missing or the weights do not match the description.
pub fn load_policy(files: &[NamedFile]) -> Result<Policy, TrainError> {
    load_policy_with(files, &Encoders::builtin())
}

/// Does the same for a policy with one of `encoders`.
///
/// # Errors
///
/// Returns the errors of [`load_policy`], and
/// [`ConfigError::UnknownEncoder`](crate::config::ConfigError::UnknownEncoder) if the encoder is not
/// among them.
pub fn load_policy_with(files: &[NamedFile], encoders: &Encoders) -> Result<Policy, TrainError> {
    let file = PolicyFile::read(files)?;
    file.check_sizes(files)?;
    let encoder = file.encoder(encoders, EncoderSizes::clone)?;
    let inputs = file.inputs;
    file.policy(inputs, encoder, files)
}

/// Loads a policy for another environment than that of its training: the same weights, in networks for
/// the observations, actions and agents of `spec`. The encoder of observations must be one of
/// `encoders`.
///
/// With an encoder that reads entities, a policy fits any number of entities, as long as neither an agent
/// ID nor a last action is appended to its input.
///
/// # Errors
///
/// Returns the errors of [`load_policy_with`], and [`TrainError::Transfer`] if the policy does not fit.
pub fn load_policy_for(
    files: &[NamedFile],
    encoders: &Encoders,
    spec: &EnvSpec,
) -> Result<Policy, TrainError> {
    let mut file = PolicyFile::read(files)?;
    file.check_sizes(files)?;
    let theirs = file.inputs;
    let inputs = InputLayout {
        obs_dim: spec.obs_dim,
        n_actions: spec.n_actions,
        n_agents: spec.n_agents(),
        ..theirs
    };
    let encoder = file.encoder(encoders, |_| EncoderSizes::of(spec, theirs.frames))?;
    let layout = file.encoder.as_ref().and_then(|encoder| encoder.sizes.entities.as_ref());
    if let (Some(theirs), Some(ours)) = (layout, &spec.entities) {
        check_entities(theirs, ours)?;
    }
    file.owners = file.owners_in(spec, inputs)?;
    file.policy(inputs, encoder.clone(), files).map_err(|error| match error {
        TrainError::Weights(error) => {
            let (encoder, entities) = (encoder.as_ref(), spec.entities.as_ref());
            weights_error(error, theirs, &Place { inputs, encoder, entities })
        }
        error => error,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Trainer;
    use crate::algorithms::{Ippo, PolicyGradient, Qmix};

    #[test]
    fn absurd_sizes_are_refused_before_anything_is_allocated() {
        let env = phalanx_envs::registry::factory("two_step", &Default::default());
        let env = env.expect("it is registered");
        let ippo = Ippo {
            learning: PolicyGradient { normalise_input: true, ..PolicyGradient::default() },
        };
        for mut trainer in [Trainer::new(Qmix::default(), env.clone()), Trainer::new(ippo, env)] {
            let files = trainer.weights().expect("the networks can be read");
            assert!(load_policy(&files).is_ok());
            let changed = |path: [&str; 2], value: Value| {
                let mut files = files.clone();
                let file = files.iter_mut().find(|file| file.name == NAME).expect("it is there");
                let mut policy: Value = serde_json::from_slice(&file.bytes).expect("JSON");
                let place = match path {
                    ["", key] => &mut policy[key],
                    [part, key] => &mut policy[part][key],
                };
                *place = value;
                file.bytes = serde_json::to_vec(&policy).expect("JSON");
                load_policy(&files)
            };
            for path in [
                ["inputs", "obs_dim"],
                ["inputs", "n_actions"],
                ["inputs", "n_agents"],
                ["inputs", "frames"],
                ["", "hidden_dim"],
            ] {
                for value in [0_u64, 1 << 20, 1 << 40, 1 << 62, u64::MAX] {
                    assert!(changed(path, value.into()).is_err(), "{path:?} = {value}");
                }
            }
            for owners in [json!([]), json!([0, 1_u64 << 40]), json!([u64::MAX, 0]), json!([0])] {
                assert!(changed(["", "owners"], owners.clone()).is_err(), "{owners}");
            }
            let convolution = json!({ "frames": 1_u64 << 40, "length": 1_u64 << 40 });
            assert!(changed(["", "convolution"], convolution).is_err());
        }
    }

    #[test]
    fn entities_that_do_not_fit_the_observation_are_refused() {
        let env = phalanx_envs::registry::factory("skirmish/3m", &Default::default());
        let mut trainer = Trainer::new(Qmix::default(), env.expect("it is registered"));
        trainer.config.encoder = "gat".to_owned();
        let files = trainer.weights().expect("the networks can be read");
        assert!(load_policy(&files).is_ok());
        for (part, value) in [
            ("/encoder/sizes/entities/entities/1/columns/0", json!(1_u64 << 40)),
            ("/encoder/sizes/entities/entities/1/columns", json!([0])),
            ("/encoder/sizes/entities/entities/1/presence", json!({ "non_zero": 10_000 })),
            ("/encoder/sizes/entities/entities/1/action", json!(u64::MAX)),
            ("/encoder/sizes/entities/entities", json!([])),
            ("/encoder/sizes/entities", Value::Null),
            ("/encoder/sizes/n_actions", json!(1 << 20)),
        ] {
            let mut files = files.clone();
            let file = files.iter_mut().find(|file| file.name == NAME).expect("it is there");
            let mut policy: Value = serde_json::from_slice(&file.bytes).expect("JSON");
            *policy.pointer_mut(part).expect(part) = value;
            file.bytes = serde_json::to_vec(&policy).expect("JSON");
            assert!(load_policy(&files).is_err(), "{part}");
        }
    }
}
