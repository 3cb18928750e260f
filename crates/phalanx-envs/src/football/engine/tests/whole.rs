//! Whole matches.

use phalanx_core::rng::{Purpose, Rng};

use crate::football::engine::Match;
use crate::football::engine::setup::{MatchSetup, PlayerSetup};
use crate::football::engine::state::{Kick, Role, TEAM_SIZE};
use crate::football::engine::vec2::Vec2;

/// Eleven against eleven, played by the built-in rules.
fn eleven(first_team: usize) -> Match {
    let mut setup = MatchSetup {
        counts: [TEAM_SIZE; 2],
        difficulty: [0.6; 2],
        first_team,
        ..MatchSetup::default()
    };
    for team in 0..2 {
        let side = Match::attack(team);
        for index in 0..TEAM_SIZE {
            let role = match index {
                0 => Role::Goalkeeper,
                1..5 => Role::CentreBack,
                5..9 => Role::CentralMidfield,
                _ => Role::CentreForward,
            };
            let row = [-1.0, -0.6, -0.3, -0.05][[0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3][index]];
            let place = Vec2::new(row, 0.25 * (index as f32 - 5.0) / 2.0);
            let position = Vec2::new(55.0 * row, 30.0 * place.y) * side;
            setup.players[team][index] = PlayerSetup {
                role,
                position,
                formation: place,
                controllable: true,
                ..PlayerSetup::default()
            };
        }
    }
    Match::new(&setup)
}

#[test]
fn the_same_seed_plays_the_same_match() {
    let play = || {
        let mut game = eleven(1);
        let mut rng = Rng::stream(3, Purpose::Check, 0);
        for _ in 0..3000 {
            game.frame(&mut rng);
        }
        game
    };
    assert!(play() == play());
}

#[test]
fn bodies_stay_sane_over_whole_matches() {
    let (mut passes, mut owned) = (0, 0);
    for first_team in 0..2 {
        let mut game = eleven(first_team);
        let mut rng = Rng::stream(5, Purpose::Check, first_team as u32);
        for _ in 0..20_000 {
            game.frame(&mut rng);
            let kicked = |kick: Option<Kick>| {
                matches!(kick, Some(Kick::ShortPass | Kick::LongPass | Kick::HighPass))
            };
            passes += usize::from(
                game.last_touch
                    .is_some_and(|touch| touch.frame + 1 == game.frame && kicked(touch.kick)),
            );
            owned += usize::from(game.owner.is_some());
            let ball = game.ball;
            assert!(ball.position.length() < 120.0 && ball.velocity.length() < 60.0, "{ball:?}");
            assert!((0.0..40.0).contains(&ball.height), "{ball:?}");
            for player in game.players.iter().flatten().filter(|player| player.on_pitch) {
                assert!(player.position.length() < 90.0, "{:?}", player.position);
                assert!(player.velocity.length() < 10.5, "{:?}", player.velocity);
                assert!((player.facing.length() - 1.0).abs() < 1e-2, "{:?}", player.facing);
                assert!((0.0..=1.0).contains(&player.tired), "{}", player.tired);
            }
        }
    }
    assert!(passes > 20, "{passes} passes");
    assert!(owned > 10_000, "somebody owns the ball in {owned} of 40 000 frames");
}
