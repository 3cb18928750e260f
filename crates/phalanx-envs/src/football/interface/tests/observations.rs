use phalanx_core::env::Env;

use super::super::args::Masks;
use super::super::mask;
use super::super::view::View;
use super::*;
use crate::football::engine::control::{self, Key};
use crate::football::{
    DRIBBLE, HIGH_PASS, LONG_PASS, RELEASE_SPRINT, SHORT_PASS, SHOT, SLIDING, SPRINT,
};

#[test]
fn simple115v2_has_the_original_layout() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    let game = field.game();
    game.players[0][1].velocity = Vec2::new(8.0, 4.0);
    game.players[1][1].velocity = Vec2::new(0.0, -5.0);
    game.ball.velocity = Vec2::new(30.0, 0.0);
    game.ball.climb = 2.0;
    game.owner = Some(id(1, 1));
    field.rewrite();
    let row = field.row(1);
    assert_close(&row[24..26], &[0.8 / 54.4, 0.4 / 83.6], "velocity of left player 1, per step");
    assert_close(&row[68..70], &[0.0, -0.5 / 83.6], "velocity of right player 1");
    assert_close(&row[91..94], &[3.0 / 54.4, 0.0, 0.2], "velocity of the ball");
    assert_eq!(row[94..97], [0.0, 0.0, 1.0], "the right team owns the ball");
    assert_eq!(
        row[97..108].iter().position(|&hot| hot == 1.0),
        Some(2),
        "agent 1 controls player 2"
    );
    assert_eq!(row[97..108].iter().sum::<f32>(), 1.0);
    // The state holds the players of all agents.
    assert_eq!(field.rows.state[..97], field.row(0)[..97]);
    let hot: Vec<_> = (0..33).filter(|&i| field.rows.state[97 + i] == 1.0).collect();
    assert_eq!(hot, [0, 11 + 2, 22 + 3]);
    assert_eq!(field.rows.state[130..], field.row(0)[108..]);
}

#[test]
fn planes_mark_the_original_cells() {
    let field = Field::of("academy_3_vs_1_with_keeper", "obs = \"planes\"");
    let cell = |row: usize, column: usize| &field.row(1)[(row * 96 + column) * 4..][..4];
    // Keepers beyond the goal lines are clamped to the first and last column.
    assert_eq!(cell(36, 0), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(cell(36, 95), [0.0, 1.0, 0.0, 0.0]);
    // (0.60662, 0): column ⌊48 · 1.60662⌋ = 77, row ⌊81 · 0.4444⌋ = 36; the ball at 0.62 falls into
    // the same cell.
    assert_eq!(cell(36, 77), [1.0, 0.0, 1.0, 0.0]);
    // (0.70772, 0.20325): column 81, row ⌊81 · 0.64769⌋ = 52; agent 1 controls this player.
    assert_eq!(cell(52, 81), [1.0, 0.0, 0.0, 1.0]);
    assert_eq!(cell(19, 81), [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(field.row(1).iter().sum::<f32>(), 4.0 + 2.0 + 1.0 + 1.0);
}

#[test]
fn stacked_planes_hold_the_last_frames_with_the_newest_last() {
    let mut field = Field::of("academy_empty_goal", "obs = \"planes\"\nobs_stack = 4");
    assert_eq!(field.env.spec().obs_dim, 72 * 96 * 16);
    let ball = |field: &Field, frame: usize| {
        (0..72 * 96).find(|&cell| field.row(0)[cell * 16 + frame * 4 + 2] == 1.0)
    };
    let start = Some(36 * 96 + 48);
    assert_eq!([0, 1, 2, 3].map(|frame| ball(&field, frame)), [start; 4]);
    field.game().place_ball(Vec2::new(20.0, 0.0));
    field.idle();
    assert_eq!([0, 1, 2].map(|frame| ball(&field, frame)), [start; 3]);
    assert_ne!(ball(&field, 3), start);
}

#[test]
fn the_observation_of_cds_is_relative_to_the_agents_player() {
    let field = Field::of("academy_3_vs_1_with_keeper", "obs = \"cds\"");
    assert_eq!((field.env.spec().obs_dim, field.env.spec().state_dim), (26, 26));
    let (own, mates) = ([0.70772, 0.20325], [[0.60662, 0.0], [0.70772, -0.20325]]);
    let [keeper, back] = [[1.01103, 0.0], [0.75827, 0.0]];
    let away = |at: [f32; 2]| [at[0] - own[0], at[1] - own[1]];
    let mut expected = own.to_vec();
    expected.extend(mates.map(away).concat());
    expected.extend([0.0; 6]);
    expected.extend([keeper, back].map(away).concat());
    expected.extend([0.0; 4]);
    expected.extend(away([0.62, 0.0]));
    expected.extend([0.11, 0.0, 0.0, 0.0]);
    assert_close(field.row(1), &expected, "agent 1");
    assert_close(&field.rows.state[12..16], &[1.01103, 0.0, 0.75827, 0.0], "the right team");

    let field = Field::of("academy_counterattack_hard", "obs = \"cds\"");
    assert_eq!((field.env.spec().obs_dim, field.env.spec().state_dim), (34, 34));
    assert_close(&field.row(3)[..2], &[0.35 * 55.0 / 54.4, 0.316102 * 84.96 / 83.6], "player 10");
}

#[test]
fn entities_are_relative_to_the_agents_player_and_24_in_a_full_game() {
    let field = Field::of("11_vs_11_stochastic", "obs = \"entities\"");
    let layout = field.env.spec().entities.clone().expect("it has entities");
    assert_eq!(layout.len(), 24);
    assert_eq!(layout.check(field.env.spec()), Ok(()));

    let mut field = Field::of("academy_3_vs_1_with_keeper", "obs = \"entities\"");
    let layout = field.env.spec().entities.clone().expect("it has entities");
    assert_eq!(
        layout.types.iter().map(|kind| kind.name.as_str()).collect::<Vec<_>>(),
        ["self", "mate", "opponent", "ball", "context"]
    );
    assert_eq!([0, 1, 2, 3, 4].map(|kind| layout.of_type(kind).len()), [1, 3, 2, 1, 1]);
    field.game().players[1][1].on_pitch = false;
    field.rewrite();
    assert!(layout.present(field.row(1)).eq([true, true, true, true, true, false, true, true]));
    // Agent 1 controls player 2 at (38.5, 16.992) m; the other attackers are 5.5 m and 16.992 m
    // away.
    let place = |entity: usize| {
        let position = layout.entities[entity].position.expect("players have a position");
        position.map(|column| field.row(1)[column] * layout.position_scale[0])
    };
    assert_close(&place(2), &[33.0 - 38.5, -16.992], "player 1");
    assert_close(&place(3), &[0.0, -33.984], "player 3");
    assert_close(&place(6), &[0.62 * 54.4 - 38.5, -16.992], "the ball");
    assert_close(&field.row(1)[..2], &[38.5 / 55.0, 16.992 / 36.0], "itself");
}

#[test]
fn simple115v2_describes_its_entities() {
    let field = Field::of("academy_3_vs_1_with_keeper", "");
    let layout = field.env.spec().entities.clone().expect("it has entities");
    assert_eq!(layout.check(field.env.spec()), Ok(()));
    assert_eq!(layout.len(), 1 + 4 + 2 + 1);
}

#[test]
fn sticky_actions_stay_until_released() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    let held = |field: &mut Field| {
        let bits = field.game().control.controllers[0][0].sticky();
        (0..10).filter(|&i| bits[i]).collect::<Vec<_>>()
    };
    // Directions are in the order of the actions, from left on.
    for direction in 1..=8_u16 {
        field.first_plays(direction);
        assert_eq!(held(&mut field), [usize::from(direction) - 1]);
    }
    field.first_plays(SPRINT);
    field.first_plays(DRIBBLE);
    field.first_plays(SHORT_PASS);
    field.idle();
    assert_eq!(held(&mut field), [7, 8, 9]);
    field.first_plays(RELEASE_SPRINT);
    assert_eq!(held(&mut field), [7, 9]);
    field.first_plays(14);
    field.first_plays(18);
    assert!(held(&mut field).is_empty());
}

#[test]
fn the_built_in_rules_release_everything() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "action_set = \"v2\"");
    assert_eq!(field.env.spec().n_actions, 20);
    field.first_plays(5);
    field.first_plays(19);
    let controller = field.game().control.controllers[0][0];
    assert!(controller.builtin && controller.sticky() == [false; 10]);
    field.idle();
    assert!(!field.game().control.controllers[0][0].builtin);
}

#[test]
fn the_right_team_sees_the_pitch_turned_around() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    let game = field.game();
    control::begin(game, [&[], &[1]], false);
    control::press(game, 1, [Key::Direction([1, 1])].into_iter());
    game.players[1][1].velocity = Vec2::new(-8.0, 0.0);
    game.owner = Some(id(1, 1));
    game.score = [2, 1];
    let view = View::of(game, 1);
    assert_close(&view.players[0][1].position, &[-0.75827, 0.0], "its own player");
    assert_close(&view.players[0][1].direction, &[0.8 / 54.4, 0.0], "runs forward");
    assert_close(&view.players[1][2].position, &[-0.70772, -0.20325], "an opponent");
    assert_close(&view.ball, &[-0.62, 0.0, 0.11], "the ball");
    assert_eq!((view.owner, view.score), (Some(id(0, 1)), [1, 2]));
    assert_eq!(view.active[0], Some(1));
    assert!(view.sticky[0][5], "it holds bottom right in its own frame");
}

#[test]
fn masks_of_grf_marl_allow_what_has_an_effect() {
    let open = |view: &View| {
        let mut mask = [false; 19];
        mask::write(Masks::GrfMarl, view, 0, &mut mask);
        [LONG_PASS, HIGH_PASS, SHORT_PASS, SHOT, DRIBBLE, SLIDING]
            .map(|action| mask[usize::from(action)])
    };
    let mut view = View { counts: [2, 1], ..View::default() };
    view.active[0] = Some(1);
    view.players[0][1].position = [0.2, 0.0];
    view.ball = [0.22, 0.0, 0.11];
    view.owner = Some(id(0, 1));
    assert_eq!(open(&view), [true, true, true, false, true, false], "with the ball in midfield");
    view.ball[0] = 0.7;
    view.players[0][1].position[0] = 0.7;
    assert_eq!(open(&view), [false, false, true, true, true, false], "in front of the goal");
    view.owner = Some(id(1, 0));
    assert_eq!(
        open(&view),
        [false, false, false, false, false, true],
        "beside an opponent with the ball"
    );
    view.players[0][1].position[0] = 0.5;
    assert_eq!(open(&view), [false; 6], "far from the ball");
}

#[test]
fn a_frame_shows_the_players_the_ball_and_the_pitch() {
    let mut field = Field::of("academy_3_vs_1_with_keeper", "");
    field.first_plays(SPRINT);
    let frame = field.env.frame();
    let players = frame["players"].as_array().expect("a list");
    assert_eq!(players.len(), 6);
    assert_eq!((&players[4]["team"], &players[4]["role"]), (&"right".into(), &0.into()));
    assert_eq!(players[1]["agent"], 0);
    assert_eq!((&frame["mode"], &frame["owner"]), (&"normal".into(), &serde_json::Value::Null));
    assert_eq!(frame["sticky"][0], serde_json::json!([0, 0, 0, 0, 0, 0, 0, 0, 1, 0]));
    let text = frame["text"].as_str().expect("a pitch");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 19);
    assert!(lines[9].starts_with('0') && lines[9].trim_end().ends_with('A'), "{text}");
    for mark in ["2", "3", "B", "o"] {
        assert!(text.contains(mark), "{mark}");
    }
}

#[test]
fn every_index_is_described() {
    for args in [
        "",
        "obs = \"entities\"",
        "obs = \"cds\"",
        "obs = \"planes\"\nobs_stack = 2",
        "action_set = \"v2\"",
    ] {
        for scenario in ["academy_empty_goal_close", "academy_counterattack_hard", "5_vs_5"] {
            let field = Field::of(scenario, args);
            let (spec, description) = (field.env.spec(), field.env.describe());
            assert_eq!(description.obs.len(), spec.obs_dim, "{scenario} {args}");
            assert_eq!(description.state.len(), spec.state_dim, "{scenario} {args}");
            assert_eq!(description.actions.len(), spec.n_actions, "{scenario} {args}");
        }
    }
}
