//! Running without the ball. The curves of speed are compared with the original's in `tests/football_fidelity.rs`.

use super::{Drill, left};
use crate::football::engine::vec2::Vec2;

#[test]
fn runs_end_at_the_speed_that_is_asked_for_or_the_top_speed() {
    for (speed, expected) in [(3.5, 3.5), (5.0, 5.0), (8.0, 7.83)] {
        let places: Vec<Vec2> =
            (0..10).map(|index| Vec2::new(-40.0, 7.0 * index as f32 - 33.0)).collect();
        let mut drill = Drill::new(0, Vec2::new(52.0, 33.0), &places, Vec2::new(50.0, -30.0));
        let id = left(1);
        for _ in 0..600 {
            drill.frame(|game| {
                let command = &mut game.player_mut(id).command;
                command.direction = Vec2::new(1.0, 0.0);
                command.speed = speed;
            });
        }
        let end = drill.game.player(id).velocity.length();
        assert!((end - expected).abs() < 0.02, "{end} m/s instead of {expected} m/s");
    }
}
