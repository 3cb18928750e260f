//! `phalanx bench learn`.

use crate::bench_workloads::{PpoUpdate, QmixUpdate};
use clap::{Args, ValueEnum};
use phalanx_core::nn::{
    AnyEncoder, Device, HiddenActivation, count_multiply_adds, device, peak_fma_per_second,
};
use phalanx_train::TrainError;
use serde_json::json;

use super::{Options, Spread, encoder, pool, seconds};
use crate::Program;
use crate::commands::{UsageError, print};

/// Measure updates of networks from one fixed batch.
///
/// Weights and data of a preset come from a small hash, so that other libraries can measure the same
/// work: equal first losses and gradient norms show that it is the same.
#[derive(Args)]
#[command(after_help = "Examples:\n  phalanx bench learn\n  \
    phalanx bench learn --preset ppo --repeats 10 --json\n  \
    phalanx bench learn --encoder hpn")]
pub(super) struct Learn {
    /// The workload.
    #[arg(long, value_enum, default_value_t = Preset::Qmix)]
    preset: Preset,
    /// The device.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The encoder of the agents of the preset qmix, with its default settings; the observations are then
    /// those of eight enemies and four allies.
    #[arg(long, default_value = "none")]
    encoder: String,
    /// The number of measurements; the median counts.
    #[arg(long, default_value_t = 30)]
    repeats: usize,
    #[command(flatten)]
    options: Options,
}

/// Workloads of fixed sizes and weights.
#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// QMIX with PyMARL's networks: 32 episodes of 60 steps, five agents, observations of 80 numbers,
    /// 14 actions, a state of 120.
    Qmix,
    /// PPO: 81 920 samples of 80 numbers, 14 actions, two hidden layers of 64 with tanh, four epochs of
    /// four minibatches each.
    Ppo,
    /// The same with ReLU.
    PpoRelu,
}

/// A repeated update: a function that returns its first loss and gradient norm, and its multiply-adds.
type Update = (Box<dyn FnMut() -> Result<(f64, f64), TrainError>>, f64);

impl Preset {
    fn update(self, device: &Device, encoder: Option<AnyEncoder>) -> anyhow::Result<Update> {
        let ppo = |activation| -> Update {
            let mut update = PpoUpdate::new(activation, device);
            let multiply_adds = update.multiply_adds();
            (Box::new(move || update.run()), multiply_adds)
        };
        Ok(match (self, encoder) {
            (Self::Qmix, None) => {
                let mut update = QmixUpdate::new(device);
                let multiply_adds = update.multiply_adds();
                (Box::new(move || update.run()), multiply_adds)
            }
            (Self::Qmix, Some(encoder)) => {
                let mut other = QmixUpdate::with_encoder(device, encoder.clone());
                let (result, counted) = count_multiply_adds(|| other.run());
                result?;
                let mut update = QmixUpdate::with_encoder(device, encoder);
                (Box::new(move || update.run()), counted as f64)
            }
            (_, Some(_)) => {
                return Err(UsageError("--encoder needs --preset qmix".to_owned()).into());
            }
            (Self::Ppo, None) => ppo(HiddenActivation::Tanh),
            (Self::PpoRelu, None) => ppo(HiddenActivation::Relu),
        })
    }
}

/// Updates that are not measured.
const WARM_UP: usize = 3;

impl Learn {
    pub(super) fn run(&self, program: &Program) -> anyhow::Result<()> {
        let encoder = encoder(program, &self.encoder)?;
        pool(self.options.threads)?.install(|| self.measure(encoder))
    }

    fn measure(&self, encoder: Option<AnyEncoder>) -> anyhow::Result<()> {
        if self.repeats == 0 {
            return Err(UsageError("--repeats must be at least 1".to_owned()).into());
        }
        let device = device(&self.device)?;
        let (mut update, multiply_adds) = self.preset.update(&device, encoder)?;
        let (loss, norm) = update()?;
        for _ in 1..WARM_UP {
            update()?;
        }
        let mut times = Vec::new();
        for _ in 0..self.repeats {
            let mut result = Ok((0.0, 0.0));
            times.push(1e3 * seconds(|| result = update()));
            result?;
        }
        let Spread { median, min, max } = Spread::of(times);
        let name = self.preset.to_possible_value().expect("no preset is hidden");
        let name = name.get_name();
        let floor = 1e3 * multiply_adds / peak_fma_per_second();
        if self.options.json {
            let result = json!({
                "preset": name,
                "encoder": self.encoder,
                "device": self.device,
                "threads": self.options.threads,
                "milliseconds": median,
                "min": min,
                "max": max,
                "floor": floor,
                "first_loss": loss,
                "first_grad_norm": norm,
            });
            print(&result.to_string());
        } else {
            print(&format!(
                "{name} on {}: {median:.2} ms per update (median of {}; {min:.2} to {max:.2}); \
                 at peak throughput of one core {floor:.2} ms; first loss {loss:.5}, gradient norm \
                 {norm:.5}",
                self.device, self.repeats
            ));
        }
        Ok(())
    }
}
