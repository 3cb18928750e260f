//! Segments of fixed length, for on-policy learners.

use std::sync::Arc;

use phalanx_core::env::{End, EnvError, EnvSpec, Rows, VecEnv, pack, unpack};
use phalanx_core::nn::Actor;
use phalanx_core::rl::Step;

use super::inputs::InputLayout;
use super::tally::Tally;
use super::team::Team;
use crate::replay::Segment;

/// Plays a fixed number of steps in every environment; episodes go on from segment to segment.
pub struct SegmentCollector {
    spec: EnvSpec,
    team: Team,
    /// Shared with the learner until it has learned from it.
    segment: Arc<Segment>,
    /// Whether anything was played yet.
    started: bool,
    /// `[env]`: the present row holds the last observation of a truncated episode.
    waiting: Vec<bool>,
    /// `[env]`: somebody acts in the present row; derived from `waiting` in every step.
    acting: Vec<bool>,
    /// `[env]`: an episode begins in the next row; derived in every step.
    begins: Vec<bool>,
    /// `[env]`: the return of the running episode.
    total: Vec<f64>,
    /// `[env]`: the length of the running episode.
    length: Vec<usize>,
}

impl SegmentCollector {
    /// A collector of segments of `time` steps of `envs` environments.
    pub fn new(
        spec: &EnvSpec,
        inputs: InputLayout,
        carry_dim: usize,
        envs: usize,
        time: usize,
    ) -> Self {
        Self {
            spec: spec.clone(),
            team: Team::new(inputs, carry_dim, envs),
            segment: Arc::new(Segment::new(spec, inputs, carry_dim, envs, time)),
            started: false,
            waiting: vec![false; envs],
            acting: vec![true; envs],
            begins: vec![false; envs],
            total: vec![0.0; envs],
            length: vec![0; envs],
        }
    }

    /// Plays one segment. `select` is that of
    /// [`EpisodeCollector::collect`](super::EpisodeCollector::collect). Who keeps the segment until the next
    /// one is played costs a copy of it.
    pub fn collect(
        &mut self,
        envs: &mut dyn VecEnv,
        actor: &Actor,
        mut select: impl FnMut(usize, &[f32], &[bool], &mut [u16]),
        tally: &mut Tally,
    ) -> Arc<Segment> {
        let (n, agents, masks) = (envs.n_envs(), self.spec.n_agents(), self.spec.avail_len());
        self.start(envs);
        for t in 0..self.segment.time {
            let segment = Arc::make_mut(&mut self.segment);
            for (acts, waits) in self.acting.iter_mut().zip(&self.waiting) {
                *acts = !waits;
            }
            let now = segment.rows.at_mut(t);
            let outputs = self.team.think(actor, now.obs);
            let actions = &mut segment.actions[t * n * agents..(t + 1) * n * agents];
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
            segment.input[t * inputs.len()..(t + 1) * inputs.len()].copy_from_slice(inputs);
            for env in (0..n).filter(|&env| self.acting[env]) {
                self.team.remember(env, &actions[env * agents..(env + 1) * agents]);
            }
            envs.step(actions, &self.acting, segment.rows.at_mut(t + 1));
            self.close_step(t, tally);
            let segment = Arc::make_mut(&mut self.segment);
            if self.begins.contains(&true) {
                envs.reset(&self.begins, segment.rows.at_mut(t + 1));
            }
            for (env, &begins) in self.begins.iter().enumerate() {
                segment.keep[(t + 1) * n + env] = if begins { 0.0 } else { 1.0 };
                if begins {
                    self.team.begin(env);
                }
            }
        }
        let segment = Arc::make_mut(&mut self.segment);
        let last = segment.rows.at_mut(segment.time);
        let inputs = self.team.look(last.obs);
        let at = segment.time * inputs.len();
        segment.input[at..at + inputs.len()].copy_from_slice(inputs);
        Arc::clone(&self.segment)
    }

    /// Brings the rows behind the last segment to the front, or resets everything once.
    fn start(&mut self, envs: &mut dyn VecEnv) {
        let n = self.waiting.len();
        let segment = Arc::make_mut(&mut self.segment);
        if self.started {
            segment.rows.copy_step(segment.time, 0);
            segment.keep.copy_within(segment.time * n.., 0);
        } else {
            envs.reset(&vec![true; n], segment.rows.at_mut(0));
            segment.keep[..n].fill(0.0);
            self.started = true;
        }
        segment.hidden.copy_from_slice(self.team.hidden());
    }

    /// Notes what step `t` brought, and which environments begin an episode in the next row.
    fn close_step(&mut self, t: usize, tally: &mut Tally) {
        let n = self.acting.len();
        let segment = Arc::make_mut(&mut self.segment);
        self.begins.fill(false);
        for env in 0..n {
            let (here, next) = (t * n + env, (t + 1) * n + env);
            if !self.acting[env] {
                segment.step[here] = Step::Idle;
                segment.reward[here] = 0.0;
                segment.valid[here] = false;
                self.waiting[env] = false;
                self.begins[env] = true;
                continue;
            }
            let (reward, end) = (segment.rows.reward[next], segment.rows.end[next]);
            tally.t_env += 1;
            self.total[env] += f64::from(reward);
            self.length[env] += 1;
            segment.reward[here] = reward;
            segment.valid[here] = end != End::Crashed;
            segment.step[here] = match end {
                End::Running => Step::Running,
                End::Terminated | End::Crashed => Step::Terminated,
                End::Truncated if self.spec.timeout_is_terminal => Step::Terminated,
                End::Truncated => Step::Truncated,
            };
            if end == End::Crashed {
                tally.crashes += 1;
            } else if end.is_over() {
                let info = &segment.rows.info[next * self.spec.info.len()..];
                tally.episode(&self.spec, self.total[env], self.length[env], info);
            }
            if end.is_over() {
                (self.total[env], self.length[env]) = (0.0, 0);
                self.waiting[env] = segment.step[here] == Step::Truncated;
                self.begins[env] = !self.waiting[env];
            }
        }
    }

    /// Appends everything the next segment depends on.
    pub fn save(&self, out: &mut Vec<u8>) {
        let mut team = Vec::new();
        self.team.save(&mut team);
        let n = self.waiting.len();
        let last = self.segment.time;
        let keep = &self.segment.keep[last * n..];
        let rest = (self.started, &self.waiting, &self.total, &self.length);
        pack(&(&self.segment.rows, keep, team, rest), out);
    }

    /// Takes over what [`SegmentCollector::save`] of a collector of the same size wrote.
    ///
    /// # Errors
    ///
    /// When the bytes are damaged or of another size.
    pub fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        type Saved = (Rows, Vec<f32>, Vec<u8>, (bool, Vec<bool>, Vec<f64>, Vec<usize>));
        let what = "a rollout";
        let (rows, keep, team, (started, waiting, total, length)): Saved = unpack(what, bytes)?;
        let same = rows.obs.len() == self.segment.rows.obs.len()
            && rows.state.len() == self.segment.rows.state.len()
            && waiting.len() == self.waiting.len()
            && keep.len() == waiting.len();
        if !same {
            let reason = "it is of another size".to_owned();
            return Err(EnvError::BadState { what: what.to_owned(), reason });
        }
        self.team.load(&team)?;
        let last = self.segment.time * waiting.len();
        let segment = Arc::make_mut(&mut self.segment);
        segment.rows = rows;
        segment.keep[last..].copy_from_slice(&keep);
        (self.started, self.waiting, self.total, self.length) = (started, waiting, total, length);
        Ok(())
    }
}
