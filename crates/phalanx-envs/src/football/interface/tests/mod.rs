//! Tests of the scenarios, the interface, the controllers and the referee.

mod arguments;
mod control;
mod ends;
mod observations;
mod play;
mod referee;
mod rewards;
mod scenarios;

use phalanx_core::env::{Env, StepResult};

use super::{Football, FootballArgs, IDLE};
use crate::football::Scenario;
use crate::football::engine::Match;
use crate::football::engine::state::{Kick, PlayerId};
use crate::football::engine::vec2::Vec2;

type Field = crate::fixture::Fixture<Football>;

impl Field {
    /// Starts an episode of a scenario, with arguments as TOML.
    fn of(scenario: &str, args: &str) -> Self {
        let scenario = Scenario::named(scenario).expect("the scenario exists");
        let args = args.parse().expect("valid TOML");
        let args = FootballArgs::from_table(&args).expect("the test's arguments are valid");
        Self::start(Football::new(scenario, args).expect("the test's arguments fit the scenario"))
    }

    fn game(&mut self) -> &mut Match {
        self.env.game_mut()
    }

    fn row(&self, agent: usize) -> &[f32] {
        let obs_dim = self.env.spec().obs_dim;
        &self.rows.obs[agent * obs_dim..][..obs_dim]
    }

    fn mask(&self, agent: usize) -> &[bool] {
        let n_actions = self.env.spec().n_actions;
        &self.rows.avail[agent * n_actions..][..n_actions]
    }

    /// Plays a step in which agent 0 plays `action` and the others nothing.
    fn first_plays(&mut self, action: u16) -> StepResult {
        let mut actions = vec![IDLE; self.env.spec().n_agents()];
        actions[0] = action;
        self.step(&actions)
    }

    fn idle(&mut self) -> StepResult {
        self.first_plays(IDLE)
    }

    fn info(&self, name: &str) -> f32 {
        let index = self.env.spec().info.iter().position(|info| info == name);
        self.rows.info[index.expect("the value is reported")]
    }
}

const fn id(team: u8, index: u8) -> PlayerId {
    PlayerId { team, index }
}

/// Gives a player the ball: it has just touched it and runs with it.
fn give_ball(game: &mut Match, player: PlayerId) {
    let here = game.player(player).position;
    let feet = here + Vec2::new(0.4, 0.0) * Match::attack(usize::from(player.team));
    game.place_ball(feet);
    game.record_touch(player, None);
}

/// Returns the kick that a player is commanded to make.
fn commanded_kick(game: &Match, player: PlayerId) -> Option<Kick> {
    game.player(player).command.kick.map(|request| request.kick)
}

/// Tolerance for numbers that the original prints with four digits.
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-4);
    assert!(close, "{what}: {found:?} is not {expected:?}");
}

impl Field {
    /// Writes observations again after the test has changed the match.
    fn rewrite(&mut self) {
        self.env.look();
        self.play(|env, _, out| env.write(out, &[0.0; 11]));
    }
}
