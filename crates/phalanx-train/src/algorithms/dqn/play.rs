//! The running episodes of DQN.

use std::sync::Arc;

use phalanx_core::env::{EnvError, EnvSpec, StepRows, pack, unpack};

use super::transitions::{TransitionSizes, View};
use crate::error::TrainError;
use crate::rollout::{TeamRunner, check_saved_rows};

/// The running episodes.
pub(super) struct Play {
    pub(super) team: TeamRunner,
    pub(super) rows: StepRows,
    /// `[env]`: what the agents see now; empty before the first episode.
    pub(super) views: Vec<Arc<View>>,
    /// `[env, agent]`.
    pub(super) actions: Vec<u16>,
    /// `[env]`: the return of the running episode.
    pub(super) totals: Vec<f64>,
    /// `[env]`: the length of the running episode.
    pub(super) lengths: Vec<usize>,
}

impl Play {
    /// Computes the inputs of the agents' networks from the current observations.
    pub(super) fn encode(&mut self) {
        self.team.encode(&self.rows.obs);
    }

    /// Copies what the agents of an environment saw at the last [`Play::encode`].
    pub(super) fn view(&self, env: usize) -> Arc<View> {
        fn part<T: Copy>(all: &[T], env: usize, n_envs: usize) -> Box<[T]> {
            let len = all.len() / n_envs;
            all[env * len..(env + 1) * len].into()
        }
        let n_envs = self.rows.n_envs;
        let (input, avail) = (self.team.inputs(), &self.rows.avail);
        Arc::new(View { input: part(input, env, n_envs), avail: part(avail, env, n_envs) })
    }

    /// Appends the state of the running episodes to `out`.
    pub(super) fn save(&self, out: &mut Vec<u8>) {
        let mut team = Vec::new();
        self.team.save(&mut team);
        let views: Vec<&View> = self.views.iter().map(|view| &**view).collect();
        pack(&(&self.rows, team, views, &self.totals, &self.lengths), out);
    }

    /// Restores a state written by [`Play::save`] for the same number of environments.
    pub(super) fn load(
        &mut self,
        bytes: &[u8],
        spec: &EnvSpec,
        sizes: TransitionSizes,
    ) -> Result<(), TrainError> {
        type Saved = (StepRows, Vec<u8>, Vec<View>, Vec<f64>, Vec<usize>);
        let (mut rows, team, views, totals, lengths): Saved =
            unpack("the running episodes", bytes)?;
        let same = rows.is_like(&self.rows)
            && [0, self.rows.n_envs].contains(&views.len())
            && views.iter().all(|view| sizes.fits_view(view))
            && (totals.len(), lengths.len()) == (self.totals.len(), self.lengths.len());
        if !same {
            let what = "the running episodes".to_owned();
            let reason = "they belong to environments of another size".to_owned();
            return Err(EnvError::BadState { what, reason }.into());
        }
        // Before the first step the rows are empty.
        if !views.is_empty() {
            check_saved_rows(spec, &mut rows, 0)?;
        }
        self.team.load(&team)?;
        (self.rows, self.totals, self.lengths) = (rows, totals, lengths);
        self.views = views.into_iter().map(Arc::new).collect();
        Ok(())
    }
}
