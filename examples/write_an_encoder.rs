//! A custom encoder of observations in one file, with the whole command line of `phalanx`.
//!
//! ```sh
//! cargo run --release --example write_an_encoder -- train qmix skirmish/3m encoder=gated
//! cargo run --release --example write_an_encoder -- train ippo skirmish/3m encoder=gated encoder_args.width=32
//! cargo run --release --example write_an_encoder -- list encoders
//! ```
//!
//! Every algorithm can use it. Its setting, `width`, is a key of the table `encoder_args`.

use std::process::ExitCode;

use burn::module::Module;
use burn::tensor::Tensor;
use phalanx::nn::{Activation, Device, Encoder, EncoderSizes, Linear, PlainEncoder, PlainLinear};
use phalanx::rng::Rng;
use phalanx::settings::{Check, InvalidSetting};
use phalanx_cli::Program;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A gated linear unit over the observation `o` (Dauphin et al. 2017, arXiv 1612.08083):
/// `(W o + b) * sigmoid(V o + c)`, entry by entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Gated {
    /// The number of features.
    width: usize,
}

impl Default for Gated {
    fn default() -> Self {
        Self { width: 64 }
    }
}

/// The network of [`Gated`].
#[derive(Module, Debug)]
struct GatedNetwork {
    values: Linear,
    gates: Linear,
}

impl Encoder for Gated {
    const ID: &str = "gated";
    const SUMMARY: &str = "a gated linear unit over the observation";
    type Network = GatedNetwork;

    fn validate(&self) -> Vec<InvalidSetting> {
        let mut check = Check::default();
        check.at_least_one(&[("width", self.width)]);
        check.finish()
    }

    fn output_dim(&self, _: &EncoderSizes) -> usize {
        self.width
    }

    fn init(&self, sizes: &EncoderSizes, rng: &mut Rng, device: &Device) -> GatedNetwork {
        let mut layer = || Linear::new(sizes.view_dim(), self.width, rng, device);
        GatedNetwork { values: layer(), gates: layer() }
    }

    fn forward(&self, network: &GatedNetwork, obs: Tensor<2>) -> Tensor<2> {
        let values = network.values.forward(obs.clone(), Activation::Identity);
        values * network.gates.forward(obs, Activation::Sigmoid)
    }

    // Optional: the same on slices, so that acting is as fast as without tensors.
    fn plain(&self, network: &GatedNetwork) -> Option<Box<dyn PlainEncoder>> {
        Some(Box::new(PlainGated {
            values: PlainLinear::new(&network.values, Activation::Identity),
            gates: PlainLinear::new(&network.gates, Activation::Sigmoid),
        }))
    }
}

/// [`Gated`] on plain slices.
#[derive(Debug)]
struct PlainGated {
    values: PlainLinear,
    gates: PlainLinear,
}

impl PlainEncoder for PlainGated {
    fn encode(&self, obs: &[f32], features: &mut [f32], scratch: &mut Vec<f32>) {
        scratch.resize(features.len(), 0.0);
        self.values.forward(obs, features);
        self.gates.forward(obs, scratch);
        features.iter_mut().zip(scratch).for_each(|(value, gate)| *value *= *gate);
    }

    fn multiply_adds(&self) -> usize {
        self.values.multiply_adds() + self.gates.multiply_adds()
    }
}

fn main() -> ExitCode {
    Program::builtin().encoder::<Gated>().main()
}
