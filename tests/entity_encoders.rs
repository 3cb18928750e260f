//! Encoders of entities in whole algorithms and environments: every algorithm learns with each of them, outputs
//! follow a permutation of units, and runs give the same bytes with any number of threads.

use phalanx::env::VecEnv;
use phalanx::envs::registry::factory;
use phalanx::nn::{AnyEncoder, device};
use phalanx::prelude::*;
use phalanx::toml::Table;
use phalanx::train::Encoders;
use phalanx::train::algorithms::{Algorithm, Algorithms, LearnerContext, SaveScope, algorithm};
use phalanx::train::config::ConfigBuilder;
use phalanx::train::rollout::{Metrics, Policy, TeamRunner};
use phalanx::train::run::checkpoint::load_policy;
use phalanx_tests::metrics::metrics_without_times;

/// Returns the encoders of the library that read entities, with small networks.
fn encoders() -> Vec<AnyEncoder> {
    let small: Table = "width = 16".parse().expect("it is TOML");
    let all = Encoders::builtin();
    let read = |id| all.read(id, &small).expect("16 divides by the heads").expect("it is one");
    let all: Vec<_> = all.iter().map(|entry| read(entry.id)).collect();
    all.into_iter().filter(AnyEncoder::reads_entities).collect()
}

/// Returns an algorithm with small networks and short rollouts, and its configuration.
fn small(id: &str, settings: &[&str]) -> (RunConfig, Box<dyn Algorithm>) {
    let entry = algorithm(id).expect("it is registered");
    let mut builder = ConfigBuilder::new(entry);
    let common = [
        "rnn_hidden_dim=8",
        "batch_size_run=4",
        "batch_size=4",
        "epochs=2",
        "rollout_steps=20",
        "num_mini_batch=1",
        "learning_starts=0",
    ];
    for setting in common.iter().chain(settings) {
        let (key, _) = setting.split_once('=').expect("it is an assignment");
        if entry.defaults().contains_key(key) {
            builder.assignment(setting).expect("the setting exists");
        }
    }
    builder.finish().expect("the settings are valid")
}

#[test]
fn every_algorithm_learns_with_every_encoder_of_entities() {
    assert!(encoders().len() >= 6);
    for entry in Algorithms::builtin().iter() {
        // Networks of their own for each agent, too.
        for (i, encoder) in encoders().into_iter().enumerate() {
            let sharing = ["parameter_sharing=none"];
            let (config, algorithm) = small(entry.id, &sharing[..i % 2]);
            let make = factory("skirmish/3m", &config.env_args).expect("it is registered");
            let mut envs = ParallelEnvs::new(4, 1, Purpose::Environment, make);
            let spec = envs.spec().clone();
            let name = || format!("{} with {}", entry.id, encoder.id());
            assert!(algorithm.validate_encoder(&encoder, &spec).is_empty(), "{}", name());
            let cpu = device("cpu").expect("the CPU is always there");
            let context = LearnerContext {
                encoder: Some(encoder.clone()),
                ..LearnerContext::new(spec, 1, cpu)
            };
            let mut learner = algorithm.learner(&context);
            let before = outputs(&learner.policy());
            let mut metrics = Metrics::default();
            learner.train_iteration(&mut envs, &mut metrics).expect("losses are finite");
            assert!(metrics.updates > 0, "{}", name());
            let after = outputs(&learner.policy());
            assert!(after.iter().all(|x| x.is_finite()), "{}", name());
            let differs = before.iter().zip(&after).filter(|(x, y)| x != y).count();
            assert!(differs > before.len() / 2, "{} learns", name());
            learner.save(SaveScope::Full).expect("weights can be read");
        }
    }
}

/// Returns what the agents compute in the first step from some observations.
fn outputs(policy: &Policy) -> Vec<f32> {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let n = policy.inputs.n_agents * policy.inputs.obs_dim;
    let obs: Vec<f32> = (0..n).map(|_| rng.range(-1.0, 1.0)).collect();
    let mut team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
    team.reset(0);
    team.forward(&policy.actor, &obs).to_vec()
}

fn trainer(id: &str, encoder: &AnyEncoder, env: &str, settings: &[&str]) -> Trainer {
    let (mut config, algorithm) = small(id, settings);
    config.encoder = encoder.id().to_owned();
    config.encoder_args = Table::try_from(encoder.settings()).expect("settings are plain");
    config.test_nepisode = 4;
    let make = factory(env, &config.env_args).expect("it is registered");
    Trainer::from_parts(config, algorithm, make)
}

/// Returns observations whose units are permuted: for every agent, enemies and allies in reverse.
fn reversed(spec: &EnvSpec, obs: &[f32]) -> Vec<f32> {
    let layout = spec.entities.as_ref().expect("battles describe their entities");
    let mut reversed = obs.to_vec();
    for (row, into) in obs.chunks_exact(spec.obs_dim).zip(reversed.chunks_exact_mut(spec.obs_dim)) {
        for kind in 1..layout.types.len() {
            let entities = &layout.entities[layout.of_type(kind)];
            for (from, to) in entities.iter().zip(entities.iter().rev()) {
                for (&from, &to) in from.columns.iter().zip(&to.columns) {
                    into[to] = row[from];
                }
            }
        }
    }
    reversed
}

#[test]
fn outputs_follow_a_permutation_of_the_units_through_whole_battles() {
    let settings = ["obs_last_action=false", "obs_agent_id=false"];
    for (env, limit) in [("skirmish/3m", 60), ("skirmish/protoss_5_vs_5", 60), ("smax/3m", 60)] {
        for encoder in encoders() {
            let policy = trainer("vdn", &encoder, env, &settings).policy().expect("it has one");
            let mut battle = factory(env, &Table::new()).expect("it is registered")();
            let spec = battle.spec().clone();
            let layout = spec.entities.clone().expect("battles describe their entities");
            let heads = policy.actor.observation_encoder().expect("it has one").head_actions();
            assert_eq!(heads, layout.actions(), "{env} with {}", encoder.id());
            let mut teams =
                [(); 2].map(|()| TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1));
            teams.iter_mut().for_each(|team| team.reset(0));
            let mut rng = Rng::stream(1, Purpose::Environment, 0);
            let mut rows = StepRows::new(&spec, 1, 1);
            battle.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            let mut largest = 0.0_f32;
            for _ in 0..limit {
                let [plain, exchanged] = &mut teams;
                let plain = plain.forward(&policy.actor, &rows.obs);
                let exchanged = exchanged.forward(&policy.actor, &reversed(&spec, &rows.obs));
                for (plain, exchanged) in
                    plain.chunks_exact(spec.n_actions).zip(exchanged.chunks_exact(spec.n_actions))
                {
                    for (action, value) in plain.iter().enumerate() {
                        let same = match heads.contains(&action) {
                            true => heads.end - 1 - (action - heads.start),
                            false => action,
                        };
                        largest = largest.max((value - exchanged[same]).abs());
                    }
                }
                let masks = rows.avail.chunks_exact(spec.n_actions);
                let chosen = masks.map(|mask| rng.choose(mask).expect("one is available") as u16);
                let actions: Vec<u16> = chosen.collect();
                let result = battle.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0));
                if result.status.is_over() {
                    break;
                }
            }
            assert!(largest < 1e-5, "{env} with {}: {largest}", encoder.id());
        }
    }
}

/// Returns `metrics.jsonl` of a short run, without the fields that depend on the clock.
fn metrics(id: &str, encoder: &AnyEncoder, threads: usize) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut trainer = trainer(id, encoder, "skirmish/3m", &["batch_size=8"]).seed(11).t_max(600);
    trainer.config.threads = threads;
    trainer.config.log_interval = 200;
    trainer.config.test_interval = 300;
    trainer.run(folder.path().join("run")).expect("the run succeeds");
    let lines = metrics_without_times(&folder.path().join("run"));
    lines.iter().map(|line| line.to_string()).collect()
}

#[test]
fn runs_with_encoders_of_entities_write_the_same_bytes_with_1_and_3_threads() {
    for encoder in encoders() {
        for (id, loss) in [("qmix", "loss_td"), ("mappo", "pg_loss")] {
            let single = metrics(id, &encoder, 1);
            assert!(single.iter().any(|line| line.contains(loss)), "no update was made");
            assert_eq!(single, metrics(id, &encoder, 3), "{id} with {}", encoder.id());
        }
    }
}

#[test]
fn policies_with_encoders_of_entities_are_saved_and_loaded() {
    for encoder in encoders() {
        // MAPPO normalises hidden layers, and stacks observations here.
        for (id, settings) in [("qmix", &[][..]), ("mappo", &["obs_frames=2", "use_rnn=false"])] {
            let mut trainer = trainer(id, &encoder, "skirmish/3m", settings);
            trainer.iterate().expect("losses are finite");
            let files = trainer.weights().expect("the weights can be read");
            let loaded = load_policy(&files).expect("the encoder is known");
            let policy = trainer.policy().expect("it was trained");
            assert_eq!(outputs(&loaded), outputs(&policy), "{id} with {}", encoder.id());
        }
    }
}

#[test]
fn an_encoder_of_entities_needs_an_environment_that_describes_them() {
    for encoder in encoders() {
        let error =
            trainer("vdn", &encoder, "two_step", &[]).prepare().expect_err("there are none");
        let error = error.to_string();
        for part in ["`encoder`", encoder.id(), "describes none"] {
            assert!(error.contains(part), "{error} lacks {part}");
        }
        let settings = ["normalise_input=true"];
        let error = trainer("ippo", &encoder, "skirmish/3m", &settings).prepare();
        let error = error.expect_err("it hides absence").to_string();
        assert!(error.contains("`normalise_input`"), "{error}");
    }
}
