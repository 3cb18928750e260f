//! Whole episodes, for learners with a replay memory and for evaluation.

use phalanx_core::env::{End, EnvSpec, Rows, VecEnv};
use phalanx_core::nn::Actor;

use super::inputs::InputLayout;
use super::tally::Tally;
use super::team::Team;
use crate::replay::Episode;

/// Plays one episode in every environment of a batch.
///
/// Environments whose episode is over wait for the others, as in PyMARL's parallel runner, so that
/// long and short episodes are collected in equal numbers.
pub struct EpisodeCollector {
    spec: EnvSpec,
    team: Team,
    rows: Rows,
    /// `[time, env, agent]`.
    actions: Vec<u16>,
}

impl EpisodeCollector {
    /// A collector for `n_envs` environments and a policy with `carry_dim` memory per agent.
    pub fn new(spec: &EnvSpec, inputs: InputLayout, carry_dim: usize, n_envs: usize) -> Self {
        let limit = spec.episode_limit;
        Self {
            spec: spec.clone(),
            team: Team::new(inputs, carry_dim, n_envs),
            rows: Rows::new(spec, n_envs, limit + 1),
            actions: vec![0; limit * n_envs * spec.n_agents()],
        }
    }

    /// Plays the episodes. `select` turns the outputs and masks of all agents of one environment,
    /// `[agent, n_actions]`, into actions `[agent]`; its first argument is the environment.
    ///
    /// The episodes come back in the order of their environments; those in which an environment
    /// panicked are left out and counted.
    pub fn collect(
        &mut self,
        envs: &mut dyn VecEnv,
        actor: &Actor,
        mut select: impl FnMut(usize, &[f32], &[bool], &mut [u16]),
        tally: &mut Tally,
    ) -> Vec<Episode> {
        let (n_envs, n_agents) = (envs.n_envs(), self.spec.n_agents());
        let mut playing = vec![true; n_envs];
        let mut ended: Vec<Option<(usize, End)>> = vec![None; n_envs];
        envs.reset(&playing, self.rows.at_mut(0));
        for (env, playing) in playing.iter_mut().enumerate() {
            self.team.begin(env);
            if self.rows.end[env] == End::Crashed {
                ended[env] = Some((0, End::Crashed));
                *playing = false;
            }
        }
        for t in 0..self.spec.episode_limit {
            if !playing.contains(&true) {
                break;
            }
            let now = self.rows.at_mut(t);
            let outputs = self.team.think(actor, now.obs);
            let actions = &mut self.actions[t * n_envs * n_agents..][..n_envs * n_agents];
            for env in (0..n_envs).filter(|&env| playing[env]) {
                let mask = env * self.spec.avail_len()..(env + 1) * self.spec.avail_len();
                let chosen = &mut actions[env * n_agents..(env + 1) * n_agents];
                select(env, &outputs[mask.clone()], &now.avail[mask], chosen);
            }
            for env in (0..n_envs).filter(|&env| playing[env]) {
                self.team.remember(env, &actions[env * n_agents..(env + 1) * n_agents]);
            }
            envs.step(actions, &playing, self.rows.at_mut(t + 1));
            for (env, playing) in playing.iter_mut().enumerate() {
                let end = self.rows.end[(t + 1) * n_envs + env];
                if *playing {
                    tally.t_env += 1;
                    if end.is_over() {
                        ended[env] = Some((t + 1, end));
                        *playing = false;
                    }
                }
            }
        }
        self.harvest(&ended, n_envs, tally)
    }

    /// Cuts the finished episodes out of the rows.
    fn harvest(
        &self,
        ended: &[Option<(usize, End)>],
        n_envs: usize,
        tally: &mut Tally,
    ) -> Vec<Episode> {
        let mut episodes = Vec::with_capacity(n_envs);
        for (env, ended) in ended.iter().enumerate() {
            let (length, end) = ended.unwrap_or((self.spec.episode_limit, End::Truncated));
            if end == End::Crashed {
                tally.crashes += 1;
                continue;
            }
            let terminated = end == End::Terminated || self.spec.timeout_is_terminal;
            let episode =
                Episode::cut(&self.spec, &self.rows, &self.actions, env, length, terminated);
            let info_len = self.spec.info.len();
            let info = &self.rows.info[(length * n_envs + env) * info_len..][..info_len];
            let total = episode.reward.iter().map(|&r| f64::from(r)).sum();
            tally.episode(&self.spec, total, length, info);
            episodes.push(episode);
        }
        episodes
    }
}
