//! Matrix games pay their documented payoffs.

use phalanx_core::env::{Env, StepResult, StepRows, StepStatus};
use phalanx_core::rng::{Purpose, Rng};
use phalanx_envs::matrix::{
    KStep, KStepArgs, MATRIX_FAMILIES, MATRIX_GAMES, MatrixGame, Mmdp, MmdpArgs, TwoStep,
};
use phalanx_envs::registry;

fn play(env: &mut dyn Env, joint: &[[u16; 2]]) -> (Vec<StepResult>, StepRows) {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let step = |actions| env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
    let outcomes = joint.iter().map(|actions| actions.as_slice()).map(step).collect();
    (outcomes, rows)
}

#[test]
fn every_joint_action_pays_its_cell() {
    for &payoff in MATRIX_GAMES {
        let mut best = f32::MIN;
        let mut env = MatrixGame::new(payoff);
        for (row, cells) in payoff.table.iter().enumerate() {
            for (column, &reward) in cells.iter().enumerate() {
                let (outcomes, rows) = play(&mut env, &[[row as u16, column as u16]]);
                assert_eq!(outcomes, [StepResult { reward, status: StepStatus::Terminated }]);
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
        ("pymarl2_1", 12.0),
        ("pymarl2_2", 12.0),
        ("pymarl2_3", 12.0),
    ];
    for (name, optimum) in optima {
        assert_eq!(best(name), Some(optimum), "{name}");
    }
    assert_eq!(MATRIX_GAMES.len(), optima.len());
}

/// Returns the payoffs of a one-step game, found by playing every joint action.
fn payoffs(id: &str, args: &str) -> Vec<Vec<f32>> {
    let args = args.parse().expect("valid TOML");
    let mut env = registry::make(id, &args).expect("the game exists");
    let spec = env.spec().clone();
    let (_, rows) = play(&mut *env, &[]);
    let available = |agent: usize| -> Vec<u16> {
        let mask = &rows.avail[agent * spec.n_actions..][..spec.n_actions];
        (0..spec.n_actions as u16).filter(|&action| mask[usize::from(action)]).collect()
    };
    let (first, second) = (available(0), available(1));
    let mut pays = |joint: [u16; 2]| play(&mut *env, &[joint]).0[0].reward;
    first.iter().map(|&row| second.iter().map(|&column| pays([row, column])).collect()).collect()
}

#[test]
fn tables_depend_on_their_argument_as_documented() {
    let qtran = |z: f32| vec![vec![8.0, -12.0, -12.0], vec![-12.0, z, z], vec![-12.0, z, z]];
    assert_eq!(payoffs("matrix/qtran_1", ""), qtran(1.0));
    assert_eq!(payoffs("matrix/qtran_1", "z = 0.5"), qtran(0.5));
    assert_eq!(payoffs("matrix/qtran_1", "z = 0"), payoffs("matrix/qtran", ""));
    let penalty = |k: f32| vec![vec![k, 0.0, 10.0], vec![0.0, 2.0, 0.0], vec![10.0, 0.0, k]];
    assert_eq!(payoffs("matrix/penalty", ""), penalty(-100.0));
    assert_eq!(payoffs("matrix/penalty", "k = -25"), penalty(-25.0));
    assert_eq!(payoffs("matrix/custom", ""), payoffs("matrix/qtran", ""));
    let wide = vec![vec![1.0, -2.5, 3.0], vec![0.0, 4.0, -1.0]];
    assert_eq!(payoffs("matrix/custom", "payoff = [[1, -2.5, 3], [0, 4, -1]]"), wide);
    assert_eq!(MATRIX_FAMILIES.len(), 3);
}

#[test]
fn the_non_monotonic_two_step_game_pays_more_if_both_agents_keep_to_the_first_action() {
    let mut env = TwoStep::non_monotone();
    let mut pays = |joint: [u16; 2]| play(&mut env, &[[1, 0], joint]).0[1].reward;
    assert_eq!([[0, 0], [0, 1], [1, 0], [1, 1]].map(&mut pays), [2.0, 1.0, 1.0, 8.0]);
    let mut safe = |joint: [u16; 2]| play(&mut env, &[[0, 0], joint]).0[1].reward;
    assert_eq!([[0, 0], [0, 1], [1, 0], [1, 1]].map(&mut safe), [7.0; 4]);
    assert_eq!(env.spec().max_return, Some(8.0));
}

/// Returns the return and the length of the episode of a sequence of joint actions.
fn total(env: &mut dyn Env, joint: &[[u16; 2]]) -> (f32, usize) {
    let spec = env.spec().clone();
    let mut rows = StepRows::new(&spec, 1, 1);
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
    let mut sum = 0.0;
    for (step, actions) in joint.iter().enumerate() {
        let outcome = env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
        sum += outcome.reward;
        if outcome.status.is_over() {
            return (sum, step + 1);
        }
    }
    panic!("the episode continues after {} steps", joint.len());
}

/// Returns the return and length of MAVEN's game for the joint actions `played`, numbered 0 (00) to 3 (11).
fn k_step_by_definition(played: &[usize], good_branches: usize) -> (f32, usize) {
    let (k, branch) = (played.len(), played[0]);
    if good_branches == 2 && (branch == 1 || branch == 2) {
        return (0.0, 1);
    }
    let repeated = played.iter().take_while(|&&joint| joint == branch).count();
    if branch == 0 && k > 1 && repeated >= k - 1 {
        return (k as f32 - 1.0 + if played[k - 1] == 3 { 4.0 } else { 1.0 }, k);
    }
    (repeated as f32, (repeated + 1).min(k))
}

#[test]
fn every_sequence_of_the_k_step_game_pays_as_in_maven() {
    for good_branches in [2, 4] {
        for steps in 1..=5 {
            let args = KStepArgs { steps, good_branches };
            let mut env = KStep::new(args).expect("the arguments are valid");
            let mut best = f32::MIN;
            for number in 0..4_usize.pow(steps as u32) {
                let digit = |step: usize| number / 4_usize.pow(step as u32) % 4;
                let played: Vec<usize> = (0..steps).map(digit).collect();
                let joint: Vec<[u16; 2]> =
                    played.iter().map(|&joint| [joint as u16 / 2, joint as u16 % 2]).collect();
                let found = total(&mut env, &joint);
                assert_eq!(found, k_step_by_definition(&played, good_branches), "{played:?}");
                best = best.max(found.0);
            }
            let optimum = if steps == 1 { 1.0 } else { steps as f32 + 3.0 };
            assert_eq!((best, env.spec().max_return), (optimum, Some(optimum)));
        }
    }
}

#[test]
fn the_best_of_ten_steps_is_13_and_branch_3_is_worth_10() {
    let mut env = KStep::new(KStepArgs::default()).expect("the defaults are valid");
    let mut best = [[0, 0]; 10];
    best[9] = [1, 1];
    assert_eq!(total(&mut env, &best), (13.0, 10));
    assert_eq!(total(&mut env, &[[1, 1]; 10]), (10.0, 10));
    assert_eq!(total(&mut env, &[[0, 0]; 10]), (10.0, 10));
    assert_eq!(total(&mut env, &[[0, 1]; 10]), (0.0, 1));
}

#[test]
fn the_k_step_game_shows_the_step_and_the_branch() {
    let args = KStepArgs { steps: 3, good_branches: 4 };
    let mut env = KStep::new(args).expect("the arguments are valid");
    let shown = |env: &mut KStep, joint: &[[u16; 2]]| play(env, joint).1;
    let rows = shown(&mut env, &[]);
    assert_eq!(rows.state, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let rows = shown(&mut env, &[[1, 0], [1, 0]]);
    assert_eq!(rows.state, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(rows.obs, [rows.state.clone(), rows.state].concat());
    let rows = shown(&mut env, &[[0, 0], [0, 0], [1, 0]]);
    assert_eq!((rows.state[3], &rows.info[..]), (1.0, &[1.0][..]));
    let one = KStepArgs { steps: 1, good_branches: 2 };
    let mut env = KStep::new(one).expect("the arguments are valid");
    assert_eq!(shown(&mut env, &[]).state, [1.0, 0.0]);
}

#[test]
fn the_two_state_game_pays_100_for_holding_to_00() {
    let mut env = Mmdp::new(MmdpArgs::default()).expect("the defaults are valid");
    assert_eq!(total(&mut env, &[[0, 0]; 100]), (100.0, 100));
    assert_eq!(env.spec().max_return, Some(100.0));
    assert!(env.spec().timeout_is_terminal);
    // 01 and 10 pay nothing and lose nothing; 11 forfeits all later rewards.
    let mut joint = [[0, 0]; 100];
    (joint[3], joint[4]) = ([0, 1], [1, 0]);
    assert_eq!(total(&mut env, &joint), (98.0, 100));
    joint[50] = [1, 1];
    assert_eq!(total(&mut env, &joint), (48.0, 100));
    let (_, rows) = play(&mut env, &[]);
    assert_eq!(rows.state, [0.0, 1.0, 0.0, 1.0]);
    let (_, rows) = play(&mut env, &[[1, 1], [0, 0]]);
    assert_eq!((rows.state, rows.obs), (vec![1.0, 0.0, 1.0, 0.0], vec![1.0, 0.0, 1.0, 0.0]));
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
            [
                StepResult { reward: 0.0, status: StepStatus::Running },
                StepResult { reward, status: StepStatus::Terminated }
            ]
        );
        let state = if joint[0][0] == 0 { [0.0, 1.0, 0.0] } else { [0.0, 0.0, 1.0] };
        assert_eq!(rows.state, state);
        assert_eq!(rows.obs, [state, state].concat());
    }
}
