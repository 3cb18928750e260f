//! Policies on disk.

use phalanx_core::nn::{
    AgentConfig, AgentNetworks, Convolution, EncoderSizes, HiddenActivation, Init, InputNorm,
    Normalisation, RnnKind, from_safetensors,
};
use phalanx_core::rng::{Purpose, Rng};
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::algorithms::NamedFile;
use crate::encoders::{Encoders, settings_table};
use crate::error::TrainError;
use crate::rollout::{InputLayout, Policy};

const NAME: &str = "policy.json";

/// The architecture of the agents' networks and the layout of their input.
#[derive(Debug, Serialize, Deserialize)]
struct PolicyFile {
    inputs: InputLayout,
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
    activation: HiddenActivation,
    /// The index of each agent's network.
    owners: Vec<usize>,
    /// The encoder of observations, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    encoder: Option<EncoderFile>,
    /// The normalisation of inputs, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    input_norm: Option<InputNorm>,
}

/// An encoder of observations.
#[derive(Debug, Serialize, Deserialize)]
struct EncoderFile {
    id: String,
    settings: Table,
    sizes: EncoderSizes,
}

/// Returns the file that describes a policy; its weights are in `agent.safetensors`.
pub fn policy_file(policy: &Policy) -> NamedFile {
    let file = PolicyFile {
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
    };
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
    let find = |name: &str| {
        files.iter().find(|file| file.name == name).ok_or_else(|| TrainError::NotARun {
            path: name.into(),
            reason: "the checkpoint has no such file".to_owned(),
        })
    };
    let file: PolicyFile = serde_json::from_slice(&find(NAME)?.bytes)
        .map_err(|error| TrainError::NotARun { path: NAME.into(), reason: error.to_string() })?;
    let recurrent = file.recurrent.then_some(file.rnn);
    let sized = |EncoderFile { id, settings, sizes }: EncoderFile| {
        let encoder = encoders.read(&id, &settings)?;
        Ok::<_, TrainError>(encoder.map(|encoder| encoder.sized(sizes)))
    };
    let encoder = file.encoder.map(sized).transpose()?;
    let config = AgentConfig {
        input_dim: file.inputs.dim(),
        hidden_dim: file.hidden_dim,
        output_dim: file.inputs.n_actions,
        recurrent,
        second_hidden_dim: file.second_hidden_dim,
        convolution: file.convolution,
        observation_encoder: encoder.flatten(),
        normalisation: file.normalisation,
        activation: file.activation,
        init: Init::default(),
    };
    // Weights can be read on any device. Every build has at least one, and the CPU comes first.
    let device = phalanx_core::nn::device(phalanx_core::nn::available()[0])?;
    let mut rng = Rng::stream(0, Purpose::Weights, 0);
    let networks = AgentNetworks::new(&config, &file.owners, &mut rng, &device);
    let networks = from_safetensors(networks, &find("agent.safetensors")?.bytes)?;
    let actor = networks.to_actor();
    Ok(Policy {
        actor: match file.input_norm {
            Some(norm) => actor.with_input_norm(norm),
            None => actor,
        },
        inputs: file.inputs,
        recurrent,
        convolution: file.convolution,
        normalisation: file.normalisation,
        activation: file.activation,
        owners: file.owners,
    })
}
