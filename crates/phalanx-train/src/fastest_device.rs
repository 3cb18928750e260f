//! `device=auto`: the device on which updates take the least time.

use std::time::Duration;

use phalanx_core::env::{EnvSpec, VecEnv};
use phalanx_core::nn::{available, catch_device_failure, device};
use rayon::ThreadPool;

use crate::algorithms::{Algorithm, Setup};
use crate::error::TrainError;
use crate::update_time::{Effort, update_seconds};

/// The device of the configuration that stands for the fastest of all.
pub(crate) const AUTO: &str = "auto";

/// How many iterations are timed on a device; the median counts.
const REPEATS: usize = 5;
/// On a slow device fewer are timed, but one.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fastest device, and a line about every device.
pub(crate) struct Fastest {
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
}

/// Times the first updates of `algorithm` on each device of this build, with a learner and environments
/// that are thrown away. `steps` is where training would end.
///
/// A device that cannot be used is left out, except for the CPU, or whichever device comes first in a
/// build without it.
pub(crate) fn fastest_device(
    algorithm: &dyn Algorithm,
    spec: &EnvSpec,
    seed: u64,
    steps: u64,
    pool: &ThreadPool,
    envs: impl Fn(usize) -> Box<dyn VecEnv>,
) -> Result<Fastest, TrainError> {
    let names = available();
    let first = names.first().copied().expect("every build has a device");
    if names.len() == 1 {
        let lines = vec![format!("device=auto: {first}, the only device of this build")];
        return Ok(Fastest { name: first.to_owned(), lines });
    }
    let effort = Effort { repeats: REPEATS, patience: PATIENCE, steps };
    let time = |name: &str| -> Result<Vec<f64>, TrainError> {
        let device = device(name)?;
        let setup = Setup { spec: spec.clone(), seed, device: device.clone() };
        catch_device_failure(name, &device, || {
            let mut learner = algorithm.learner(&setup);
            let envs = envs(learner.n_envs());
            pool.install(|| update_seconds(&mut *learner, envs, effort))
        })?
    };
    let mut lines = Vec::new();
    let mut fastest: Option<(f64, &str)> = None;
    for name in names {
        match time(name) {
            Ok(mut seconds) if !seconds.is_empty() => {
                seconds.sort_by(f64::total_cmp);
                let median = seconds[seconds.len() / 2];
                lines.push(format!(
                    "device=auto: {:.2} ms per update on {name} (median of {})",
                    1e3 * median,
                    seconds.len()
                ));
                if fastest.is_none_or(|(least, _)| median < least) {
                    fastest = Some((median, name));
                }
            }
            Ok(_) => lines.push(format!("device=auto: no update is due in t_max steps on {name}")),
            Err(error) if name == first => return Err(error),
            Err(error) => lines.push(format!("device=auto: not on {name}: {error}")),
        }
    }
    let name = fastest.map_or(first, |(_, name)| name).to_owned();
    lines.push(format!("device=auto: learning on {name}"));
    Ok(Fastest { name, lines })
}
