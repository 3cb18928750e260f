//! What becomes of shots against a keeper.

use std::f32::consts::FRAC_PI_4;

use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::football::engine::pitch::HALF_LENGTH;
use phalanx_envs::football::engine::state::Role;
use phalanx_envs::football::engine::vec2::Vec2;

use super::comparison::{Comparison, Estimate};
use super::golden::{list, number, read};
use super::stage::{BY_ANGLE, IDLE, SHOT, Scene, Stage, gait, placed};

/// The outcomes, by their names in the golden file.
pub const OUTCOMES: [&str; 5] = ["goal", "caught", "early", "out", "loose"];

fn scene(rng: &mut Rng, difficulty: f64, keeper: bool) -> Scene {
    let (x, y) = (f64::from(rng.range(0.3, 0.4)), f64::from(rng.range(-0.2, 0.2)));
    let own = placed(Role::Goalkeeper, -1.0, 0.0, false);
    Scene {
        ball: [x + 0.015, y],
        left: vec![own, placed(Role::CentreBack, x, y, false)],
        right: vec![if keeper { own } else { placed(Role::Goalkeeper, 1.0, 0.0, true) }],
        controllers: 1,
        difficulty,
    }
}

/// Plays one attack and returns the index of its outcome in [`OUTCOMES`].
pub fn attack(seed: u32, distance: f64, difficulty: f64, keeper: bool) -> usize {
    let mut rng = Rng::stream(2, Purpose::Check, seed);
    let mut stage = Stage::new(&scene(&mut rng, difficulty, keeper));
    stage.reset(seed);
    let keys = gait(["walk", "sprint", "dribble"][rng.below(3)]);
    let mut keys = keys[..keys.len() - 1].iter();
    let aim = [None, Some(4), Some(6)][rng.below(3)];
    let (mut pressed, mut direction) = (None, None);
    let owner = |stage: &Stage| stage.game.owner.map(|owner| owner.team);
    for step in 0..200_usize {
        let to_goal = Vec2::new(HALF_LENGTH, 0.0) - stage.game.players[0][1].position;
        let near = f64::from(to_goal.length()) <= distance && owner(&stage) == Some(0);
        let action = if let Some(&key) = keys.next() {
            key
        } else if pressed.is_some() {
            IDLE
        } else if near && (aim.is_none() || direction == aim) {
            pressed = Some(step);
            SHOT
        } else if near {
            direction = aim;
            aim.unwrap_or(IDLE)
        } else if aim.is_some() && direction == aim {
            IDLE
        } else {
            let angle = to_goal.y.atan2(to_goal.x);
            let wanted = BY_ANGLE[((angle / FRAC_PI_4).round() as i32).rem_euclid(8) as usize];
            let held = direction == Some(wanted);
            direction = Some(wanted);
            if held { IDLE } else { wanted }
        };
        let over = stage.step(action);
        if stage.game.score[0] > 0 {
            return 0;
        }
        if owner(&stage) == Some(1) {
            return if pressed.is_some() { 1 } else { 2 };
        }
        if over {
            return 3;
        }
        if pressed.is_some_and(|pressed| step - pressed >= 40) {
            break;
        }
    }
    4
}

/// Plays the attacks of a cell and returns the share of each outcome.
pub fn cell(distance: f64, difficulty: f64, keeper: bool, shots: u32) -> [f64; 5] {
    let mut count = [0.0; 5];
    for seed in 0..shots {
        count[attack(seed, distance, difficulty, keeper)] += 1.0 / f64::from(shots);
    }
    count
}

/// Compares the cells.
pub fn compare(shots: u32) -> Vec<Comparison> {
    let golden = read("keeper");
    let mut rows = Vec::new();
    for row in list(&golden, "cells") {
        let [distance, difficulty, n] =
            ["distance", "difficulty", "shots"].map(|key| number(row, key));
        let keeper = row["keeper"] == true;
        let ours = cell(distance, difficulty, keeper, shots);
        let who = if keeper {
            format!("keeper of difficulty {difficulty}")
        } else {
            "no keeper".to_owned()
        };
        for (outcome, share) in OUTCOMES.iter().zip(ours) {
            rows.push(Comparison {
                what: format!("shot from {distance} m, {who}: {outcome} (%)"),
                engine: Estimate::share(number(row, outcome), n),
                ours: Estimate::share(share, f64::from(shots)),
                tolerance: 12.0,
            });
        }
    }
    rows
}
