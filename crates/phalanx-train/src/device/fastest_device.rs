//! `device=auto`: chooses the device with the fastest updates.

use std::time::Duration;

use phalanx_core::env::{EnvSpec, VecEnv};
use phalanx_core::nn::{AnyEncoder, available, catch_device_failure, device};
use rayon::ThreadPool;

use super::update_time::{BenchBudget, update_seconds};
use crate::algorithms::{Algorithm, LearnerContext};
use crate::error::TrainError;

/// The name that selects the fastest device in a configuration.
pub(crate) const AUTO: &str = "auto";

/// The number of timed iterations per device, whose median is compared.
const REPEATS: usize = 5;
/// The time after which a slow device is not measured again.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The fastest device, and a message about every device.
pub(crate) struct Fastest {
    pub(crate) name: String,
    pub(crate) messages: Vec<String>,
}

/// Times the first updates of `algorithm` on each device of this build, with separate learners and
/// environments. `t_max` is the number of environment steps of the run.
///
/// A device that cannot be used is skipped, unless it is the first of the build (usually the CPU).
pub(crate) fn fastest_device(
    algorithm: &dyn Algorithm,
    spec: &EnvSpec,
    encoder: Option<&AnyEncoder>,
    seed: u64,
    t_max: u64,
    pool: &ThreadPool,
    envs: impl Fn(usize) -> Box<dyn VecEnv>,
) -> Result<Fastest, TrainError> {
    let names = available();
    let first = names.first().copied().expect("every build has a device");
    if names.len() == 1 {
        let messages = vec![format!("device=auto: {first} is the only device of this build")];
        return Ok(Fastest { name: first.to_owned(), messages });
    }
    let budget = BenchBudget { repeats: REPEATS, max_time: MAX_TIME, max_steps: t_max };
    let time = |name: &str| -> Result<Vec<f64>, TrainError> {
        let device = device(name)?;
        let setup = LearnerContext {
            encoder: encoder.cloned(),
            ..LearnerContext::new(spec.clone(), seed, device.clone())
        };
        catch_device_failure(name, &device, || {
            let mut learner = algorithm.learner(&setup);
            let envs = envs(learner.n_envs());
            pool.install(|| update_seconds(&mut *learner, envs, budget))
        })?
    };
    let mut messages = Vec::new();
    let mut fastest: Option<(f64, &str)> = None;
    for name in names {
        match time(name) {
            Ok(mut seconds) if !seconds.is_empty() => {
                seconds.sort_by(f64::total_cmp);
                let median = seconds[seconds.len() / 2];
                messages.push(format!(
                    "device=auto: {:.2} ms per update on {name} (median of {})",
                    1e3 * median,
                    seconds.len()
                ));
                if fastest.is_none_or(|(least, _)| median < least) {
                    fastest = Some((median, name));
                }
            }
            Ok(_) => {
                messages.push(format!("device=auto: no update is due in t_max steps on {name}"))
            }
            Err(error) if name == first => return Err(error),
            Err(error) => messages.push(format!("device=auto: {name} is skipped: {error}")),
        }
    }
    let name = fastest.map_or(first, |(_, name)| name).to_owned();
    messages.push(format!("device=auto: learning on {name}"));
    Ok(Fastest { name, messages })
}
