//! The state of training, as files.

use std::path::Path;

use phalanx_core::env::{pack, unpack};
use phalanx_core::nn;

use super::trainer::Trainer;
use crate::algorithms::{NamedFile, SaveScope};
use crate::error::TrainError;
use crate::run::checkpoint::{StateIdentity, configuration_file, policy_file};
use crate::run::{RunFolder, RunInfo};

impl Trainer {
    /// Returns the networks, the description of the policy and the configuration of its training as files of a
    /// checkpoint.
    ///
    /// # Errors
    ///
    /// Returns an error if weights cannot be read, and the errors of [`Trainer::prepare`].
    pub fn weights(&mut self) -> Result<Vec<NamedFile>, TrainError> {
        let mut files = self.learner_files(SaveScope::Weights)?;
        files.push(policy_file(&self.policy()?));
        files.push(configuration_file(&self.info()?));
        Ok(files)
    }

    /// Returns the description of the run.
    pub(super) fn info(&mut self) -> Result<RunInfo, TrainError> {
        Ok(RunInfo {
            alg: self.algorithm().id().to_owned(),
            env: self.spec()?.id,
            config: self.table(),
        })
    }

    /// Returns the identity of the saved states of this run, in the folder `path`.
    pub(super) fn identity(&mut self, path: &Path) -> Result<StateIdentity, TrainError> {
        let (run, initial_weights) = RunFolder::at(path).origin().unwrap_or_default();
        Ok(StateIdentity { run, config: self.info()?.to_toml(), initial_weights })
    }

    /// Returns the learner as files.
    fn learner_files(&mut self, scope: SaveScope) -> Result<Vec<NamedFile>, TrainError> {
        let name = self.config.device.clone();
        let session = self.session()?;
        nn::catch_device_failure(&name, &session.device, || session.learner.save(scope))?
    }

    /// Returns the full training state as files: networks, optimizers, replay buffer or rollout,
    /// environments, random streams and counters.
    ///
    /// # Errors
    ///
    /// Returns an error if weights cannot be read, and the errors of [`Trainer::prepare`].
    pub fn save(&mut self) -> Result<Vec<NamedFile>, TrainError> {
        self.flush()?;
        let mut files = self.learner_files(SaveScope::Full)?;
        files.push(policy_file(&self.policy()?));
        let session = self.session()?;
        for (name, envs) in [("envs.bin", &session.envs), ("test_envs.bin", &session.test_envs)] {
            let mut bytes = Vec::new();
            envs.save(&mut bytes);
            files.push(NamedFile::new(name, bytes));
        }
        // In binary, because decimal text would lose the last bits of a sum.
        let mut metrics = Vec::new();
        pack(&session.metrics, &mut metrics);
        files.push(NamedFile::new("tally.bin", metrics));
        Ok(files)
    }

    /// Restores a state written by [`Trainer::save`] for a trainer with the same configuration.
    ///
    /// # Errors
    ///
    /// Returns an error if a file is missing, damaged or belongs to another configuration.
    pub fn load(&mut self, files: &[NamedFile]) -> Result<(), TrainError> {
        let find = |name: &str| {
            files.iter().find(|file| file.name == name).ok_or_else(|| TrainError::NotARun {
                path: name.into(),
                reason: "the file is missing".to_owned(),
            })
        };
        let metrics = unpack("the metrics", &find("tally.bin")?.bytes)?;
        let session = self.prepared()?;
        session.learner.load(files)?;
        session.initialised = true;
        session.envs.load(&find("envs.bin")?.bytes)?;
        session.test_envs.load(&find("test_envs.bin")?.bytes)?;
        session.metrics = metrics;
        session.counted = (session.metrics.episodes, session.metrics.crashes);
        Ok(())
    }
}
