//! A learning-rate schedule reaches every optimizer of every algorithm, and a resumed run continues it.

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::{Algorithm, NamedFile, algorithm};
use phalanx::train::config::{LrSchedule, RunConfig};
use phalanx::train::{Report, TrainError};

/// The settings of a small learner of each family, in the words of a configuration file.
const Q_LEARNING: &str = "batch_size_run = 2\nbatch_size = 4\nrnn_hidden_dim = 8";
const TRANSITIONS: &str = "batch_size_run = 2\nlearning_starts = 8\nbatch_size = 4\nhidden_dim = 8";
const ROLLOUTS: &str =
    "batch_size_run = 4\nrollout_steps = 8\ndata_chunk_length = 0\nrnn_hidden_dim = 8\nepochs = 2";
/// One algorithm for each kind of update.
const ALGORITHMS: [(&str, &str); 21] = [
    ("iql", Q_LEARNING),
    ("vdn", Q_LEARNING),
    ("qmix", Q_LEARNING),
    ("qplex", Q_LEARNING),
    ("qatten", Q_LEARNING),
    ("unrestricted", Q_LEARNING),
    ("qtran", Q_LEARNING),
    ("ow_qmix", Q_LEARNING),
    ("cw_qmix", Q_LEARNING),
    ("resq", Q_LEARNING),
    ("concaveq", Q_LEARNING),
    ("dqn", TRANSITIONS),
    ("gnn_dqn", TRANSITIONS),
    ("pqn_vdn", ROLLOUTS),
    ("pqn_iql", ROLLOUTS),
    ("ippo", ROLLOUTS),
    ("mappo", ROLLOUTS),
    ("happo", ROLLOUTS),
    ("sequential_ppo", ROLLOUTS),
    ("ia2c", ROLLOUTS),
    ("maa2c", ROLLOUTS),
];

fn settings(id: &str, text: &str) -> Box<dyn Algorithm> {
    let entry = algorithm(id).expect("it is registered");
    let mut table = entry.defaults();
    table.extend(text.parse::<toml::Table>().expect("TOML"));
    let algorithm = entry.read(&table).expect("the settings have the right types");
    assert!(algorithm.validate().is_empty(), "{id}: {:?}", algorithm.validate());
    algorithm
}

fn trainer_of(algorithm: Box<dyn Algorithm>) -> Trainer {
    let env = factory("k_step", &Default::default()).expect("the environment is registered");
    let config = RunConfig { t_max: 400, test_nepisode: 2, ..RunConfig::default() };
    Trainer::from_parts(config, algorithm, env).seed(3)
}

/// Returns the files of networks.
fn networks(trainer: &mut Trainer) -> Vec<NamedFile> {
    let mut files = trainer.weights().expect("the weights can be read");
    files.retain(|file| file.name.ends_with(".safetensors"));
    assert!(!files.is_empty());
    files
}

/// Trains for some updates and returns the networks.
fn trained(mut trainer: Trainer) -> Vec<NamedFile> {
    while trainer.progress().updates < 4 {
        trainer.iterate().expect("losses are finite");
    }
    networks(&mut trainer)
}

#[test]
fn a_factor_of_zero_leaves_every_network_of_every_algorithm_unchanged() {
    for (id, text) in ALGORITHMS {
        let mut start = trainer_of(settings(id, text));
        let initial = networks(&mut start);
        let learned = trained(start);
        for (before, after) in initial.iter().zip(&learned) {
            assert!(before != after, "{id} learns {} without a schedule", before.name);
        }
        let still = trained(trainer_of(settings(id, text)).learning_rate(|_| 0.0));
        assert!(initial == still, "{id} has changed");
    }
}

#[test]
fn a_factor_multiplies_the_learning_rate_of_every_algorithm() {
    for (id, text) in ALGORITHMS {
        let lr = settings(id, text).table()["lr"].as_float().expect("a number");
        let quarter = trained(trainer_of(settings(id, &format!("{text}\nlr = {}", lr / 4.0))));
        let factor = trained(trainer_of(settings(id, text)).learning_rate(|_| 0.25));
        assert!(quarter == factor, "{id}");
        // One more factor changes no bit.
        let plain = trained(trainer_of(settings(id, text)));
        assert!(plain == trained(trainer_of(settings(id, text)).learning_rate(|_| 1.0)), "{id}");
        assert!(plain != factor, "{id}");
    }
}

#[test]
fn a_separate_critic_follows_the_schedule_as_well() {
    let apart = format!("{ROLLOUTS}\nkl_stop = 100.0");
    let joint = format!("{ROLLOUTS}\nclip_jointly = true");
    let shared = format!("{ROLLOUTS}\ncritic = \"shared\"");
    for text in [apart, joint, shared] {
        let mut start = trainer_of(settings("ippo", &text));
        let initial = networks(&mut start);
        assert!(initial.iter().any(|file| file.name == "critic.safetensors"));
        let still = trained(trainer_of(settings("ippo", &text)).learning_rate(|_| 0.0));
        assert!(initial == still, "{text}");
    }
}

#[test]
fn the_named_schedules_are_functions_of_the_share_of_training() {
    let of = |schedule: LrSchedule, last: f64| {
        let mut trainer = trainer_of(settings("vdn", Q_LEARNING));
        (trainer.config.lr_schedule, trainer.config.lr_schedule_final) = (schedule, last);
        trained(trainer)
    };
    let custom = |factor: fn(f64) -> f64| {
        trained(trainer_of(settings("vdn", Q_LEARNING)).learning_rate(factor))
    };
    assert!(of(LrSchedule::Linear, 0.0) == custom(|progress| 1.0 - progress));
    assert!(of(LrSchedule::Linear, 0.5) == custom(|progress| 1.0 - progress + 0.5 * progress));
    assert!(of(LrSchedule::Constant, 0.5) == custom(|_| 1.0));
    assert!(of(LrSchedule::Cosine, 0.0) != of(LrSchedule::Linear, 0.0));
}

#[test]
fn a_schedule_is_logged_and_continues_exactly_in_a_resumed_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    let trainer = || {
        let mut trainer = trainer_of(settings("ippo", ROLLOUTS)).t_max(1000);
        (trainer.config.log_interval, trainer.config.test_interval) = (100, 400);
        trainer.config.save_state_interval = 300;
        trainer.config.lr_schedule = LrSchedule::Cosine;
        trainer
    };
    trainer().run(path("straight")).expect("the run succeeds");
    // A metric with a name that is taken ends the run.
    let failing = |report: &Report| (report.t_env >= 800).then_some(1.0);
    let cut = trainer().metric("crashes", failing).run(path("cut"));
    cut.expect_err("the run was interrupted");
    trainer().resume(path("cut")).expect("the run resumes");
    let lines = |name: &str| {
        let text = std::fs::read_to_string(path(name).join("metrics.jsonl")).expect("written");
        let line = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            (line["t_env"].clone(), line["lr_factor"].clone(), line["value_loss"].clone())
        };
        text.lines().map(line).collect::<Vec<_>>()
    };
    let straight = lines("straight");
    assert_eq!(straight.first().expect("a line").1, 1.0);
    assert_eq!(straight.last().expect("a line").1, 0.0);
    assert_eq!(straight, lines("cut"));
}

#[test]
fn an_invalid_schedule_is_refused_before_training() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let refused = |trainer: Trainer| {
        let error = trainer.run(&path).expect_err("it is invalid");
        assert!(!path.exists(), "{error}");
        error
    };
    let anneals = format!("{ROLLOUTS}\nlr_anneal_time = 1000");
    let both = trainer_of(settings("ippo", &anneals)).learning_rate(|progress| 1.0 - progress);
    let error = refused(both).to_string();
    assert!(error.contains("`lr_schedule` cannot be combined with lr_anneal_time"), "{error}");
    for factor in [f64::NAN, -1.0, f64::INFINITY] {
        let trainer = trainer_of(settings("vdn", Q_LEARNING));
        let at_end = move |progress| if progress < 1.0 { 1.0 } else { factor };
        let error = refused(trainer.learning_rate(at_end));
        assert!(matches!(error, TrainError::LearningRate { progress: 1.0, .. }), "{error}");
    }
    let mut trainer = trainer_of(settings("vdn", Q_LEARNING));
    trainer.config.lr_schedule = LrSchedule::Custom;
    let error = refused(trainer).to_string();
    assert!(error.contains("Trainer::learning_rate"), "{error}");
    let mut trainer = trainer_of(settings("vdn", Q_LEARNING));
    trainer.config.lr_schedule_final = -0.1;
    assert!(refused(trainer).to_string().contains("`lr_schedule_final`"));
}

#[test]
fn an_invalid_factor_in_the_middle_of_training_is_a_typed_error() {
    for (id, text) in [("vdn", Q_LEARNING), ("pqn_vdn", ROLLOUTS), ("ippo", ROLLOUTS)] {
        let in_the_middle =
            |progress: f64| if progress == 0.0 { 1.0 } else { progress.floor() - 0.5 };
        let mut trainer = trainer_of(settings(id, text)).learning_rate(in_the_middle);
        let error = (0..20).find_map(|_| trainer.iterate().err());
        assert!(matches!(error, Some(TrainError::LearningRate { factor: -0.5, .. })), "{error:?}");
    }
}
