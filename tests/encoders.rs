//! Encoders of observations: any algorithm learns with one of a user's own, whose results follow the seed,
//! and which is saved, loaded and resumed with the run.

use std::fs;

use phalanx::env::VecEnv;
use phalanx::envs::registry::factory;
use phalanx::nn::{AnyEncoder, MlpEncoder, device};
use phalanx::prelude::*;
use phalanx::train::Encoders;
use phalanx::train::algorithms::{
    Algorithm, Algorithms, LearnerContext, NamedFile, SaveScope, algorithm,
};
use phalanx::train::config::{ConfigBuilder, ConfigError};
use phalanx::train::rollout::{Metrics, Policy, TeamRunner};
use phalanx::train::run::checkpoint::{load_policy, load_policy_with};
use phalanx_tests::metrics::metrics_without_times;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `tanh(W o + b)`, where `o` is the observation times `scale`: with a scale of zero, agents are blind. It has no
/// plain version, so acting evaluates its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scaled {
    width: usize,
    scale: f32,
}

impl Default for Scaled {
    fn default() -> Self {
        Self { width: 12, scale: 1.0 }
    }
}

impl Encoder for Scaled {
    const ID: &str = "scaled";
    const SUMMARY: &str = "one layer over a scaled observation";
    type Network = Linear;

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.width
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> Linear {
        Linear::new(sizes.view_dim(), self.width, rng, device)
    }

    fn forward(&self, layer: &Linear, obs: Tensor<2>) -> Tensor<2> {
        layer.forward(obs.mul_scalar(self.scale), Activation::Identity).tanh()
    }
}

/// Two agents each see one of four signs, and earn a half if they name it.
struct Signs {
    spec: EnvSpec,
    signs: [usize; 2],
}

const SIGNS: usize = 4;

impl Signs {
    fn make() -> Self {
        let spec = EnvSpec {
            n_actions: SIGNS,
            obs_dim: SIGNS,
            state_dim: 1,
            episode_limit: 1,
            ..EnvSpec::new("signs", 2)
        };
        Self { spec, signs: [0; 2] }
    }

    fn write(&self, out: StepBuffers<'_>) {
        out.obs.fill(0.0);
        for (obs, sign) in out.obs.chunks_exact_mut(SIGNS).zip(self.signs) {
            obs[sign] = 1.0;
        }
        out.state.fill(0.0);
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for Signs {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.signs = [rng.below(SIGNS), rng.below(SIGNS)];
        self.write(out);
    }

    fn step(&mut self, actions: &[u16], _: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        let right = self.signs.iter().zip(actions).filter(|(sign, did)| **sign == **did as usize);
        let reward = 0.5 * right.count() as f32;
        self.write(out);
        StepResult { reward, status: StepStatus::Terminated }
    }

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.signs.map(|sign| sign as u8));
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let signs: [u8; 2] = bytes.try_into().expect("the saved bytes");
        self.signs = signs.map(usize::from);
        Ok(())
    }
}

fn vdn() -> Vdn {
    Vdn::new(QLearningSettings {
        rnn_hidden_dim: 16,
        batch_size: 32,
        lr: 0.005,
        epsilon_anneal_time: 1000,
        ..QLearningSettings::default()
    })
}

fn ippo() -> Ippo {
    Ippo {
        learning: PolicyGradient {
            rnn_hidden_dim: 16,
            batch_size_run: 16,
            rollout_steps: 20,
            lr: 0.005,
            ..PolicyGradient::default()
        },
    }
}

fn iterate(trainer: &mut Trainer, t_env: u64) {
    while trainer.iterate().expect("losses are finite").t_env < t_env {}
}

/// Returns the mean return of greedy episodes after `t_max` steps of training on [`Signs`].
fn learned(algorithm: impl Algorithm + 'static, encoder: impl Encoder, t_max: u64) -> f64 {
    let mut trainer = Trainer::new(algorithm, Signs::make).seed(1).encoder(encoder);
    trainer.config.test_nepisode = 256;
    iterate(&mut trainer, t_max);
    trainer.evaluate().expect("it was trained").return_mean()
}

#[test]
fn agents_act_on_what_the_encoder_lets_through() {
    let blind = || Scaled { scale: 0.0, ..Scaled::default() };
    for (seeing, blind) in [
        (learned(vdn(), Scaled::default(), 3000), learned(vdn(), blind(), 3000)),
        (learned(ippo(), Scaled::default(), 10_000), learned(ippo(), blind(), 10_000)),
    ] {
        assert_eq!(seeing, 1.0);
        // Guessing earns 1/4 on average, with a deviation of 0.02 for 512 guesses.
        assert!((0.15..0.35).contains(&blind), "blind agents can only guess: {blind}");
    }
    let mlp = MlpEncoder { width: 16, layers: 2 };
    assert_eq!(learned(vdn(), mlp, 10_000), 1.0);
}

#[test]
fn every_algorithm_learns_the_parameters_of_an_encoder() {
    for entry in Algorithms::builtin().iter() {
        let mut builder = ConfigBuilder::new(*entry);
        for setting in [
            "rnn_hidden_dim=8",
            "batch_size_run=4",
            "batch_size=4",
            "epochs=2",
            "rollout_steps=20",
            "num_mini_batch=1",
            "learning_starts=0",
        ] {
            let (key, _) = setting.split_once('=').expect("it is an assignment");
            if entry.defaults().contains_key(key) {
                builder.assignment(setting).expect("the setting exists");
            }
        }
        let (config, algorithm) = builder.finish().expect("the settings are valid");
        let make = factory("skirmish/3m", &config.env_args).expect("it is registered");
        let mut envs = ParallelEnvs::new(4, 1, Purpose::Environment, make);
        let cpu = device("cpu").expect("the CPU is always there");
        let context = LearnerContext {
            encoder: Some(AnyEncoder::new(Scaled::default())),
            ..LearnerContext::new(envs.spec().clone(), 1, cpu)
        };
        let mut learner = algorithm.learner(&context);
        let before = learner.save(SaveScope::Weights).expect("weights can be read");
        let mut metrics = Metrics::default();
        learner.train_iteration(&mut envs, &mut metrics).expect("losses are finite");
        assert!(metrics.updates > 0, "{}", entry.id);
        let after = learner.save(SaveScope::Weights).expect("weights can be read");
        let encoded = |files: &[NamedFile]| tensors(file(files, "agent.safetensors"));
        let (before, after) = (encoded(&before), encoded(&after));
        assert!(before.len() >= 2, "{}: weight and bias of the encoder", entry.id);
        for ((name, before), (_, after)) in before.iter().zip(&after) {
            assert!(before != after, "{}: {name} did not learn", entry.id);
        }
        assert!(learner.policy().actor.observation_encoder().is_some(), "{}", entry.id);
    }
}

fn file<'a>(files: &'a [NamedFile], name: &str) -> &'a [u8] {
    &files.iter().find(|file| file.name == name).expect("the learner saves it").bytes
}

/// Returns the tensors of the encoder in a safetensors file, by name.
fn tensors(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let (header, data) = bytes[8..]
        .split_at(usize::from_le_bytes(bytes[..8].try_into().expect("the length of the header")));
    let header: Value = serde_json::from_slice(header).expect("the header is JSON");
    let header = header.as_object().expect("the header is an object");
    let own = header.iter().filter(|(name, _)| name.contains("observation_encoder."));
    own.map(|(name, entry)| {
        let at = |i: usize| entry["data_offsets"][i].as_u64().expect("an offset") as usize;
        (name.clone(), data[at(0)..at(1)].to_vec())
    })
    .collect()
}

/// Returns `metrics.jsonl` of a short run, without the fields that depend on the clock.
fn metrics(algorithm: impl Algorithm + 'static, threads: usize, t_max: u64) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let env = factory("skirmish/3m", &Default::default()).expect("it is registered");
    let mut trainer = Trainer::new(algorithm, env).seed(11).t_max(t_max);
    trainer = trainer.encoder(Scaled::default());
    trainer.config.threads = threads;
    trainer.config.log_interval = 500;
    trainer.config.test_interval = 1000;
    trainer.run(folder.path().join("run")).expect("the run succeeds");
    let lines = metrics_without_times(&folder.path().join("run"));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_run_with_an_encoder_writes_the_same_bytes_with_1_2_and_3_threads() {
    let qmix = |threads| {
        let learning = QLearningSettings { batch_size: 16, ..QLearningSettings::default() };
        metrics(Qmix::new(learning), threads, 2500)
    };
    let ippo = |threads| {
        let learning = PolicyGradient { num_mini_batch: 3, ..PolicyGradient::default() };
        metrics(Ippo { learning }, threads, 4000)
    };
    let pqn = |threads| metrics(PqnVdn { learning: Pqn::default() }, threads, 4000);
    let runs: [(&str, &dyn Fn(usize) -> String); 3] =
        [("loss_td", &qmix), ("pg_loss", &ippo), ("loss_td", &pqn)];
    for (loss, run) in runs {
        let single = run(1);
        assert!(single.contains(loss), "no update was made");
        for threads in [2, 3] {
            assert_eq!(single, run(threads), "{threads} threads");
        }
    }
}

fn small_trainer(encoder: impl Encoder) -> Trainer {
    let learning = QLearningSettings { batch_size: 4, ..QLearningSettings::default() };
    let env = factory("skirmish/3m", &Default::default()).expect("it is registered");
    let mut trainer = Trainer::new(Qmix::new(learning), env).seed(5).encoder(encoder);
    trainer.config.test_nepisode = 4;
    trainer
}

#[test]
fn a_run_with_an_encoder_continues_exactly() {
    let mut straight = small_trainer(Scaled::default());
    iterate(&mut straight, 300);
    let saved = straight.save().expect("the trainer can be saved");
    iterate(&mut straight, 600);
    let mut again = small_trainer(Scaled::default());
    again.load(&saved).expect("the files were just saved");
    iterate(&mut again, 600);
    let files = |mut trainer: Trainer| trainer.save().expect("the trainer can be saved");
    for (ours, theirs) in files(again).iter().zip(&files(straight)) {
        assert_eq!(ours.name, theirs.name);
        assert!(ours.bytes == theirs.bytes, "{} differs", ours.name);
    }
}

/// Returns what the agents compute in the first step from some observations.
fn outputs(policy: &Policy) -> Vec<f32> {
    let mut rng = Rng::stream(1, Purpose::Check, 0);
    let obs: Vec<f32> =
        (0..policy.inputs.n_agents * policy.inputs.obs_dim).map(|_| rng.range(-1.0, 1.0)).collect();
    let mut team = TeamRunner::new(policy.inputs, policy.actor.carry_dim(), 1);
    team.reset(0);
    team.forward(&policy.actor, &obs).to_vec()
}

#[test]
fn a_policy_is_saved_and_loaded_with_its_encoder() {
    let scaled = Scaled { width: 7, scale: 0.5 };
    let mut trainer = small_trainer(scaled.clone());
    iterate(&mut trainer, 300);
    let (policy, files) = (
        trainer.policy().expect("it was trained"),
        trainer.weights().expect("the weights can be read"),
    );
    let encoders = Encoders::builtin().with::<Scaled>();
    let loaded = load_policy_with(&files, &encoders).expect("the policy is complete");
    let encoder = loaded.actor.observation_encoder().expect("it has one").encoder();
    assert_eq!(encoder, &AnyEncoder::new(scaled));
    assert_eq!(outputs(&loaded), outputs(&policy));
    // A program that does not know the encoder names it.
    let error = load_policy(&files).err().expect("the encoder is unknown");
    assert!(error.to_string().contains("`scaled`"), "{error}");
    assert!(
        matches!(error, TrainError::Config(ConfigError::UnknownEncoder { name, .. }) if name == "scaled")
    );
    // Encoders of the library are always known.
    let mut trainer = small_trainer(MlpEncoder { width: 9, layers: 2 });
    let files = trainer.weights().expect("the weights can be read");
    let loaded = load_policy(&files).expect("the encoder is known");
    assert_eq!(outputs(&loaded), outputs(&trainer.policy().expect("it has one")));
}

#[test]
fn a_run_records_its_encoder_and_is_resumed_with_the_same_one_only() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let short = |encoder: Scaled| {
        let mut trainer = small_trainer(encoder).t_max(600);
        trainer.config.save_state_interval = 100;
        trainer
    };
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let stopped = short(Scaled::default()).stop_when(stop).run(&path);
    assert!(matches!(stopped, Err(TrainError::Stopped { .. })));
    let config: toml::Table =
        toml::from_str(&fs::read_to_string(path.join("config.toml")).expect("it was written"))
            .expect("it is TOML");
    assert_eq!(config["encoder"].as_str(), Some("scaled"));
    assert_eq!(config["encoder_args"]["width"].as_integer(), Some(12));
    let other = Scaled { width: 13, ..Scaled::default() };
    let error = short(other).resume(&path).expect_err("the width differs").to_string();
    assert!(error.contains("encoder_args"), "{error}");
    short(Scaled::default()).resume(&path).expect("the run can be resumed");
    let encoders = Encoders::builtin().with::<Scaled>();
    let player = Player::load_with(&path, CheckpointId::Best, &encoders);
    assert_eq!(player.expect("the encoder is known").n_agents(), 3);
    let error = Player::load(&path).expect_err("the encoder is unknown").to_string();
    assert!(error.contains("`scaled`"), "{error}");
}

#[test]
fn a_run_from_before_encoders_can_be_resumed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let trainer = || {
        let learning = QLearningSettings { batch_size: 4, ..QLearningSettings::default() };
        let env = factory("skirmish/3m", &Default::default()).expect("it is registered");
        let mut trainer = Trainer::new(Qmix::new(learning), env).seed(5).t_max(600);
        trainer.config.test_nepisode = 4;
        trainer
    };
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let stopped = trainer().stop_when(stop).run(&path);
    assert!(matches!(stopped, Err(TrainError::Stopped { .. })));
    let file = path.join("config.toml");
    let mut config: toml::Table =
        toml::from_str(&fs::read_to_string(&file).expect("it was written")).expect("it is TOML");
    for key in ["encoder", "encoder_args"] {
        assert!(config.remove(key).is_some(), "every run has {key}");
    }
    fs::write(&file, config.to_string()).expect("it can be written");
    trainer().resume(&path).expect("the run can be resumed");
}

#[test]
fn a_convolution_and_an_encoder_exclude_each_other() {
    let learning = PolicyGradient { use_rnn: false, use_conv: true, ..PolicyGradient::default() };
    let env = factory("skirmish/3m", &Default::default()).expect("it is registered");
    let mut trainer = Trainer::new(Ippo { learning }, env).encoder(MlpEncoder::default());
    let error = trainer.prepare().expect_err("there is one place for both").to_string();
    assert!(error.contains("`use_conv`"), "{error}");
}

#[test]
fn an_algorithm_by_name_uses_an_encoder_by_name() {
    let mut builder = ConfigBuilder::new(algorithm("vdn").expect("it is registered"))
        .encoders(Encoders::builtin().with::<Scaled>());
    for text in ["encoder_args.width=5", "encoder=scaled"] {
        builder.assignment(text).expect("the setting exists");
    }
    let (config, algorithm) = builder.finish().expect("the settings are valid");
    assert_eq!(config.encoder_args["scale"].as_float(), Some(1.0), "defaults are filled in");
    let encoders = Encoders::builtin().with::<Scaled>();
    let mut trainer = Trainer::from_parts(config, algorithm, Signs::make).encoders(encoders);
    let policy = trainer.policy().expect("the configuration is valid");
    let encoder = policy.actor.observation_encoder().expect("it has one");
    assert_eq!(encoder.output_dim(), 5);
}
