//! A policy moves to another environment, and a run begins with the weights of another run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use phalanx::envs::registry::factory;
use phalanx::prelude::*;
use phalanx::train::algorithms::{AlgorithmEntry, Algorithms, NamedFile, algorithm};
use phalanx::train::config::ConfigBuilder;
use phalanx::train::run::checkpoint::RunCheckpoints;
use phalanx::train::run::evaluate::evaluate;
use phalanx_tests::metrics::metrics_without_times;
use serde_json::{Value, json};

/// Settings that make runs short, for the algorithms that have them.
const SMALL: [&str; 11] = [
    "t_max=60",
    "test_nepisode=2",
    "rnn_hidden_dim=8",
    "hidden_dim=8",
    "batch_size_run=4",
    "batch_size=4",
    "learning_starts=8",
    "epochs=2",
    "rollout_steps=8",
    "num_mini_batch=1",
    "data_chunk_length=0",
];

fn trainer_of(entry: AlgorithmEntry, env: &str, settings: &[&str]) -> Trainer {
    let mut builder = ConfigBuilder::new(entry);
    for setting in SMALL {
        // Not every algorithm has every key.
        let _ = builder.setting(setting);
    }
    for setting in settings {
        builder.setting(setting).unwrap_or_else(|error| panic!("{error}"));
    }
    let (config, algorithm) = builder.finish().expect("a valid configuration");
    let env = factory(env, &config.env_args).expect("a known environment");
    Trainer::from_parts(config, algorithm, env)
}

fn trainer(alg: &str, env: &str, settings: &[&str]) -> Trainer {
    trainer_of(algorithm(alg).expect("a known algorithm"), env, settings)
}

/// Trains for a short time and returns the folder of the run.
fn run(folder: &Path, name: &str, trainer: Trainer) -> PathBuf {
    trainer.run(folder.join(name)).expect("the run succeeds").path
}

fn file<'a>(files: &'a [NamedFile], name: &str) -> &'a [u8] {
    &files.iter().find(|file| file.name == name).expect("the learner saves it").bytes
}

/// Returns what `run.json` states about the initial weights.
fn initial_weights(run: &Path) -> Value {
    let text = fs::read_to_string(run.join("run.json")).expect("written");
    serde_json::from_str::<Value>(&text).expect("JSON")["initial_weights"].clone()
}

fn error_of(trainer: Trainer, source: &Path) -> String {
    let mut trainer = trainer.init_from(source);
    trainer.evaluate().expect_err("the networks differ").to_string()
}

#[test]
fn every_algorithm_begins_with_the_agents_of_another_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for entry in Algorithms::builtin().iter() {
        let trainer = |seed| trainer_of(*entry, "two_step", &["encoder=none"]).seed(seed);
        let source = run(folder.path(), entry.id, trainer(1));
        let (_, files) = RunCheckpoints::of(&source).load(CheckpointId::Best).expect("saved");
        let mut second = trainer(2).init_from(&source);
        let saved = second.save().expect("it can be saved");
        let agents = file(&files, "agent.safetensors");
        assert!(agents == file(&saved, "agent.safetensors"), "{}", entry.id);
        assert!(agents != file(&trainer(2).weights().expect("read"), "agent.safetensors"));
        for name in ["networks.safetensors", "critic.safetensors"] {
            if saved.iter().any(|file| file.name == name) {
                assert!(file(&files, name) == file(&saved, name), "{}: {name}", entry.id);
            }
        }
        if let Some(target) = saved.iter().find(|file| file.name == "target.safetensors") {
            let online = ["networks.safetensors", "agent.safetensors"].into_iter();
            let online = online.filter_map(|name| saved.iter().find(|file| file.name == name));
            assert!(online.map(|file| &file.bytes).next() == Some(&target.bytes), "{}", entry.id);
        }
        second.iterate().expect("it goes on training");
    }
}

#[test]
fn mixers_and_critics_are_loaded_only_if_all_their_shapes_agree() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let inputs = ["obs_agent_id=true", "obs_last_action=true"];
    let with = |more: &[&'static str]| [&inputs[..], more].concat();
    let qmix = run(at, "qmix", trainer("qmix", "skirmish/3m", &with(&["mixing_embed_dim=8"])));
    let ippo = run(at, "ippo", trainer("ippo", "skirmish/3m", &with(&["use_rnn=true"])));
    for (name, alg, settings, source, loaded, not_loaded) in [
        ("a", "qmix", with(&["mixing_embed_dim=8"]), &qmix, json!(["agents", "mixer"]), json!([])),
        ("b", "qmix", with(&["mixing_embed_dim=4"]), &qmix, json!(["agents"]), json!(["mixer"])),
        ("c", "qplex", with(&[]), &qmix, json!(["agents"]), json!(["mixer"])),
        ("d", "iql", with(&[]), &qmix, json!(["agents"]), json!([])),
        ("e", "ippo", with(&["use_rnn=true"]), &ippo, json!(["agents", "critic"]), json!([])),
        ("f", "qmix", with(&[]), &ippo, json!(["agents"]), json!(["mixer"])),
        (
            "g",
            "ippo",
            with(&["use_rnn=true", "critic=state"]),
            &ippo,
            json!(["agents"]),
            json!(["critic"]),
        ),
    ] {
        let trainer = trainer(alg, "skirmish/3m", &settings).seed(2).init_from(source);
        let path = run(at, name, trainer);
        let initial = initial_weights(&path);
        assert_eq!(initial["run"], json!(source), "{name}");
        assert_eq!((&initial["loaded"], &initial["not_loaded"]), (&loaded, &not_loaded), "{name}");
        assert!(initial["checkpoint"].is_u64(), "{name}");
        let log = fs::read_to_string(path.join("log.txt")).expect("written");
        let line = log.lines().next().expect("a line");
        let words = format!("initial weights from {} after", source.display());
        assert!(line.starts_with(&words), "{line}");
        assert_eq!(line.contains("random weights"), not_loaded != json!([]), "{line}");
        let config = fs::read_to_string(path.join("config.toml")).expect("written");
        assert!(config.contains("init_from = "), "{config}");
    }
    assert_eq!(initial_weights(&qmix), Value::Null);
}

#[test]
fn a_resumed_run_does_not_load_the_other_run_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let source = run(at, "source", trainer("dqn", "skirmish/3m", &[]));
    let second = || trainer("dqn", "skirmish/3m", &["t_max=200"]).seed(2).init_from(&source);
    let straight = run(at, "straight", second());
    let stopped = second().stop_when(Arc::new(AtomicBool::new(true))).run(at.join("stopped"));
    let stopped = match stopped {
        Err(TrainError::Stopped { path, .. }) => path,
        other => panic!("{other:?}"),
    };
    fs::remove_dir_all(&source).expect("removed");
    let error = second().run(at.join("late")).expect_err("the other run is gone").to_string();
    assert!(error.starts_with(&format!("init_from={}: ", source.display())), "{error}");
    assert!(!at.join("late").exists(), "nothing is written");
    second().resume(&stopped).expect("the state holds everything");
    assert_eq!(metrics_without_times(&stopped), metrics_without_times(&straight));
    assert_eq!(initial_weights(&stopped), initial_weights(&straight));
    assert_eq!(initial_weights(&stopped)["loaded"], json!(["agents"]));
    let other = trainer("dqn", "skirmish/3m", &["t_max=300"]).seed(2).resume(&stopped);
    let error = other.expect_err("init_from belongs to the run").to_string();
    assert!(error.contains("its `init_from` differs") || error.contains("finished"), "{error}");
}

#[test]
fn a_policy_acts_on_its_own_map_as_before() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = factory("skirmish/3m", &Default::default()).expect("known")().spec().clone();
    let obs: Vec<f32> = (0..spec.obs_len()).map(|i| (i as f32).sin()).collect();
    let avail = vec![true; spec.avail_len()];
    let frames = ["use_rnn=false", "use_conv=true", "obs_frames=2"];
    for (name, alg, settings) in [
        ("vdn", "vdn", vec![]),
        ("dqn", "dqn", vec!["parameter_sharing=none"]),
        ("mlp", "dqn", vec!["encoder=mlp"]),
        ("ippo", "ippo", vec!["normalise_input=true", "use_rnn=false"]),
        ("conv", "ippo", frames.to_vec()),
    ] {
        let run = run(folder.path(), name, trainer(alg, "skirmish/3m", &settings));
        let values = |mut player: Player| {
            player.begin();
            let actions = player.act(&obs, &avail).expect("valid arguments").to_vec();
            (actions, player.values().to_vec())
        };
        let elsewhere = Player::load_for(&run, &spec).expect("it fits");
        assert_eq!(values(elsewhere), values(Player::load(&run).expect("saved")), "{name}");
    }
}

#[test]
fn a_policy_that_does_not_fit_an_environment_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = |id: &str| factory(id, &Default::default()).expect("known")().spec().clone();
    let inputs = ["obs_agent_id=true", "obs_last_action=true"];
    let with = |more: &[&'static str]| [&inputs[..], more].concat();
    for (name, alg, settings, env, parts) in [
        (
            "vdn",
            "vdn",
            with(&[]),
            "skirmish/8m",
            vec![
                "the parameter `networks.0.encoder.weight` has shape [42, 8] there and [102, 8] here",
                "train both with an encoder that reads entities (encoder=gcn",
                "obs_agent_id=false, obs_last_action=false",
            ],
        ),
        (
            "mlp",
            "dqn",
            vec!["encoder=mlp", "obs_agent_id=false"],
            "skirmish/8m",
            vec!["observation_encoder", "an encoder that reads entities"],
        ),
        (
            "sharing",
            "dqn",
            vec!["parameter_sharing=none"],
            "skirmish/8m",
            vec!["networks for 3 agents, but there are 8 agents here", "parameter_sharing=all"],
        ),
        (
            "standardised",
            "ippo",
            vec!["normalise_input=true", "use_rnn=false"],
            "skirmish/8m",
            vec![
                "normalise_input=true for inputs of length",
                "train it with normalise_input=false",
            ],
        ),
        (
            "conv",
            "ippo",
            vec!["use_conv=true", "use_rnn=false"],
            "skirmish/8m",
            vec!["use_conv=true for inputs of length 30, but they have length 80 here"],
        ),
    ] {
        let run = run(folder.path(), name, trainer(alg, "skirmish/3m", &settings));
        let error = Player::load_for(&run, &spec(env)).expect_err("it does not fit").to_string();
        for part in parts {
            assert!(error.contains(part), "{name}: {error} lacks {part}");
        }
    }
}

#[test]
fn weights_of_other_networks_are_refused_with_the_first_difference() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path();
    let dqn = run(at, "dqn", trainer("dqn", "two_step", &[]));
    let ippo = run(at, "ippo", trainer("ippo", "two_step", &["use_rnn=false"]));
    let relu = ["use_rnn=false", "activation=relu"];
    for (alg, env, settings, source, parts) in [
        (
            "dqn",
            "two_step",
            vec!["hidden_dim=16"],
            &dqn,
            vec![
                "the parameter `networks.0.encoder.weight` has shape [5, 8] there and [5, 16] here",
                "compare the two runs' config.toml",
            ],
        ),
        (
            "iql",
            "two_step",
            vec!["obs_last_action=false"],
            &dqn,
            vec!["the parameter `networks.0.core.weight_ih` exists only here"],
        ),
        (
            "dqn",
            "two_step",
            vec!["obs_agent_id=false"],
            &dqn,
            vec!["has shape [5, 8] there and [3, 8] here; train both with obs_agent_id=false"],
        ),
        (
            "dqn",
            "two_step",
            vec!["obs_last_action=true"],
            &dqn,
            vec!["train both with obs_last_action=false"],
        ),
        (
            "dqn",
            "two_step",
            vec!["encoder=mlp", "encoder_args.width=5"],
            &dqn,
            vec![
                "the policy has encoder=none, but this run has encoder=mlp",
                "encoder_args.width=5",
            ],
        ),
        (
            "dqn",
            "two_step",
            vec!["parameter_sharing=none"],
            &dqn,
            vec!["trained with parameter_sharing=all, but this run has parameter_sharing=none"],
        ),
        (
            "ippo",
            "two_step",
            [&relu[..], &["normalise_input=true"]].concat(),
            &ippo,
            vec!["trained with"],
        ),
    ] {
        let error = error_of(trainer(alg, env, &settings), source);
        assert!(error.starts_with(&format!("init_from={}: ", source.display())), "{error}");
        for part in parts {
            assert!(error.contains(part), "{settings:?}: {error} lacks {part}");
        }
    }
    let error = error_of(trainer("dqn", "two_step", &[]), &at.join("nothing"));
    assert!(error.contains("nothing is not a run"), "{error}");
}

/// Settings of agents whose networks do not depend on the number of entities.
const ENTITIES: [&str; 2] = ["obs_agent_id=false", "obs_last_action=false"];

#[test]
fn a_policy_over_entities_plays_and_learns_on_with_another_number_of_units() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let eight = || factory("skirmish/8m", &Default::default()).expect("a known environment");
    let spec = eight()().spec().clone();
    for (alg, encoder, parts) in [
        ("gnn_dqn", "encoder=gcn", json!([["agents"], []])),
        ("qmix", "encoder=hpn", json!([["agents"], ["mixer"]])),
        ("vdn", "encoder=deep_sets", json!([["agents", "mixer"], []])),
        ("pqn_vdn", "encoder=relational_attention", json!([["agents"], []])),
        ("ippo", "encoder=entity_attention", json!([["agents", "critic"], []])),
        ("mappo", "encoder=gat", json!([["agents"], ["critic"]])),
    ] {
        let settings = [&ENTITIES[..], &[encoder]].concat();
        let source = run(folder.path(), alg, trainer(alg, "skirmish/3m", &settings));
        let player = Player::load_for(&source, &spec).expect("it fits");
        assert_eq!((player.n_agents(), player.n_actions()), (8, 14), "{alg}");
        let mut envs = ParallelEnvs::new(2, 1, Purpose::TestEnvironment, eight());
        let evaluation = evaluate(player.policy(), &mut envs, 2).expect("no fault");
        assert_eq!(evaluation.episodes, 2, "{alg}");

        let mut second = trainer(alg, "skirmish/8m", &settings).seed(2).init_from(&source);
        let (_, files) = RunCheckpoints::of(&source).load(CheckpointId::Best).expect("saved");
        let weights = second.weights().expect("they can be read");
        let agents = file(&files, "agent.safetensors");
        assert!(agents == file(&weights, "agent.safetensors"), "{alg}");
        while second.progress().updates == 0 {
            second.iterate().expect("it learns on");
        }
        let learned = second.weights().expect("they can be read");
        assert!(agents != file(&learned, "agent.safetensors"), "{alg}");

        let second = trainer(alg, "skirmish/8m", &settings).init_from(&source);
        let path = run(folder.path(), &format!("{alg} second"), second);
        let initial = initial_weights(&path);
        assert_eq!(json!([initial["loaded"], initial["not_loaded"]]), parts, "{alg}");
    }
}

#[test]
fn what_makes_networks_over_entities_differ_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let spec = |id: &str, args: &str| {
        let args = args.parse().expect("TOML");
        factory(id, &args).expect("a known environment")().spec().clone()
    };
    for (name, settings, env, args, parts) in [
        (
            "ids",
            vec!["obs_agent_id=true"],
            "skirmish/8m",
            "",
            vec!["the parameter `networks.0.encoder.weight`", "train both with obs_agent_id=false"],
        ),
        (
            "last",
            vec!["obs_last_action=true"],
            "skirmish/8m",
            "",
            vec!["the parameter `networks.0.encoder.weight`", "with obs_last_action=false"],
        ),
        (
            "heads",
            vec!["encoder_args.entity_heads=false"],
            "skirmish/8m",
            "",
            vec![
                "the parameter `networks.0.head.weight` has shape [8, 9] there and [8, 14] here",
                "train both with encoder_args.entity_heads=true",
            ],
        ),
        (
            "features",
            vec![],
            "skirmish/3m",
            "obs_last_action = true",
            vec!["the features of the entity type `ally` differ: ", "exists only here", "env_args"],
        ),
        ("types", vec![], "predator_prey", "", vec!["the types of entities differ: self, "]),
        ("none", vec![], "two_step", "", vec!["`encoder` must not be gcn, which reads entities"]),
    ] {
        let run = run(folder.path(), name, trainer("gnn_dqn", "skirmish/3m", &settings));
        let error = Player::load_for(&run, &spec(env, args)).expect_err(name).to_string();
        for part in parts {
            assert!(error.contains(part), "{name}: {error} lacks {part}");
        }
    }
    let error = trainer("gnn_dqn", "two_step", &[]).prepare().expect_err("there are no entities");
    assert!(error.to_string().contains("`encoder` must not be gcn"), "{error}");
}
