//! Collects whole episodes for learners with a replay buffer.

use phalanx_core::env::{EnvSpec, StepRows, StepStatus, VecEnv};
use phalanx_core::nn::Actor;
use tracing::debug_span;

use super::env_fault::{EnvFault, Moment, check_limit, check_rows};
use super::inputs::InputLayout;
use super::metrics::Metrics;
use super::team_runner::TeamRunner;
use crate::replay::Episode;

/// Collects one episode from every environment of a batch.
///
/// Environments whose episode has ended wait for the others, as in PyMARL's parallel runner, so
/// that the collected episodes are not biased towards short ones.
pub struct EpisodeCollector {
    spec: EnvSpec,
    team: TeamRunner,
    rows: StepRows,
    /// `[time, env, agent]`.
    actions: Vec<u16>,
}

impl EpisodeCollector {
    /// Creates a collector for `n_envs` environments and a policy with hidden states of length
    /// `carry_dim`.
    pub fn new(spec: &EnvSpec, inputs: InputLayout, carry_dim: usize, n_envs: usize) -> Self {
        let limit = spec.episode_limit;
        Self {
            spec: spec.clone(),
            team: TeamRunner::new(inputs, carry_dim, n_envs),
            rows: StepRows::new(spec, n_envs, limit + 1),
            actions: vec![0; limit * n_envs * spec.n_agents()],
        }
    }

    /// Collects one episode per environment. `select` turns the outputs and masks of all agents of
    /// one environment, `[agent, n_actions]`, into actions, `[agent]`; its first argument is the
    /// index of the environment.
    ///
    /// Returns the episodes in the order of their environments. Episodes in which the environment
    /// panicked are left out and counted.
    ///
    /// # Errors
    ///
    /// Returns an error if an environment breaks its contract.
    pub fn collect(
        &mut self,
        envs: &mut dyn VecEnv,
        actor: &Actor,
        mut select: impl FnMut(usize, &[f32], &[bool], &mut [u16]),
        metrics: &mut Metrics,
    ) -> Result<Vec<Episode>, EnvFault> {
        let (n_envs, n_agents) = (envs.n_envs(), self.spec.n_agents());
        let _span = debug_span!(target: "phalanx::rollout", "rollout", envs = n_envs).entered();
        let mut playing = vec![true; n_envs];
        let mut ended: Vec<Option<(usize, StepStatus)>> = vec![None; n_envs];
        envs.reset(&playing, self.rows.at_mut(0));
        for (env, playing) in playing.iter_mut().enumerate() {
            self.team.reset(env);
            if self.rows.status[env] == StepStatus::Crashed {
                ended[env] = Some((0, StepStatus::Crashed));
                *playing = false;
            }
        }
        let moment = Moment { episode: metrics.episodes, steps: &[0] };
        check_rows(&self.spec, &self.rows.at_mut(0), &playing, &moment)?;
        for t in 0..self.spec.episode_limit {
            if !playing.contains(&true) {
                break;
            }
            let now = self.rows.at_mut(t);
            let outputs = self.team.forward(actor, now.obs);
            let actions = &mut self.actions[t * n_envs * n_agents..][..n_envs * n_agents];
            for env in (0..n_envs).filter(|&env| playing[env]) {
                let mask = env * self.spec.avail_len()..(env + 1) * self.spec.avail_len();
                let chosen = &mut actions[env * n_agents..(env + 1) * n_agents];
                select(env, &outputs[mask.clone()], &now.avail[mask], chosen);
            }
            for env in (0..n_envs).filter(|&env| playing[env]) {
                self.team.record_actions(env, &actions[env * n_agents..(env + 1) * n_agents]);
            }
            envs.step(actions, &playing, self.rows.at_mut(t + 1));
            let moment = Moment { episode: metrics.episodes, steps: &[t + 1] };
            check_rows(&self.spec, &self.rows.at_mut(t + 1), &playing, &moment)?;
            for (env, playing) in playing.iter_mut().enumerate() {
                let status = self.rows.status[(t + 1) * n_envs + env];
                if *playing {
                    metrics.t_env += 1;
                    if status.is_over() {
                        ended[env] = Some((t + 1, status));
                        *playing = false;
                    }
                }
            }
        }
        let lengths = vec![self.spec.episode_limit; n_envs];
        check_limit(&self.spec, &lengths, |env| playing[env], metrics.episodes)?;
        Ok(self.finish_episodes(&ended, n_envs, metrics))
    }

    /// Copies the finished episodes from the rows.
    fn finish_episodes(
        &self,
        ended: &[Option<(usize, StepStatus)>],
        n_envs: usize,
        metrics: &mut Metrics,
    ) -> Vec<Episode> {
        let mut episodes = Vec::with_capacity(n_envs);
        for (env, ended) in ended.iter().enumerate() {
            let (length, status) = ended.expect("every episode has ended");
            if status == StepStatus::Crashed {
                metrics.crashes += 1;
                continue;
            }
            let terminated = status.with_timeout(self.spec.timeout_is_terminal).is_terminal();
            let episode =
                Episode::from_rows(&self.spec, &self.rows, &self.actions, env, length, terminated);
            let info_len = self.spec.info.len();
            let info = &self.rows.info[(length * n_envs + env) * info_len..][..info_len];
            let total = episode.reward.iter().map(|&r| f64::from(r)).sum();
            metrics.episode(&self.spec, total, length, info);
            episodes.push(episode);
        }
        episodes
    }
}
