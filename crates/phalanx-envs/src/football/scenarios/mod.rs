//! The scenarios: who starts where, and when an episode ends.

mod line_ups;
mod table;

pub use table::SCENARIOS;

use super::engine::state::Role;

/// A player's place at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The coordinates of the original's scenario files, in the player's own frame: its team
    /// attacks towards positive `x`. A unit is 55 m along `x` and 84.96 m along `y`.
    pub at: [f32; 2],
    /// The role.
    pub role: Role,
    /// Whether the player never acts on its own.
    pub lazy: bool,
    /// Whether a controller may hold the player.
    pub controllable: bool,
}

/// A scenario of Google Research Football.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scenario {
    /// The original's name: `academy_3_vs_1_with_keeper`.
    pub name: &'static str,
    /// One sentence about the task.
    pub summary: &'static str,
    /// The ball at the start, in observed units.
    pub ball: [f32; 2],
    /// The two teams; the second starts on the right, unless the teams
    /// [alternate](Scenario::alternates).
    pub teams: [&'static [Placed]; 2],
    /// The length of an episode, in steps (the original's `game_duration`).
    pub duration: usize,
    /// The step after which the second half begins.
    pub second_half: Option<usize>,
    /// The difficulty of the left and of the right team, from 0 to 1.
    pub difficulty: [f32; 2],
    /// Whether offside is penalised.
    pub offsides: bool,
    /// Whether a goal ends the episode.
    pub end_on_score: bool,
    /// Whether a whistle ends the episode.
    pub end_on_out_of_play: bool,
    /// Whether the episode ends when the other team wins the ball.
    pub end_on_possession_change: bool,
    /// Whether the two line-ups change sides from episode to episode; the first one kicks off.
    pub alternates: bool,
    /// The number of agents that studies use.
    pub agents: usize,
    /// The number of attackers, the last players of the left team, which agents hold if they do not
    /// switch.
    pub attackers: usize,
}

/// The indices in a team's list, nearest to the centre spot first, while the original's players
/// still stand in its default formation. Controllers take players in this order before the scenario
/// places them.
const FROM_THE_CENTRE: [u8; 11] = [6, 5, 7, 8, 10, 0, 9, 2, 3, 1, 4];

impl Scenario {
    /// Returns the scenario called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// Returns the number of players of `team` that controllers may hold.
    pub fn controllable(&self, team: usize) -> usize {
        self.teams[team].iter().filter(|player| player.controllable).count()
    }

    /// Returns the players of `team` that `agents` controllers hold after a reset, in ascending
    /// order.
    pub fn first_controlled(&self, team: usize, agents: usize) -> impl Iterator<Item = u8> + use<> {
        let players = self.teams[team];
        let may = |&index: &u8| players.get(usize::from(index)).is_some_and(|p| p.controllable);
        let mut held = [false; 11];
        for index in FROM_THE_CENTRE.into_iter().filter(may).take(agents) {
            held[usize::from(index)] = true;
        }
        (0..11).filter(move |&index| held[usize::from(index)])
    }

    /// Returns the players that `agents` controllers hold throughout if they do not switch: the
    /// attackers first, then the other controllable players, in ascending order.
    pub fn attackers_held(&self, agents: usize) -> impl Iterator<Item = u8> + use<> {
        let players = self.teams[0];
        let first = players.len() - self.attackers;
        let may = |&index: &usize| players[index].controllable;
        let order = (first..players.len()).chain((0..first).rev());
        let mut held = [false; 11];
        for index in order.filter(may).take(agents) {
            held[index] = true;
        }
        (0..11).filter(move |&index| held[usize::from(index)])
    }
}
