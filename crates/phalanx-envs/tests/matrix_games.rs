//! Matrix games pay what their tables say.

use phalanx_core::env::{End, Env, Outcome, Rows};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::matrix::{MATRIX_GAMES, MatrixGame, TwoStep};

fn play(env: &mut dyn Env, joint: &[[u16; 2]]) -> (Vec<Outcome>, Rows) {
    let spec = env.spec().clone();
    let mut rows = Rows::new(&spec, 1, 1);
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let step = |actions| env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
    let outcomes = joint.iter().map(|actions| actions.as_slice()).map(step).collect();
    (outcomes, rows)
}

#[test]
fn every_cell_pays_what_the_table_says() {
    for &payoff in MATRIX_GAMES {
        let mut best = f32::MIN;
        let mut env = MatrixGame::new(payoff);
        for (row, cells) in payoff.table.iter().enumerate() {
            for (column, &reward) in cells.iter().enumerate() {
                let (outcomes, rows) = play(&mut env, &[[row as u16, column as u16]]);
                assert_eq!(outcomes, [Outcome { reward, end: End::Terminated }]);
                assert!(rows.obs.iter().chain(&rows.state).all(|&cell| cell == 1.0));
                best = best.max(reward);
            }
        }
        assert_eq!(env.spec().max_return, Some(best), "{}", payoff.name);
    }
}

#[test]
fn the_games_of_the_papers_have_their_known_optima() {
    let best = |name: &str| {
        let payoff = MATRIX_GAMES.iter().find(|payoff| payoff.name == name);
        MatrixGame::new(*payoff.expect("the game exists")).spec().max_return
    };
    let optima = [
        ("qtran", 8.0),
        ("qplex_3", 8.0),
        ("qplex_1", 10.4),
        ("identity_2", 1.0),
        ("identity_3", 1.0),
        ("climbing", 11.0),
        ("penalty", 10.0),
    ];
    for (name, optimum) in optima {
        assert_eq!(best(name), Some(optimum), "{name}");
    }
    assert_eq!(MATRIX_GAMES.len(), optima.len());
}

#[test]
fn the_two_step_game_pays_7_or_a_coordination_game_worth_8() {
    let cases: [([[u16; 2]; 2], f32); 6] = [
        ([[0, 0], [0, 0]], 7.0),
        ([[0, 1], [1, 0]], 7.0),
        ([[1, 0], [0, 0]], 0.0),
        ([[1, 1], [0, 1]], 1.0),
        ([[1, 0], [1, 0]], 1.0),
        ([[1, 1], [1, 1]], 8.0),
    ];
    for (joint, reward) in cases {
        let (outcomes, rows) = play(&mut TwoStep::new(), &joint);
        assert_eq!(
            outcomes,
            [Outcome { reward: 0.0, end: End::Running }, Outcome { reward, end: End::Terminated }]
        );
        let state = if joint[0][0] == 0 { [0.0, 1.0, 0.0] } else { [0.0, 0.0, 1.0] };
        assert_eq!(rows.state, state);
        assert_eq!(rows.obs, [state, state].concat());
    }
}
