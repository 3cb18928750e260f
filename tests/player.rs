//! A player acts as an evaluation does, episode by episode, and refuses arguments that do not fit.

use phalanx::env::StepRows;
use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::config::ConfigBuilder;
use phalanx::train::rollout::Policy;
use phalanx::train::run::evaluate::evaluate;

/// Episodes of each comparison.
const EPISODES: usize = 6;

/// Returns the policy of an algorithm after `steps` environment steps.
fn trained(algorithm: &str, env: &str, settings: &[&str], steps: u64) -> Policy {
    let entry = phalanx::train::algorithms::algorithm(algorithm).expect("a known algorithm");
    let mut builder = ConfigBuilder::new(entry);
    for setting in settings {
        builder.setting(setting).expect("a valid setting");
    }
    let (config, algorithm) = builder.finish().expect("a valid configuration");
    let env = factory(env, &Default::default()).expect("a known environment");
    let mut trainer = Trainer::from_parts(config, algorithm, env);
    while trainer.iterate().expect("losses are finite").t_env < steps {}
    trainer.policy().expect("the device works")
}

/// Plays episodes in a loop of one's own and returns their returns.
fn deployed(mut player: Player, env: &str, seed: u64) -> Vec<f64> {
    let mut env = factory(env, &Default::default()).expect("a known environment")();
    let spec = env.spec().clone();
    let mut rng = Rng::stream(seed, Purpose::TestEnvironment, 0);
    let mut rows = StepRows::new(&spec, 1, 1);
    let episode = |_| {
        player.begin();
        env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
        let mut total = 0.0;
        loop {
            let actions = player.act(&rows.obs, &rows.avail).expect("valid arguments");
            let result = env.step(actions, &mut rng, rows.at_mut(0).row(&spec, 0));
            total += f64::from(result.reward);
            if result.status.is_over() {
                return total;
            }
        }
    };
    (0..EPISODES).map(episode).collect()
}

#[test]
fn a_loop_with_a_player_earns_the_returns_of_an_evaluation() {
    let small = ["t_max=10000", "batch_size=2", "buffer_size=50", "rnn_hidden_dim=16"];
    let rollouts = ["t_max=10000", "batch_size_run=2", "rollout_steps=16", "rnn_hidden_dim=16"];
    let with = |base: &[&'static str], more: &[&'static str]| [base, more].concat();
    for (algorithm, settings) in [
        ("vdn", with(&small, &["rnn=gru"])),
        ("qmix", with(&small, &["rnn=lstm"])),
        ("iql", with(&small, &["use_rnn=false"])),
        ("ippo", with(&rollouts, &["use_rnn=false", "obs_frames=3"])),
        ("ippo", with(&rollouts, &["use_rnn=true", "obs_frames=2"])),
    ] {
        for env in ["skirmish/3m", "predator_prey"] {
            let policy = trained(algorithm, env, &settings, 300);
            let make = factory(env, &Default::default()).expect("a known environment");
            let mut envs = ParallelEnvs::new(1, 5, Purpose::TestEnvironment, make);
            let evaluation = evaluate(&policy, &mut envs, EPISODES).expect("no fault");
            let returns = deployed(Player::new(policy), env, 5);
            assert_eq!(returns, evaluation.returns, "{algorithm} {settings:?} on {env}");
        }
    }
}

#[test]
fn a_player_loads_the_best_checkpoint_of_a_run_or_the_named_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = folder.path().join("run");
    let game = factory("two_step", &Default::default()).expect("a known environment");
    let settings = QLearningSettings { rnn_hidden_dim: 16, ..QLearningSettings::default() };
    let mut trainer = Trainer::new(Vdn::new(settings), game).t_max(200);
    trainer.config.test_interval = 50;
    trainer.config.test_nepisode = 2;
    let summary = trainer.run(&run).expect("the run succeeds");

    let values = |id| {
        let mut player = Player::load_checkpoint(&run, id).expect("it was saved");
        player.begin();
        let (obs, avail) = (player.n_agents() * player.obs_dim(), player.n_actions() * 2);
        player.act(&vec![0.5; obs], &vec![true; avail]).expect("valid arguments");
        player.values().to_vec()
    };
    let mut best = Player::load(&run).expect("there is a best checkpoint");
    best.begin();
    best.act(&vec![0.5; 2 * best.obs_dim()], &vec![true; 2 * best.n_actions()])
        .expect("valid arguments");
    assert_eq!(best.values(), values(CheckpointId::Best));
    assert_eq!(best.values(), values(CheckpointId::Step(summary.best.0)));
    values(CheckpointId::Last);
    let error = Player::load_checkpoint(&run, CheckpointId::Step(7)).expect_err("never saved");
    assert!(error.to_string().contains("no such checkpoint"), "{error}");
    let error = Player::load(folder.path().join("nothing")).expect_err("no run");
    assert!(error.to_string().contains("no checkpoint"), "{error}");
}

#[test]
fn a_player_names_the_argument_that_does_not_fit_and_acts_as_before_afterwards() {
    let game = factory("skirmish/3m", &Default::default()).expect("a known environment");
    let mut trainer = Trainer::new(Vdn::default(), game);
    let mut player = Player::new(trainer.policy().expect("the device works"));
    let (agents, obs_dim, n_actions) = (player.n_agents(), player.obs_dim(), player.n_actions());
    assert_eq!((agents, obs_dim, n_actions), (3, 30, 9));
    let obs: Vec<f32> = (0..90).map(|i| (i as f32 / 90.0).sin()).collect();
    let avail = vec![true; 27];

    assert_eq!(player.act(&obs, &avail), Err(PlayerError::NotBegun));
    player.begin();
    player.act(&obs, &avail).expect("valid arguments");
    player.begin();
    for length in [0, 30, 89, 91, 180] {
        let error = player.act(&vec![0.0; length], &avail).expect_err("a wrong length");
        let text = format!("`obs` has {length} elements, but [3 agents, 30 numbers] needs 90");
        assert_eq!(error.to_string(), text);
        let error = player.act(&obs, &vec![true; length]).expect_err("a wrong length");
        let text = format!("`avail` has {length} elements, but [3 agents, 9 actions] needs 27");
        assert_eq!(error.to_string(), text);
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut bad = obs.clone();
        bad[64] = value;
        let error = player.act(&bad, &avail).expect_err("not finite").to_string();
        assert!(error.contains("for agent 2 at index 4"), "{error}");
    }
    let mut stuck = avail.clone();
    stuck[9..18].fill(false);
    assert_eq!(player.act(&obs, &stuck), Err(PlayerError::NoAvailableAction { agent: 1 }));

    // Refused calls left no trace in hidden states and last actions.
    let actions = player.act(&obs, &avail).expect("valid arguments").to_vec();
    let values = player.values().to_vec();
    player.begin();
    assert_eq!(player.act(&obs, &avail).expect("valid arguments"), actions);
    assert_eq!(player.values(), values);
}
