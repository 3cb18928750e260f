//! Collects rollouts of fixed length for on-policy learners.

use std::sync::Arc;

use phalanx_core::env::{EnvError, EnvSpec, StepRows, StepStatus, VecEnv, pack, unpack};
use phalanx_core::nn::Actor;
use phalanx_core::rl::EpisodeStep;
use tracing::debug_span;

use super::data::Rollout;
use super::env_fault::{EnvFault, Moment, check_limit, check_rows, check_saved_rows, reset};
use super::inputs::InputLayout;
use super::metrics::Metrics;
use super::team_runner::TeamRunner;

/// Collects a fixed number of steps from every environment; episodes continue across rollouts.
pub struct RolloutCollector {
    spec: EnvSpec,
    team: TeamRunner,
    /// Shared with the learner until it has finished its updates.
    rollout: Arc<Rollout>,
    /// Whether the first rollout has begun.
    started: bool,
    /// `[env]`: whether the current row holds the last observation of a truncated episode.
    waiting: Vec<bool>,
    /// `[env]`: whether agents act in the current row; derived from `waiting` in every step.
    acting: Vec<bool>,
    /// `[env]`: whether an episode begins in the next row; derived in every step.
    begins: Vec<bool>,
    /// `[env]`: the return of the running episode.
    total: Vec<f64>,
    /// `[env]`: the length of the running episode.
    length: Vec<usize>,
    /// `[env]`: the same after the current step; derived in every step.
    lengths_after: Vec<usize>,
}

impl RolloutCollector {
    /// Creates a collector for rollouts of `time` steps of `envs` environments.
    pub fn new(
        spec: &EnvSpec,
        inputs: InputLayout,
        carry_dim: usize,
        envs: usize,
        time: usize,
    ) -> Self {
        Self {
            spec: spec.clone(),
            team: TeamRunner::new(inputs, carry_dim, envs),
            rollout: Arc::new(Rollout::new(spec, inputs, carry_dim, envs, time)),
            started: false,
            waiting: vec![false; envs],
            acting: vec![true; envs],
            begins: vec![false; envs],
            total: vec![0.0; envs],
            length: vec![0; envs],
            lengths_after: Vec::with_capacity(envs),
        }
    }

    /// Collects one rollout; for `select` see
    /// [`EpisodeCollector::collect`](super::EpisodeCollector::collect). The rollout is copied if
    /// the caller still holds it when the next one begins.
    ///
    /// # Errors
    ///
    /// Returns an error if an environment breaks its contract, or panics in several resets in a row.
    pub fn collect(
        &mut self,
        envs: &mut dyn VecEnv,
        actor: &Actor,
        mut select: impl FnMut(usize, &[f32], &[bool], &mut [u16]),
        metrics: &mut Metrics,
    ) -> Result<Arc<Rollout>, EnvFault> {
        let (n, agents, masks) = (envs.n_envs(), self.spec.n_agents(), self.spec.avail_len());
        let steps = self.rollout.time;
        let _span = debug_span!(target: "phalanx::rollout", "rollout", envs = n, steps).entered();
        self.start(envs, metrics)?;
        for t in 0..self.rollout.time {
            let rollout = Arc::make_mut(&mut self.rollout);
            for (acts, waits) in self.acting.iter_mut().zip(&self.waiting) {
                *acts = !waits;
            }
            let now = rollout.rows.at_mut(t);
            let outputs = self.team.forward(actor, now.obs);
            let actions = &mut rollout.actions[t * n * agents..(t + 1) * n * agents];
            for (env, &acts) in self.acting.iter().enumerate() {
                let (mask, chosen) =
                    (env * masks..(env + 1) * masks, env * agents..(env + 1) * agents);
                if acts {
                    let chosen = &mut actions[chosen];
                    select(env, &outputs[mask.clone()], &now.avail[mask], chosen);
                } else {
                    actions[chosen].fill(0);
                }
            }
            let inputs = self.team.inputs();
            rollout.input[t * inputs.len()..(t + 1) * inputs.len()].copy_from_slice(inputs);
            for env in (0..n).filter(|&env| self.acting[env]) {
                self.team.record_actions(env, &actions[env * agents..(env + 1) * agents]);
            }
            envs.step(actions, &self.acting, rollout.rows.at_mut(t + 1));
            self.lengths_after.clear();
            self.lengths_after.extend(self.length.iter().map(|length| length + 1));
            let moment = Moment { episode: metrics.episodes, steps: &self.lengths_after };
            check_rows(&self.spec, &rollout.rows.at_mut(t + 1), &self.acting, &moment)?;
            self.record_step(t, metrics);
            check_limit(&self.spec, &self.length, |_| true, metrics.episodes)?;
            if self.begins.contains(&true) {
                let rows = &mut Arc::make_mut(&mut self.rollout).rows;
                reset(&self.spec, envs, &self.begins, rows, t + 1, metrics)?;
            }
            let rollout = Arc::make_mut(&mut self.rollout);
            for (env, &begins) in self.begins.iter().enumerate() {
                rollout.not_reset[(t + 1) * n + env] = if begins { 0.0 } else { 1.0 };
                if begins {
                    self.team.reset(env);
                }
            }
        }
        let rollout = Arc::make_mut(&mut self.rollout);
        let last = rollout.rows.at_mut(rollout.time);
        let inputs = self.team.encode(last.obs);
        let at = rollout.time * inputs.len();
        rollout.input[at..at + inputs.len()].copy_from_slice(inputs);
        Ok(Arc::clone(&self.rollout))
    }

    /// Moves the row after the last rollout to the front, or resets everything before the first
    /// rollout.
    fn start(&mut self, envs: &mut dyn VecEnv, metrics: &mut Metrics) -> Result<(), EnvFault> {
        let n = self.waiting.len();
        if self.started {
            let rollout = Arc::make_mut(&mut self.rollout);
            rollout.rows.copy_step(rollout.time, 0);
            rollout.not_reset.copy_within(rollout.time * n.., 0);
        } else {
            self.begins.fill(true);
            let rows = &mut Arc::make_mut(&mut self.rollout).rows;
            reset(&self.spec, envs, &self.begins, rows, 0, metrics)?;
            Arc::make_mut(&mut self.rollout).not_reset[..n].fill(0.0);
            self.started = true;
        }
        let rollout = Arc::make_mut(&mut self.rollout);
        rollout.hidden.copy_from_slice(self.team.hidden());
        Ok(())
    }

    /// Records the results of step `t`, and in which environments an episode begins in the next
    /// row.
    fn record_step(&mut self, t: usize, metrics: &mut Metrics) {
        let n = self.acting.len();
        let rollout = Arc::make_mut(&mut self.rollout);
        self.begins.fill(false);
        for env in 0..n {
            let (here, next) = (t * n + env, (t + 1) * n + env);
            if !self.acting[env] {
                rollout.steps[here] = EpisodeStep::PADDING;
                self.waiting[env] = false;
                self.begins[env] = true;
                continue;
            }
            let (reward, status) = (rollout.rows.reward[next], rollout.rows.status[next]);
            metrics.t_env += 1;
            self.total[env] += f64::from(reward);
            self.length[env] += 1;
            let status = status.with_timeout(self.spec.timeout_is_terminal);
            rollout.steps[here] = EpisodeStep { reward, status, filled: true };
            if status == StepStatus::Crashed {
                metrics.crashes += 1;
            } else if status.is_over() {
                let info = &rollout.rows.info[next * self.spec.info.len()..];
                metrics.episode(&self.spec, self.total[env], self.length[env], info);
            }
            if status.is_over() {
                (self.total[env], self.length[env]) = (0.0, 0);
                self.waiting[env] = status == StepStatus::Truncated;
                self.begins[env] = !self.waiting[env];
            }
        }
    }

    /// Appends to `out` everything that the next rollout depends on.
    pub fn save(&self, out: &mut Vec<u8>) {
        let mut team = Vec::new();
        self.team.save(&mut team);
        let n = self.waiting.len();
        let last = self.rollout.time;
        let not_reset = &self.rollout.not_reset[last * n..];
        let rest = (self.started, &self.waiting, &self.total, &self.length);
        pack(&(&self.rollout.rows, not_reset, team, rest), out);
    }

    /// Restores the state written by [`RolloutCollector::save`] for a collector of the same size.
    ///
    /// # Errors
    ///
    /// Returns an error if the bytes are damaged or belong to a collector of another size.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        type Saved = (StepRows, Vec<f32>, Vec<u8>, (bool, Vec<bool>, Vec<f64>, Vec<usize>));
        let what = "a rollout";
        let (mut rows, not_reset, team, (started, waiting, total, length)): Saved =
            unpack(what, bytes)?;
        let n = self.waiting.len();
        let same = rows.is_like(&self.rollout.rows)
            && [waiting.len(), not_reset.len(), total.len(), length.len()] == [n; 4];
        if !same {
            let reason = "it belongs to rollouts of another size".to_owned();
            return Err(EnvError::BadState { what: what.to_owned(), reason });
        }
        // Before the first rollout the rows are empty.
        if started {
            check_saved_rows(&self.spec, &mut rows, self.rollout.time)?;
        }
        self.team.load(&team)?;
        let last = self.rollout.time * waiting.len();
        let rollout = Arc::make_mut(&mut self.rollout);
        rollout.rows = rows;
        rollout.not_reset[last..].copy_from_slice(&not_reset);
        (self.started, self.waiting, self.total, self.length) = (started, waiting, total, length);
        Ok(())
    }
}
