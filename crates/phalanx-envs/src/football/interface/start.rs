//! The start of an episode: a scenario as a match.

use phalanx_core::rng::Rng;

use super::args::{ControlMode, FootballArgs};
use crate::football::engine::Match;
use crate::football::engine::ai::formation;
use crate::football::engine::control;
use crate::football::engine::pitch::{HALF_LENGTH, UNIT_X, UNIT_Y};
use crate::football::engine::setup::{MatchSetup, PlayerSetup};
use crate::football::engine::state::TEAM_SIZE;
use crate::football::engine::vec2::Vec2;
use crate::football::scenarios::Scenario;

/// Metres per unit of the scenarios across the pitch, which differs from the observed unit.
const SCENARIO_Y: f32 = 84.96;

/// Starts a match. Chance decides which line-up the left team takes, if they alternate, and which
/// team is processed first in a frame.
pub(super) fn begin(scenario: &Scenario, args: &FootballArgs, rng: &mut Rng) -> Match {
    let exchanged = scenario.alternates && rng.below(2) == 1;
    let first_team = rng.below(2);
    let mut setup = MatchSetup {
        ball: Vec2::new(scenario.ball[0] * UNIT_X, scenario.ball[1] * UNIT_Y),
        difficulty: [scenario.difficulty[0], args.opponent_difficulty],
        agents: [args.agents, 0],
        offsides: scenario.offsides,
        first_team,
        ..MatchSetup::default()
    };
    for team in 0..2 {
        let line_up = scenario.teams[team ^ usize::from(exchanged)];
        let places = formation::places(line_up.len());
        let side = Match::attack(team);
        setup.counts[team] = line_up.len();
        for (index, player) in line_up.iter().enumerate() {
            setup.players[team][index] = PlayerSetup {
                role: player.role,
                position: Vec2::new(player.at[0] * HALF_LENGTH, player.at[1] * SCENARIO_Y) * side,
                formation: places[index],
                lazy: player.lazy,
                controllable: player.controllable,
            };
        }
    }
    let mut game = Match::new(&setup);
    game.referee.second_half = scenario.second_half.map(|step| step as u32);
    let mut held = [0; TEAM_SIZE];
    let fixed = args.control == ControlMode::Fixed;
    let fill = |players: &mut dyn Iterator<Item = u8>, held: &mut [u8; TEAM_SIZE]| {
        held.iter_mut().zip(players).for_each(|(slot, player)| *slot = player);
    };
    if fixed {
        fill(&mut scenario.attackers_held(args.agents), &mut held);
    } else {
        fill(&mut scenario.first_controlled(0, args.agents), &mut held);
    }
    control::begin(&mut game, [&held[..args.agents], &[]], fixed);
    game
}
