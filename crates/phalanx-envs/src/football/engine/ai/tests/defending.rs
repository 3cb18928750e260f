//! A runner with the ball against one centre back, 8 m in front of it in midfield, and a goalkeeper.

use phalanx_core::rng::{Purpose, Rng};

use super::*;
use crate::football::engine::control::{self, Key};

/// Lets an agent keep these keys pressed and returns the step in which an opponent touches the ball, for some seeds.
fn met_after(keys: &[Key], difficulty: f32) -> Vec<Option<u32>> {
    let play = |seed| {
        let right = [[55.0, 0.0], [-3.0, 0.0]];
        let start = game(&[[-55.0, 0.0], [-11.0, 0.0]], &right, Role::CentreBack, [-10.06, 0.0]);
        let mut setup = start.setup;
        setup.difficulty = [1.0, difficulty];
        setup.agents = [1, 0];
        setup.first_team = (seed % 2) as usize;
        let mut game = Match::new(&setup);
        control::begin(&mut game, [&[1], &[]], true);
        let mut rng = Rng::stream(seed, Purpose::Check, 0);
        for step in 0..160 {
            let key = keys.get(step).copied().unwrap_or(Key::Idle);
            control::press(&mut game, 0, [key].into_iter());
            for _ in 0..10 {
                game.frame(&mut rng);
            }
            control::end_step(&mut game);
            if game.last_touch_of[1].is_some() {
                return Some(step as u32 + 1);
            }
        }
        None
    };
    (0..12).map(play).collect()
}

fn median(mut steps: Vec<Option<u32>>) -> u32 {
    steps.sort_by_key(|step| step.unwrap_or(u32::MAX));
    steps[steps.len() / 2].unwrap_or(u32::MAX)
}

#[test]
fn a_standing_player_keeps_the_ball() {
    for difficulty in [0.05, 0.6, 1.0] {
        let met = met_after(&[], difficulty);
        let kept = met.iter().filter(|step| step.is_none()).count();
        assert!(kept >= 11, "difficulty {difficulty}: touched after {met:?}");
    }
}

#[test]
fn a_centre_back_meets_runners_near_the_goal() {
    let right = Key::Direction([1, 0]);
    // The original's medians of losing the ball to it, over 40 episodes: 62 steps at a sprint, 115 with slow touches.
    let sprint = median(met_after(&[right, Key::Sprint(true)], 0.6));
    assert!((53..=71).contains(&sprint), "sprint: {sprint}");
    let dribble = median(met_after(&[right, Key::Dribble(true)], 0.6));
    assert!((98..=132).contains(&dribble), "dribble: {dribble}");
}
