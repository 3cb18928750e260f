use phalanx_core::rng::{Purpose, Rng};

use super::*;
use crate::football::engine::control::{self, Key};
use crate::football::engine::state::Kick;

/// A match of 3 against 1 whose agents hold the attackers.
fn attack() -> Field {
    Field::of("academy_3_vs_1_with_keeper", "control = \"fixed\"")
}

/// Presses a key with agent 0 and fills the commands of `frames` frames without moving anybody.
fn press(field: &mut Field, key: Key, frames: usize) {
    control::press(field.game(), 0, [key, Key::Idle, Key::Idle].into_iter());
    for _ in 0..frames {
        control::command(field.game());
        field.game().frame += 1;
    }
}

/// Lets player 1 have the ball alone.
fn with_ball() -> Field {
    let mut field = attack();
    let game = field.game();
    give_ball(game, id(0, 1));
    game.main = id(0, 1);
    game.designated = [1, 1];
    game.players[0][1].has_possession = true;
    game.players[0][1].time_to_ball = 0.01;
    game.team_time_to_ball = [0.01, 1.0];
    game.team_possession = [true, false];
    field
}

#[test]
fn a_kick_is_requested_when_its_button_is_released_and_the_gauge_counts_the_time() {
    let mut field = with_ball();
    for steps in 1..=3_u8 {
        for _ in 0..steps {
            press(&mut field, Key::Kick(Kick::Shot), 10);
            assert_eq!(commanded_kick(field.game(), id(0, 1)), None, "the button is pressed");
            control::end_step(field.game());
        }
        press(&mut field, Key::Idle, 1);
        let request = field.game().players[0][1].command.kick.expect("the button is released");
        assert_eq!(request.kick, Kick::Shot);
        assert_close(&[request.gauge], &[0.1 * f32::from(steps)], "the gauge");
        field = with_ball();
    }
}

#[test]
fn a_button_that_is_pressed_for_half_a_second_kicks_at_once() {
    let mut field = with_ball();
    for step in 1..=6 {
        press(&mut field, Key::Kick(Kick::HighPass), 10);
        control::end_step(field.game());
        let kicks = commanded_kick(field.game(), id(0, 1)).is_some();
        assert_eq!(kicks, step == 6, "step {step}");
    }
}

#[test]
fn a_short_pass_cancels_a_waiting_shot_and_a_waiting_kick_is_given_up_after_two_seconds() {
    let mut field = with_ball();
    press(&mut field, Key::Kick(Kick::Shot), 10);
    control::end_step(field.game());
    press(&mut field, Key::Kick(Kick::ShortPass), 1);
    assert_eq!(commanded_kick(field.game(), id(0, 1)), None);

    let mut field = with_ball();
    press(&mut field, Key::Kick(Kick::Shot), 10);
    control::end_step(field.game());
    press(&mut field, Key::Idle, 200);
    assert_eq!(commanded_kick(field.game(), id(0, 1)), Some(Kick::Shot));
    press(&mut field, Key::Idle, 1);
    assert_eq!(commanded_kick(field.game(), id(0, 1)), None);
}

#[test]
fn kicks_need_the_ball_and_slides_need_opponents_with_it() {
    let mut field = with_ball();
    press(&mut field, Key::Slide, 1);
    assert!(!field.game().players[0][1].command.slide, "it has the ball");

    let mut field = attack();
    let game = field.game();
    game.main = id(1, 1);
    game.team_time_to_ball = [2.0, 0.1];
    game.players[0][1].time_to_ball = 2.0;
    press(&mut field, Key::Slide, 1);
    assert!(field.game().players[0][1].command.slide);
    control::end_step(field.game());
    press(&mut field, Key::Kick(Kick::ShortPass), 10);
    control::end_step(field.game());
    press(&mut field, Key::Idle, 1);
    assert_eq!(commanded_kick(field.game(), id(0, 1)), None);
}

#[test]
fn a_player_away_from_the_ball_obeys_the_held_direction_and_stands_without_one() {
    let mut field = with_ball();
    let order = |field: &mut Field, keys: [Key; 3]| {
        control::press(field.game(), 0, keys.into_iter());
        control::command(field.game());
        field.game().players[0][2].command
    };
    let nothing = order(&mut field, [Key::Idle; 3]);
    assert_eq!((nothing.direction, nothing.speed), (Vec2::ZERO, 0.0));
    let game = field.game();
    let ball = (game.ball.position - game.players[0][2].position).direction();
    assert_eq!(nothing.facing, ball, "it looks at the ball");
    for (key, speed) in [(Key::Idle, 5.0), (Key::Dribble(true), 3.5), (Key::Sprint(true), 8.0)] {
        order(&mut field, [Key::Idle, Key::Direction([-1, 1]), Key::Idle]);
        let command = order(&mut field, [Key::Idle, key, Key::Idle]);
        let diagonal = Vec2::new(-1.0, 1.0).direction();
        assert!((command.direction - diagonal).length() < 1e-4, "{key:?}");
        assert!((command.speed - speed).abs() < 1e-4, "{key:?}");
    }
}

#[test]
fn a_player_with_the_ball_runs_after_it_and_wishes_to_carry_it() {
    let mut field = with_ball();
    press(&mut field, Key::Direction([0, -1]), 1);
    let command = field.game().players[0][1].command;
    let carry = command.carry.expect("a wish");
    assert!((carry - Vec2::new(0.0, -5.0)).length() < 1e-4, "{carry:?}");
}

#[test]
fn the_target_of_a_pass_is_handed_to_the_controller_whose_turn_it_is() {
    // In pass-and-shoot, the striker belongs to no agent until it is passed to.
    let mut field = Field::of("academy_pass_and_shoot_with_keeper", "");
    let game = field.game();
    control::press(game, 0, [Key::Idle, Key::Idle].into_iter());
    control::hand_over(game, id(0, 1));
    let held = |game: &Match| [0, 1].map(|agent| game.control.controllers[0][agent].player);
    assert_eq!(held(game), [Some(1), Some(2)]);
    assert_eq!((game.players[0][1].agent, game.players[0][0].agent), (Some(0), None));
    assert_eq!(game.designated[0], 1);
    // A player that has an agent keeps it, and the turn does not change.
    control::hand_over(game, id(0, 2));
    assert_eq!(held(game), [Some(1), Some(2)]);
    control::hand_over(game, id(0, 0));
    assert_eq!(held(game), [Some(1), Some(0)]);
}

#[test]
fn after_the_first_step_the_player_with_the_ball_has_an_agent() {
    for (scenario, held) in [
        ("academy_3_vs_1_with_keeper", &[1, 2, 3][..]),
        ("academy_pass_and_shoot_with_keeper", &[0, 2]),
        ("academy_empty_goal", &[1]),
    ] {
        let mut field = Field::of(scenario, "");
        field.idle();
        let controllers = field.game().control.controllers[0];
        let players: Vec<_> = controllers.iter().filter_map(|one| one.player).collect();
        assert_eq!(players, held, "{scenario}");
    }
}

#[test]
fn after_a_switch_half_of_the_own_movement_is_kept_and_fades_in_300_ms() {
    let mut field = Field::of("academy_pass_and_shoot_with_keeper", "");
    let game = field.game();
    control::press(game, 0, [Key::Direction([-1, 0]), Key::Idle].into_iter());
    game.players[0][1].velocity = Vec2::new(6.0, 0.0);
    game.players[0][1].facing = Vec2::new(1.0, 0.0);
    control::hand_over(game, id(0, 1));
    game.main = id(0, 2);
    game.designated[0] = 2;
    let speed = |game: &mut Match| {
        control::press(game, 0, [Key::Idle, Key::Idle].into_iter());
        control::command(game);
        let command = game.players[0][1].command;
        command.direction.x * command.speed
    };
    // At once: half of 6 m/s forward and half of 5 m/s back is too slow to run.
    assert_eq!(speed(game), 0.0);
    game.frame += 15;
    let share = 0.5 * crate::math::pow(0.5, 0.7);
    let mixed = 6.0 * share - 5.0 * (1.0 - share);
    // Slower than 1.8 m/s is not worth a step.
    assert_eq!((mixed.abs() < 1.8, speed(game)), (true, 0.0));
    game.frame += 15;
    assert!((speed(game) + 5.0).abs() < 1e-4);
}

#[test]
fn a_delayed_restart_is_forced_by_a_short_pass() {
    let mut field = Field::of("11_vs_11_stochastic", "agents = 11");
    field.idle();
    let mut ball = field.game().ball;
    ball.position = Vec2::new(10.0, 36.3);
    ball.velocity = Vec2::new(0.0, 10.0);
    let game = field.game();
    game.last_touch = None;
    game.record_touch(id(1, 5), None);
    game.set_ball(ball);
    let mut waited = 0;
    let mut rng = Rng::stream(3, Purpose::Check, 0);
    while waited < 60 {
        let actions: Vec<u16> = (0..11).map(|_| 14 + 4 * rng.below(2) as u16).collect();
        field.step(&actions);
        waited += 1;
        if field.game().in_play() && waited > 1 {
            break;
        }
    }
    assert!((20..60).contains(&waited), "{waited} steps");
}
