//! The conformance kit: plays an environment and tests the contract of [`Env`].

mod copy;
mod rules;

use self::copy::Copy;
use self::rules::{check_available, check_result, check_rows, check_spec, same_result};
use super::environment::Env;
use super::saved_state::EnvError;
use crate::rng::{Purpose, Rng};

/// Statistics of a check that found no violation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckReport {
    /// Steps played.
    pub steps: u64,
    /// Episodes finished.
    pub episodes: u64,
    /// The smallest return of an episode.
    pub min_return: f32,
    /// The largest return of an episode.
    pub max_return: f32,
    /// The longest episode, in steps.
    pub longest: u64,
    /// The number of states saved in mid-episode, loaded into another copy and compared.
    pub restores: u64,
}

/// A violation of the contract of [`Env`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The specification contradicts itself.
    #[error("the specification of `{id}` is wrong: {reason}")]
    Spec {
        /// The environment.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// A step broke the contract.
    #[error(
        "`{id}` broke its contract in step {step} of episode {episode} (seed {seed}): {reason}"
    )]
    Step {
        /// The environment.
        id: String,
        /// The episode, counted from zero.
        episode: u64,
        /// The step in the episode; zero is the reset.
        step: u64,
        /// The seed that reproduces it.
        seed: u64,
        /// What is wrong.
        reason: String,
    },
    /// Saving or loading failed.
    #[error("`{id}` cannot save and load itself: {cause}")]
    Restore {
        /// The environment.
        id: String,
        /// The cause.
        cause: EnvError,
    },
}

const SEED: u64 = 0x5eed;
/// The number of steps for which a restored copy is compared with the original.
const STEPS_AFTER_RESTORE: u64 = 20;

/// Plays `steps` steps and tests the whole contract of [`Env`]. Actions are random; every second
/// episode uses one of the [scripted policies](Env::scripted_policies), if there are any.
///
/// Tests that
///
/// - every slice has the right length, is fully written and finite;
/// - every agent has an available action, a dead one exactly one, and dead agents stay dead;
/// - episodes end within their limit and report how;
/// - two copies with the same seed agree bit for bit;
/// - a state saved in mid-episode and loaded into another copy continues exactly like the original,
///   including its scripted policies;
/// - scripted policies choose available actions, and asking them changes nothing else.
///
/// # Errors
///
/// The first violation, with the episode, the step and the seed that reproduce it.
pub fn check_env<E: Env>(factory: impl Fn() -> E, steps: u64) -> Result<CheckReport, CheckError> {
    let mut original = Copy::new(factory(), 0.5, true);
    let mut twin = Copy::new(factory(), -3.25, false);
    let spec = original.env.spec().clone();
    check_spec(&spec, twin.env.spec())?;
    let policies = original.env.scripted_policies();
    let mut policy_rng = Rng::stream(SEED, Purpose::Check, 3);
    let mut scripted = vec![0_u16; spec.n_agents()];
    let mut random = Rng::stream(SEED, Purpose::Check, 1);
    let mut report =
        CheckReport { min_return: f32::MAX, max_return: f32::MIN, ..Default::default() };
    let mut restored: Option<(Copy<E>, u64)> = None;
    let mut actions = vec![0_u16; spec.n_agents()];
    let mut was_alive = vec![true; spec.n_agents()];

    while report.steps < steps {
        let fail = |step: u64, reason: String| CheckError::Step {
            id: spec.id.clone(),
            episode: report.episodes,
            step,
            seed: SEED,
            reason,
        };
        original.reset();
        twin.reset();
        original.compare(&twin, "a second copy with the same seed").map_err(|e| fail(0, e))?;
        was_alive.fill(true);
        let mut total = 0.0;
        for step in 0_u64.. {
            check_rows(&spec, &original, &mut was_alive).map_err(|e| fail(step, e))?;
            if step >= spec.episode_limit as u64 {
                let limit = spec.episode_limit;
                return Err(fail(
                    step,
                    format!("the episode continues after its limit of {limit}"),
                ));
            }
            if random.below(50) == 0 {
                let mut bytes = Vec::new();
                original.env.save(&mut bytes);
                let mut copy = Copy::new(factory(), 7.75, true);
                copy.rng = Rng::stream(SEED ^ 1, Purpose::Check, 2);
                copy.reset();
                copy.env
                    .load(&bytes)
                    .map_err(|cause| CheckError::Restore { id: spec.id.clone(), cause })?;
                copy.rng = original.rng.clone();
                restored = Some((copy, STEPS_AFTER_RESTORE));
                report.restores += 1;
            }
            for (agent, action) in actions.iter_mut().enumerate() {
                let mask = &original.rows.avail[agent * spec.n_actions..][..spec.n_actions];
                *action = random.choose(mask).map_or(0, |index| index as u16);
            }
            if !policies.is_empty() {
                // The twin is not asked, so it shows whether asking changes anything.
                let policy = report.episodes as usize / 2 % policies.len();
                let name = policies[policy].0;
                let rng_before = policy_rng.clone();
                original.scripted_actions(policy, &mut policy_rng, &mut scripted);
                check_available(&spec, &original, &scripted)
                    .map_err(|e| fail(step, format!("scripted policy `{name}`: {e}")))?;
                if let Some((copy, _)) = &mut restored {
                    let mut others = vec![0; scripted.len()];
                    copy.scripted_actions(policy, &mut rng_before.clone(), &mut others);
                    if others != scripted {
                        let reason = format!(
                            "scripted policy `{name}` chooses {scripted:?} here and {others:?} in a \
                             copy restored in mid-episode"
                        );
                        return Err(fail(step, reason));
                    }
                }
                if report.episodes % 2 == 1 {
                    actions.copy_from_slice(&scripted);
                }
            }
            let result = original.step(&actions);
            let other = twin.step(&actions);
            let reason = original.compare(&twin, "a second copy with the same seed");
            reason.and(same_result(result, other)).map_err(|e| fail(step + 1, e))?;
            if let Some((mut copy, left)) = restored.take() {
                let followed = copy.step(&actions);
                let reason = original.compare(&copy, "a copy restored in mid-episode");
                reason.and(same_result(result, followed)).map_err(|e| fail(step + 1, e))?;
                if left > 1 && !result.status.is_over() {
                    restored = Some((copy, left - 1));
                }
            }
            total += result.reward;
            report.steps += 1;
            check_result(&spec, result, step + 1).map_err(|e| fail(step + 1, e))?;
            if result.status.is_over() {
                check_rows(&spec, &original, &mut was_alive).map_err(|e| fail(step + 1, e))?;
                report.longest = report.longest.max(step + 1);
                break;
            }
        }
        report.episodes += 1;
        report.min_return = report.min_return.min(total);
        report.max_return = report.max_return.max(total);
    }
    Ok(report)
}
