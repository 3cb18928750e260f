//! The GPU and the CPU learn the same: every algorithm on both devices, from the same experience.
//!
//! A software driver suffices (Debian: `mesa-vulkan-drivers` and `libvulkan1`):
//!
//! ```sh
//! cargo test --profile gpu -p phalanx-tests --features wgpu --test devices_agree
//! ```

use phalanx::env::{ParallelEnvs, VecEnv};
use phalanx::nn::{AnyEncoder, MlpEncoder, device};
use phalanx::rng::Purpose;
use phalanx::train::algorithms::{Algorithms, Learner, LearnerContext, SaveScope, algorithm};
use phalanx::train::config::ConfigBuilder;
use phalanx::train::rollout::Metrics;

const ENV: &str = "skirmish/3m";
/// Maximum difference, relative to the largest number.
const TOLERANCE: f64 = 1e-4;

/// The result of one rollout and some updates: metrics by name, and weights.
struct Learned {
    means: Vec<(String, f64)>,
    weights: Vec<Vec<f32>>,
}

fn learn(id: &str, encoder: Option<&AnyEncoder>, device_name: &str, updates: usize) -> Learned {
    let mut builder = ConfigBuilder::new(algorithm(id).expect("the id is registered")).for_env(ENV);
    let shared = ["rnn_hidden_dim=16", "hidden_dim=16", "batch_size_run=4", "learning_starts=0"];
    let replayed = [format!("updates_per_rollout={updates}"), "batch_size=4".to_owned()];
    let rolled =
        [format!("epochs={updates}"), "rollout_steps=20".into(), "num_mini_batch=1".into()];
    let keys = algorithm(id).expect("the id is registered").defaults();
    for setting in shared.iter().map(|s| (*s).to_owned()).chain(replayed).chain(rolled) {
        let key = setting.split('=').next().expect("there is a key");
        if keys.contains_key(key) {
            builder.assignment(&setting).expect("the setting exists");
        }
    }
    let (config, algorithm) = builder.finish().expect("the settings are valid");
    let make =
        phalanx::envs::registry::factory(ENV, &config.env_args).expect("the id is registered");
    let device = device(device_name).expect("the build has the device");
    let mut envs = ParallelEnvs::new(4, 1, Purpose::Environment, make);
    let setup = LearnerContext {
        encoder: encoder.cloned(),
        ..LearnerContext::new(envs.spec().clone(), 1, device)
    };
    let mut learner = algorithm.learner(&setup);
    let mut metrics = Metrics::default();
    while metrics.updates < updates as u64 {
        learner.train_iteration(&mut envs, &mut metrics).expect("losses are finite");
    }
    learner.flush(&mut metrics).expect("losses are finite");
    let means = metrics.take_means().into_iter().map(|(name, mean)| (name.to_string(), mean));
    Learned { means: means.collect(), weights: weights(&*learner) }
}

/// Returns all numbers of all files; each file begins with the length of its header and the header.
fn weights(learner: &dyn Learner) -> Vec<Vec<f32>> {
    let files = learner.save(SaveScope::Weights).expect("the weights can be read");
    let numbers = files.iter().map(|file| {
        let header = u64::from_le_bytes(file.bytes[..8].try_into().expect("eight bytes")) as usize;
        let (numbers, _) = file.bytes[8 + header..].as_chunks::<4>();
        numbers.iter().map(|number| f32::from_le_bytes(*number)).collect()
    });
    numbers.collect()
}

fn agree(id: &str, encoder: Option<&AnyEncoder>) {
    for updates in [1, 10] {
        let [cpu, gpu] = ["cpu", "wgpu"].map(|name| learn(id, encoder, name, updates));
        for ((name, ours), (_, theirs)) in cpu.means.iter().zip(&gpu.means) {
            let bound = TOLERANCE * ours.abs().max(1.0);
            assert!((ours - theirs).abs() < bound, "{id}: {name} {ours} is not {theirs}");
        }
        for (ours, theirs) in cpu.weights.iter().zip(&gpu.weights) {
            assert_eq!(ours.len(), theirs.len());
            let largest = ours.iter().fold(1.0_f32, |most, x| most.max(x.abs()));
            for (x, y) in ours.iter().zip(theirs) {
                let close = f64::from((x - y).abs()) < TOLERANCE * f64::from(largest);
                assert!(close, "{id} after {updates} updates: {x} is not {y}");
            }
        }
    }
}

#[test]
fn every_algorithm_learns_the_same_on_the_gpu_as_on_the_cpu() {
    for entry in Algorithms::builtin().iter() {
        let started = std::time::Instant::now();
        agree(entry.id, None);
        eprintln!("{}: {:.0} s", entry.id, started.elapsed().as_secs_f64());
    }
}

#[test]
fn agents_with_an_encoder_learn_the_same_on_the_gpu_as_on_the_cpu() {
    let encoder = AnyEncoder::new(MlpEncoder { width: 16, layers: 2 });
    agree("qmix", Some(&encoder));
}

#[test]
fn a_missing_gpu_is_explained() {
    let error = device("wgpu:63").expect_err("no machine has 64 GPUs").to_string();
    assert!(error.contains("`wgpu:63` cannot be used here"), "{error}");
    assert!(error.contains("device=cpu"), "{error}");
}
