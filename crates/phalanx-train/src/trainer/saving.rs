//! What training depends on, as files.

use phalanx_core::env::{pack, unpack};
use phalanx_core::nn;

use super::Trainer;
use crate::algorithms::{Contents, SavedFile};
use crate::checkpoint::policy_file;
use crate::error::TrainError;

impl Trainer {
    /// The networks and the policy's description, as files of a checkpoint.
    ///
    /// # Errors
    ///
    /// When weights cannot be read, or for the reasons of [`Trainer::prepare`].
    pub fn weights(&mut self) -> Result<Vec<SavedFile>, TrainError> {
        let mut files = self.learned(Contents::Weights)?;
        files.push(policy_file(&self.policy()?));
        Ok(files)
    }

    /// The learner as files.
    fn learned(&mut self, contents: Contents) -> Result<Vec<SavedFile>, TrainError> {
        let name = self.config.device.clone();
        let live = self.live()?;
        nn::catch_device_failure(&name, &live.device, || live.learner.save(contents))?
    }

    /// Everything training depends on, as files: networks, optimizers, experience, environments,
    /// random streams, counters.
    ///
    /// # Errors
    ///
    /// When weights cannot be read, or for the reasons of [`Trainer::prepare`].
    pub fn save(&mut self) -> Result<Vec<SavedFile>, TrainError> {
        self.settle()?;
        let mut files = self.learned(Contents::Everything)?;
        files.push(policy_file(&self.policy()?));
        let live = self.live()?;
        for (name, envs) in [("envs.bin", &live.envs), ("test_envs.bin", &live.test_envs)] {
            let mut bytes = Vec::new();
            envs.save(&mut bytes);
            files.push(SavedFile::new(name, bytes));
        }
        // As bits: decimal text would lose the last ones of a sum.
        let mut tally = Vec::new();
        pack(&live.tally, &mut tally);
        files.push(SavedFile::new("tally.bin", tally));
        Ok(files)
    }

    /// Continues exactly where [`Trainer::save`] of a trainer with the same configuration was
    /// called.
    ///
    /// # Errors
    ///
    /// When a file is missing, damaged or belongs to another configuration.
    pub fn load(&mut self, files: &[SavedFile]) -> Result<(), TrainError> {
        let find = |name: &str| {
            files.iter().find(|file| file.name == name).ok_or_else(|| TrainError::NotARun {
                path: name.into(),
                reason: "the file is missing".to_owned(),
            })
        };
        let tally = unpack("the tally", &find("tally.bin")?.bytes)?;
        let live = self.live()?;
        live.learner.load(files)?;
        live.envs.load(&find("envs.bin")?.bytes)?;
        live.test_envs.load(&find("test_envs.bin")?.bytes)?;
        live.tally = tally;
        Ok(())
    }
}
