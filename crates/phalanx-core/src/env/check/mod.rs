//! The conformance kit: plays an environment and tests the contract of [`Env`].

mod allocations;
mod copy;
mod error;
mod names;
mod rules;

pub use self::allocations::check_allocations;
pub use self::error::CheckError;

use self::copy::{EnvCopy, Other, guard};
use self::names::Names;
use self::rules::{
    check_available, check_description, check_frame, check_policies, check_result, check_rows,
    check_spec, mask_of, same_result,
};
use super::environment::Env;
use super::step::StepResult;
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

const SEED: u64 = 0x5eed;
/// The number of steps for which a restored copy is compared with the original.
const STEPS_AFTER_RESTORE: u64 = 20;
/// A state is saved and restored once in this many steps, on average.
const STEPS_PER_RESTORE: usize = 50;
/// A frame is asked for once in this many steps.
const STEPS_PER_FRAME: u64 = 8;

/// Plays at least `steps` steps, in whole episodes, and tests the contract of [`Env`].
///
/// Actions are random; every second episode uses one of the
/// [scripted policies](Env::scripted_policies), if there are any. Tests that
///
/// - the specification is consistent and never changes, including its
///   [entities](super::EntityLayout), and [`Env::describe`] has one text for each index of observation,
///   state and action;
/// - every slice is fully written and finite, as is the reward;
/// - all features of absent entities are zero, and actions that target them are not available, unless
///   the layout allows it;
/// - every agent has an available action, a dead one exactly one, and dead agents stay dead;
/// - episodes end within their limit and report how;
/// - two copies with the same seed agree bit for bit;
/// - a state saved in mid-episode and loaded into another copy continues exactly like the original,
///   including its scripted policies, and a damaged state is refused and changes nothing;
/// - scripted policies choose available actions, and asking them changes nothing else;
/// - [`Env::frame`] can be called at any time, returns the same each time and changes nothing;
/// - no call panics.
///
/// Allocations are the one part of the contract that it cannot see: [`check_allocations`] tests them
/// with the help of an allocator that counts.
///
/// # Errors
///
/// The first violation, with the episode, the step, the actions and the seed that reproduce it, and
/// with the text of [`Env::describe`] for the index of an observation, the state or an action.
pub fn check_env<E: Env>(factory: impl Fn() -> E, steps: u64) -> Result<CheckReport, CheckError> {
    let mut check = Check::new(&factory)?;
    while check.report.steps < steps {
        check.play_episode().map_err(|failure| check.error(failure))?;
    }
    Ok(check.report)
}

/// Makes a copy of the environment with its buffers filled with `number` and `flag` before each call.
fn make<E: Env>(
    factory: &impl Fn() -> E,
    number: f32,
    flag: bool,
) -> Result<EnvCopy<E>, CheckError> {
    guard("the constructor", || EnvCopy::new(factory(), number, flag))
        .map_err(|reason| CheckError::Call { id: std::any::type_name::<E>().to_owned(), reason })
}

/// Why an episode failed: the sentence, or an error that is complete.
enum Failure {
    Reason(String),
    Error(CheckError),
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<CheckError> for Failure {
    fn from(error: CheckError) -> Self {
        Self::Error(error)
    }
}

/// A check in progress.
struct Check<'a, E, F> {
    factory: &'a F,
    names: Names,
    policies: &'static [(&'static str, &'static str)],
    original: EnvCopy<E>,
    /// Plays the same actions with the same seed, but is not asked for frames, saved states or scripted
    /// actions, so that it shows whether these calls change anything.
    twin: EnvCopy<E>,
    /// A copy that was restored in mid-episode, and the number of steps for which it is compared.
    restored: Option<(EnvCopy<E>, u64)>,
    random: Rng,
    policy_rng: Rng,
    /// The step being played; zero is the reset.
    step: u64,
    /// The actions of the step, `[agent]`.
    actions: Vec<u16>,
    /// The actions of the scripted policy, `[agent]`.
    scripted: Vec<u16>,
    was_alive: Vec<bool>,
    report: CheckReport,
}

impl<'a, E: Env, F: Fn() -> E> Check<'a, E, F> {
    fn new(factory: &'a F) -> Result<Self, CheckError> {
        let (original, twin) = (make(factory, 0.5, true)?, make(factory, -3.25, false)?);
        let names = Names::of(&original)?;
        let id = || names.spec.id.clone();
        check_spec(&names.spec, twin.env.spec())
            .map_err(|reason| CheckError::Spec { id: id(), reason })?;
        guard("`describe`", || twin.env.describe())
            .and_then(|second| check_description(&names.spec, &names.description, &second))
            .map_err(|reason| CheckError::Description { id: id(), reason })?;
        let policies = original.env.scripted_policies();
        check_policies(policies)
            .and_then(|()| original.frame().map(drop))
            .map_err(|reason| CheckError::Call { id: id(), reason })?;
        let n_agents = names.spec.n_agents();
        Ok(Self {
            factory,
            policies,
            original,
            twin,
            restored: None,
            random: Rng::stream(SEED, Purpose::Check, 1),
            policy_rng: Rng::stream(SEED, Purpose::Check, 3),
            step: 0,
            actions: vec![0; n_agents],
            scripted: vec![0; n_agents],
            was_alive: vec![true; n_agents],
            report: CheckReport {
                min_return: f32::MAX,
                max_return: f32::MIN,
                ..CheckReport::default()
            },
            names,
        })
    }

    /// Adds to a failure where it happened.
    fn error(&self, failure: Failure) -> CheckError {
        match failure {
            Failure::Error(error) => error,
            Failure::Reason(reason) => CheckError::Step {
                id: self.names.spec.id.clone(),
                episode: self.report.episodes,
                step: self.step,
                actions: if self.step == 0 { Vec::new() } else { self.actions.clone() },
                seed: SEED,
                reason,
            },
        }
    }

    fn play_episode(&mut self) -> Result<(), Failure> {
        self.step = 0;
        self.original.reset()?;
        self.twin.reset()?;
        self.original.compare(&self.twin, Other::SameSeed, &self.names)?;
        self.was_alive.fill(true);
        let mut total = 0.0;
        loop {
            check_rows(&self.names, &self.original.rows, &mut self.was_alive)?;
            if self.step % STEPS_PER_FRAME == self.report.episodes % STEPS_PER_FRAME {
                check_frame(&self.original.frame()?, &self.original.frame()?)?;
            }
            if self.random.below(STEPS_PER_RESTORE) == 0 {
                self.restore()?;
            }
            self.choose_actions()?;
            self.step += 1;
            let result = self.play_step()?;
            total += result.reward;
            self.report.steps += 1;
            check_result(&self.names.spec, result, self.step)?;
            if result.status.is_over() {
                break;
            }
        }
        check_rows(&self.names, &self.original.rows, &mut self.was_alive)?;
        if self.original.frame()? != self.twin.frame()? {
            return Err("`frame` differs in a second copy with the same seed".to_owned().into());
        }
        if *self.original.env.spec() != self.names.spec {
            return Err("the specification has changed".to_owned().into());
        }
        self.report.longest = self.report.longest.max(self.step);
        self.report.episodes += 1;
        self.report.min_return = self.report.min_return.min(total);
        self.report.max_return = self.report.max_return.max(total);
        Ok(())
    }

    /// Saves the original and loads the state into a copy in mid-episode of its own.
    fn restore(&mut self) -> Result<(), Failure> {
        let bytes = self.original.save()?;
        let mut copy = make(self.factory, 7.75, true)?;
        copy.rng = Rng::stream(SEED ^ 1, Purpose::Check, 2);
        copy.reset()?;
        let damaged = &bytes[..bytes.len() / 2];
        if !bytes.is_empty() {
            let before = copy.save()?;
            if guard("`load`", || copy.env.load(damaged))?.is_ok() {
                return Err("`load` accepts a state that was cut in half".to_owned().into());
            }
            if copy.save()? != before {
                let reason = "`load` refuses a damaged state, but changes the environment";
                return Err(reason.to_owned().into());
            }
        }
        guard("`load`", || copy.env.load(&bytes))?.map_err(|cause| CheckError::Restore {
            id: self.names.spec.id.clone(),
            episode: self.report.episodes,
            step: self.step,
            cause,
        })?;
        copy.rng = self.original.rng.clone();
        // Scripted policies are handed the mask of the last step.
        copy.rows.avail.clone_from(&self.original.rows.avail);
        self.restored = Some((copy, STEPS_AFTER_RESTORE));
        self.report.restores += 1;
        Ok(())
    }

    /// Chooses the actions of the next step: at random, or in every second episode by a scripted policy.
    fn choose_actions(&mut self) -> Result<(), Failure> {
        // In random episodes too, the policies are asked and their actions are tested.
        self.ask_policy()?;
        if !self.policies.is_empty() && self.report.episodes % 2 == 1 {
            self.actions.copy_from_slice(&self.scripted);
        } else {
            for (agent, action) in self.actions.iter_mut().enumerate() {
                let mask = mask_of(&self.names, &self.original.rows, agent);
                *action = self.random.choose(mask).map_or(0, |index| index as u16);
            }
        }
        Ok(())
    }

    fn ask_policy(&mut self) -> Result<(), Failure> {
        if self.policies.is_empty() {
            return Ok(());
        }
        let policy = self.report.episodes as usize / 2 % self.policies.len();
        let name = self.policies[policy].0;
        let rng_before = self.policy_rng.clone();
        let scripted = &mut self.scripted;
        self.original
            .scripted_actions(policy, &mut self.policy_rng, scripted)
            .and_then(|()| check_available(&self.names, &self.original.rows, scripted))
            .map_err(|reason| format!("scripted policy `{name}`: {reason}"))?;
        if let Some((copy, _)) = &mut self.restored {
            let mut others = vec![0; scripted.len()];
            copy.scripted_actions(policy, &mut rng_before.clone(), &mut others)?;
            if others != *scripted {
                let reason = format!(
                    "scripted policy `{name}` chooses {scripted:?}, but {others:?} in a copy restored \
                     in mid-episode"
                );
                return Err(reason.into());
            }
        }
        Ok(())
    }

    /// Plays one step in all copies and compares them.
    fn play_step(&mut self) -> Result<StepResult, Failure> {
        let result = self.original.step(&self.actions)?;
        let other = self.twin.step(&self.actions)?;
        self.original.compare(&self.twin, Other::SameSeed, &self.names)?;
        same_result(result, other, Other::SameSeed)?;
        if let Some((mut copy, left)) = self.restored.take() {
            let followed = copy.step(&self.actions)?;
            self.original.compare(&copy, Other::Restored, &self.names)?;
            same_result(result, followed, Other::Restored)?;
            if left > 1 && !result.status.is_over() {
                self.restored = Some((copy, left - 1));
            }
        }
        Ok(result)
    }
}
