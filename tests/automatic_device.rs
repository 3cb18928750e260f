//! `device=auto` only chooses a device: the result is the same as with the device's own name, and a
//! resumed run keeps its device.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use phalanx::envs::registry::factory;
use phalanx::nn::available;
use phalanx::prelude::*;
use phalanx::train::{Observer, Report, RunSummary, TrainError};
use serde_json::Value;

/// Records the messages of a run and ends it with an error after a number of steps.
struct Listener {
    told: Arc<Mutex<Vec<String>>>,
    steps: u64,
}

impl Observer for Listener {
    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        self.told.lock().expect("the lock is not poisoned").push(message.to_owned());
        Ok(())
    }
    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        if report.t_env < self.steps {
            return Ok(());
        }
        let cause = std::io::Error::other("that is enough");
        Err(TrainError::Io { action: "write", path: "anything".into(), cause })
    }
    fn warn(&mut self, _: &str) -> Result<(), TrainError> {
        Ok(())
    }
}

/// Returns the trainer of a short run, up to `steps`, and the messages that it will print.
fn trainer(device: &str, steps: u64) -> (Trainer, Arc<Mutex<Vec<String>>>) {
    let learning = QLearningSettings {
        batch_size_run: 2,
        batch_size: 4,
        batch_steps: 10,
        rnn_hidden_dim: 8,
        ..QLearningSettings::default()
    };
    let env = factory("predator_prey", &Default::default()).expect("it is registered");
    let messages = Arc::new(Mutex::new(Vec::new()));
    let mut trainer = Trainer::new(Qmix::new(learning), env)
        .seed(3)
        .t_max(1600)
        .device(device)
        .observe(Listener { told: messages.clone(), steps });
    trainer.config.log_interval = 400;
    trainer.config.test_interval = 800;
    trainer.config.test_nepisode = 2;
    trainer.config.save_state_interval = 400;
    (trainer, messages)
}

/// Returns the messages that explain the choice of the device.
fn reasons(messages: &Mutex<Vec<String>>) -> Vec<String> {
    let messages = messages.lock().expect("the lock is not poisoned");
    messages.iter().filter(|line| line.starts_with("device=auto:")).cloned().collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it was written")).expect("JSON")
}

fn weights(run: &Path) -> Vec<u8> {
    let last = json(&run.join("checkpoints/index.json"))["last"].clone();
    fs::read(run.join(format!("checkpoints/step_{last}/networks.safetensors"))).expect("written")
}

fn run(device: &str, path: &Path) -> RunSummary {
    trainer(device, u64::MAX).0.run(path).expect("the run succeeds")
}

#[test]
fn an_automatic_device_learns_the_same_weights_as_the_named_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (chosen, named) = (folder.path().join("chosen"), folder.path().join("named"));
    let (trainer, messages) = trainer("auto", u64::MAX);
    let last = trainer.run(&chosen).expect("the run succeeds").last;
    let reasons = reasons(&messages);
    // One line per device and one for the choice; only the latter if there is a single device.
    let n = available().len();
    assert_eq!(reasons.len(), if n == 1 { 1 } else { n + 1 }, "{reasons:?}");
    let log = fs::read_to_string(chosen.join("log.txt")).expect("it was written");
    assert!(reasons.iter().all(|line| log.contains(line)), "{log}");

    let run_json = json(&chosen.join("run.json"));
    let device = run_json["device"].as_str().expect("a name");
    assert!(available().contains(&device), "{device}");
    assert!(reasons.last().expect("there is a message").contains(device), "{reasons:?}");
    assert_eq!(last, run(device, &named).last);
    assert!(weights(&chosen) == weights(&named), "the weights are the same to the bit");
}

#[test]
fn a_resumed_run_keeps_its_device_and_times_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let (first, messages) = trainer("auto", 1200);
    first.run(&path).expect_err("the run is interrupted");
    assert!(!reasons(&messages).is_empty());
    let device = json(&path.join("run.json"))["device"].clone();
    let config = fs::read_to_string(path.join("config.toml")).expect("it was written");
    assert!(config.contains(&format!("device = {device}")), "{config}");

    let (second, messages) = trainer("auto", u64::MAX);
    second.resume(&path).expect("the run resumes");
    assert_eq!(reasons(&messages), Vec::<String>::new());
    assert_eq!(json(&path.join("run.json"))["device"], device);
}
