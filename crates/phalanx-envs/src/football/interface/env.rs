//! The environment: reset, step, save and load.

use phalanx_core::env::{
    Description, Env, EnvError, EnvSpec, StepBuffers, StepResult, StepStatus, pack, unpack,
};
use phalanx_core::rng::Rng;
use serde_json::{Map, Value};

use super::actions::{self, IDLE, LEFT, SHORT_PASS};
use super::args::{ActionSet, Observe};
use super::describe;
use super::ending::{Ending, Umpire};
use super::football::{Episode, Football};
use super::mask;
use super::observation::Frames;
use super::reward::{self, Rewarder};
use super::scripted::{self, SCRIPTED_POLICIES, WITHOUT_BUILTIN};
use super::start;
use super::view::View;
use crate::football::engine::control;
use crate::football::engine::pitch::FRAMES_PER_STEP;
use crate::football::engine::state::{GameMode, TEAM_SIZE};

/// The action *right*.
const RIGHT: u16 = 5;
/// The steps after which an awaited restart is forced by a short pass.
const PATIENCE: u32 = 20;
/// The steps after which the holder of the ball walks back instead of forward.
const WALK_BACK: u32 = 30;

impl Env for Football {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.episode = Episode {
            game: start::begin(self.scenario, &self.args, rng),
            step: 0,
            rewarder: Rewarder::default(),
            umpire: Umpire::default(),
            ending: None,
            waiting: 0,
            frames: Frames::default(),
        };
        self.look();
        self.episode.frames.begin(&self.view);
        self.write(out, &[0.0; TEAM_SIZE]);
    }

    fn step(&mut self, actions: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        for (agent, &action) in actions.iter().enumerate() {
            let known = usize::from(action) < self.spec.n_actions;
            assert!(known, "agent {agent} has no action {action}");
        }
        self.play(actions, rng);
        self.settle(out)
    }

    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.episode, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let episode: Episode = unpack(&self.spec.id, bytes)?;
        let (game, agents) = (&episode.game, self.args.agents);
        // Before the first episode there are no players.
        let begun = game.counts != [0, 0];
        let counts = self.scenario.teams.map(<[_]>::len);
        if begun && (game.counts != counts || game.control.counts != [agents, 0]) {
            let reason = "it is the state of a match with other teams or agents".to_owned();
            return Err(EnvError::BadState { what: self.spec.id.clone(), reason });
        }
        self.view = if begun { View::of(game, 0) } else { View::default() };
        self.episode = episode;
        Ok(())
    }

    fn scripted_policies(&self) -> &'static [(&'static str, &'static str)] {
        match self.args.action_set {
            ActionSet::Default => &SCRIPTED_POLICIES[..WITHOUT_BUILTIN],
            ActionSet::V2 => SCRIPTED_POLICIES,
        }
    }

    fn scripted_actions(
        &mut self,
        policy: usize,
        avail: &[bool],
        rng: &mut Rng,
        actions: &mut [u16],
    ) {
        assert_eq!(actions.len(), self.spec.n_agents(), "one action per agent");
        assert!(policy < self.scripted_policies().len(), "there is no scripted policy {policy}");
        scripted::choose(policy, &self.view, avail, rng, actions);
    }

    fn describe(&self) -> Description {
        describe::describe(self)
    }

    fn frame(&self) -> Map<String, Value> {
        describe::frame(self)
    }
}

impl Football {
    /// Updates what is seen of the match.
    pub(super) fn look(&mut self) {
        self.view = View::of(&self.episode.game, 0);
    }

    /// Presses the keys of a step and plays its frames.
    fn play(&mut self, actions: &[u16], rng: &mut Rng) {
        let mut pressed = [IDLE; TEAM_SIZE];
        for (agent, (pressed, &action)) in pressed.iter_mut().zip(actions).enumerate() {
            *pressed = self.impatient(agent).unwrap_or(action);
        }
        let game = &mut self.episode.game;
        control::press(
            game,
            0,
            pressed[..actions.len()].iter().map(|&action| actions::key(action)),
        );
        for _ in 0..FRAMES_PER_STEP {
            game.frame(rng);
        }
        control::end_step(game);
        self.episode.step += 1;
        self.look();
        if self.args.obs == Observe::Planes {
            self.episode.frames.push(&self.view);
        }
    }

    /// Returns the action that replaces that of an agent while a restart is delayed: first a short
    /// pass, then nothing, but a holder of the ball walks.
    fn impatient(&self, agent: usize) -> Option<u16> {
        let waiting = self.episode.waiting;
        if waiting < PATIENCE {
            return None;
        }
        if waiting == PATIENCE {
            return Some(SHORT_PASS);
        }
        let holds = self.view.active[agent].is_some_and(|index| self.view.owns(index));
        Some(match () {
            () if !holds => IDLE,
            () if waiting < WALK_BACK => RIGHT,
            () => LEFT,
        })
    }

    /// Ends the step: ends of the episode, rewards and observations.
    fn settle(&mut self, out: StepBuffers<'_>) -> StepResult {
        let agents = self.args.agents;
        let Episode { umpire, rewarder, ending, waiting, step, .. } = &mut self.episode;
        *ending = umpire.judge(self.scenario, self.args.reward, agents, &self.view);
        *waiting = if self.view.mode == GameMode::Normal { 0 } else { *waiting + 1 };
        let status = match ending {
            Some(_) => StepStatus::Terminated,
            None if *step >= self.args.episode_limit => StepStatus::Truncated,
            None => StepStatus::Running,
        };
        let mut rewards = [0.0; TEAM_SIZE];
        rewarder.settle(self.args.reward, &self.view, status.is_over(), &mut rewards[..agents]);
        self.write(out, &rewards);
        let reward = reward::of_team(self.args.team_reward, &rewards[..agents]);
        StepResult { reward, status }
    }

    /// Writes every slice.
    pub(super) fn write(&self, mut out: StepBuffers<'_>, rewards: &[f32; TEAM_SIZE]) {
        let Episode { game, step, rewarder, ending, frames, .. } = &self.episode;
        self.writer.write_state(&self.view, *step, out.state);
        for agent in 0..self.args.agents {
            let row = out.agent(agent);
            self.writer.write(&self.view, frames, agent, *step, row.obs);
            mask::write(self.args.masks, &self.view, agent, row.avail);
            // A player that is sent off is lost to its agent, unless controllers switch.
            let player = self.view.active[agent].map(|index| &game.players[0][usize::from(index)]);
            let lost =
                !control::may_switch(game, 0) && player.is_none_or(|player| !player.on_pitch);
            *row.alive = !lost;
            if lost {
                row.avail.fill(false);
                row.avail[usize::from(IDLE)] = true;
            }
        }
        if self.spec.agent_rewards {
            out.agent_rewards.copy_from_slice(&rewards[..self.args.agents]);
        }
        let [ours, theirs] = self.view.score.map(|goals| goals as f32);
        let is = |reason| if *ending == Some(reason) { 1.0 } else { 0.0 };
        let collected = rewarder.collected[..self.args.agents].iter();
        let collected = collected.map(|&count| f32::from(count)).sum::<f32>();
        out.info.copy_from_slice(&[
            if ours > theirs { 1.0 } else { 0.0 },
            ours,
            theirs,
            ours - theirs,
            is(Ending::OutOfPlay),
            is(Ending::PossessionLost),
            collected / self.args.agents as f32,
        ]);
    }
}
