//! `run.json`: what describes a run besides its configuration.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::ended::Ended;
use super::folder::RunFolder;
use super::host_info::HostInfo;
use super::transfer::InitialWeights;
use crate::error::TrainError;

/// The contents of `run.json`.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct RunJson {
    /// Unlike that of any other run; saved states carry it, too.
    #[serde(default)]
    pub(super) id: String,
    pub(super) version: String,
    pub(super) alg: String,
    pub(super) env: String,
    pub(super) seed: u64,
    pub(super) device: String,
    pub(super) machine: HostInfo,
    /// The weights with which the run began, if they came from another run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) initial_weights: Option<InitialWeights>,
    /// How the run ended, if it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
    /// The environment steps at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) t_env: Option<u64>,
    /// The checksum of `config.toml` as the program wrote it. Earlier versions wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) config_xxh3: Option<String>,
    /// The checksum of everything else here as compact JSON. Earlier versions wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) xxh3: Option<String>,
}

impl RunJson {
    pub(super) const NAME: &str = "run.json";

    /// Describes a run that begins or continues on this machine.
    pub(super) fn new(id: &str, alg: &str, env: &str, seed: u64, device: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            alg: alg.to_owned(),
            env: env.to_owned(),
            seed,
            device: device.to_owned(),
            machine: HostInfo::here(),
            initial_weights: None,
            ended: None,
            t_env: None,
            config_xxh3: None,
            xxh3: None,
        }
    }

    /// Reads the file in the folder of a run and verifies its checksum.
    ///
    /// # Errors
    ///
    /// Returns an error if it is missing or damaged.
    pub(super) fn read(folder: &Path) -> Result<Self, TrainError> {
        let path = folder.join(Self::NAME);
        let bytes = fs::read(&path).map_err(TrainError::io("read", &path))?;
        let damaged = |reason: String| TrainError::NotARun { path: path.clone(), reason };
        let run: Self =
            serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        match &run.xxh3 {
            Some(xxh3) if *xxh3 != run.checksum() => {
                Err(damaged("its contents do not match its checksum".to_owned()))
            }
            _ => Ok(run),
        }
    }

    /// Writes the file into the folder of a run.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be written.
    pub(super) fn write(self, folder: &RunFolder) -> Result<(), TrainError> {
        let run = Self { xxh3: Some(self.checksum()), ..self };
        let text = serde_json::to_vec_pretty(&run).expect("a description is plain data");
        folder.write(Self::NAME, &text)
    }

    fn checksum(&self) -> String {
        let rest = Self { xxh3: None, ..self.clone() };
        checksum(&serde_json::to_vec(&rest).expect("a description is plain data"))
    }
}

/// Returns the 128-bit XXH3 of a text, in hexadecimal.
pub(super) fn checksum(text: &[u8]) -> String {
    format!("{:032x}", xxh3_128(text))
}
