//! `device=auto` chooses a device and nothing else: what is learned is what is learned with the device's
//! own name, and a run that goes on stays where it was.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use phalanx::envs::registry::factory;
use phalanx::nn::available;
use phalanx::prelude::*;
use phalanx::train::{Observer, Report, RunSummary, TrainError};
use serde_json::Value;

/// Notes what it is told, and ends the run with an error after a number of steps.
struct Listener {
    told: Arc<Mutex<Vec<String>>>,
    steps: u64,
}

impl Observer for Listener {
    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        self.told.lock().expect("nobody panicked").push(message.to_owned());
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

/// A short run, up to `steps`, and what it says of its device.
fn trainer(device: &str, steps: u64) -> (Trainer, Arc<Mutex<Vec<String>>>) {
    let learning = QLearningSettings {
        batch_size_run: 2,
        batch_size: 4,
        batch_steps: 10,
        rnn_hidden_dim: 8,
        ..QLearningSettings::default()
    };
    let env = factory("predator_prey", &Default::default()).expect("it is registered");
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut trainer = Trainer::new(Qmix::new(learning), env)
        .seed(3)
        .t_max(1600)
        .device(device)
        .observe(Listener { told: told.clone(), steps });
    trainer.config.log_interval = 400;
    trainer.config.test_interval = 800;
    trainer.config.test_nepisode = 2;
    trainer.config.save_state_interval = 400;
    (trainer, told)
}

/// The lines that say how the device was chosen.
fn reasons(told: &Mutex<Vec<String>>) -> Vec<String> {
    let told = told.lock().expect("nobody panicked");
    told.iter().filter(|line| line.starts_with("device=auto:")).cloned().collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("it was written")).expect("JSON")
}

fn weights(run: &Path) -> Vec<u8> {
    let last = json(&run.join("checkpoints/index.json"))["last"].clone();
    fs::read(run.join(format!("checkpoints/step_{last}/networks.safetensors"))).expect("written")
}

fn run(device: &str, path: &Path) -> RunSummary {
    trainer(device, u64::MAX).0.run(path).expect("it runs")
}

#[test]
fn a_device_chosen_by_itself_learns_what_it_learns_by_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (chosen, named) = (folder.path().join("chosen"), folder.path().join("named"));
    let (trainer, told) = trainer("auto", u64::MAX);
    let last = trainer.run(&chosen).expect("it runs").last;
    let reasons = reasons(&told);
    // One line per device and one for the choice; where there is no choice, that one alone.
    let n = available().len();
    assert_eq!(reasons.len(), if n == 1 { 1 } else { n + 1 }, "{reasons:?}");
    let log = fs::read_to_string(chosen.join("log.txt")).expect("it was written");
    assert!(reasons.iter().all(|line| log.contains(line)), "{log}");

    let run_json = json(&chosen.join("run.json"));
    let device = run_json["device"].as_str().expect("a name");
    assert!(available().contains(&device), "{device}");
    assert!(reasons.last().expect("there is one").contains(device), "{reasons:?}");
    assert_eq!(last, run(device, &named).last);
    assert!(weights(&chosen) == weights(&named), "the weights are the same to the bit");
}

#[test]
fn a_run_that_goes_on_keeps_its_device_and_times_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("run");
    let (first, told) = trainer("auto", 1200);
    first.run(&path).expect_err("it is interrupted");
    assert!(!reasons(&told).is_empty());
    let device = json(&path.join("run.json"))["device"].clone();
    let config = fs::read_to_string(path.join("config.toml")).expect("it was written");
    assert!(config.contains(&format!("device = {device}")), "{config}");

    let (second, told) = trainer("auto", u64::MAX);
    second.resume(&path).expect("it goes on");
    assert_eq!(reasons(&told), Vec::<String>::new());
    assert_eq!(json(&path.join("run.json"))["device"], device);
}
