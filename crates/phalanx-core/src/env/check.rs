//! The conformance kit: plays an environment and tests the contract of [`Env`].

use super::buffers::{BatchBuffers, StepBuffers, StepRows};
use super::environment::Env;
use super::saved_state::EnvError;
use super::spec::EnvSpec;
use super::step::{StepResult, StepStatus};
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
    #[error("`{id}` cannot save and load itself: {source}")]
    Restore {
        /// The environment.
        id: String,
        /// The cause.
        source: EnvError,
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
                    .map_err(|source| CheckError::Restore { id: spec.id.clone(), source })?;
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

/// One copy of the environment, with the buffers it writes into.
struct Copy<E> {
    env: E,
    rng: Rng,
    rows: StepRows,
    /// The contents of the slices before each call. Copies use different values, so that an element
    /// that is not written shows as a difference.
    filler: (f32, bool),
}

impl<E: Env> Copy<E> {
    fn new(env: E, number: f32, flag: bool) -> Self {
        let rows = StepRows::new(env.spec(), 1, 1);
        Self { rng: Rng::stream(SEED, Purpose::Check, 0), rows, filler: (number, flag), env }
    }

    fn play<R>(&mut self, call: impl FnOnce(&mut E, &mut Rng, StepBuffers<'_>) -> R) -> R {
        let BatchBuffers { obs, state, avail, alive, info, agent_rewards, .. } =
            self.rows.at_mut(0);
        for numbers in [&mut *obs, &mut *state, &mut *info, &mut *agent_rewards] {
            numbers.fill(self.filler.0);
        }
        for flags in [&mut *avail, &mut *alive] {
            flags.fill(self.filler.1);
        }
        let out = StepBuffers { obs, state, avail, alive, info, agent_rewards };
        call(&mut self.env, &mut self.rng, out)
    }

    fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    fn step(&mut self, actions: &[u16]) -> StepResult {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }

    /// Writes the actions of a scripted policy.
    fn scripted_actions(&mut self, policy: usize, rng: &mut Rng, actions: &mut [u16]) {
        // An action that is not written is not available.
        actions.fill(u16::MAX);
        self.env.scripted_actions(policy, rng, actions);
    }

    fn compare(&self, other: &Self, name: &str) -> Result<(), String> {
        let numbers = [
            ("observation", &self.rows.obs, &other.rows.obs),
            ("state", &self.rows.state, &other.rows.state),
            ("info", &self.rows.info, &other.rows.info),
            ("agent reward", &self.rows.agent_rewards, &other.rows.agent_rewards),
        ];
        for (what, ours, theirs) in numbers {
            let different = ours.iter().zip(theirs).position(|(a, b)| a.to_bits() != b.to_bits());
            if let Some(i) = different {
                let (a, b) = (ours[i], theirs[i]);
                return Err(format!(
                    "{what} index {i} is {a} here and {b} in {name} (not written, or not \
                     determined by the seed)"
                ));
            }
        }
        let flags = [
            ("mask", &self.rows.avail, &other.rows.avail),
            ("alive flag", &self.rows.alive, &other.rows.alive),
        ];
        for (what, ours, theirs) in flags {
            if let Some(i) = ours.iter().zip(theirs).position(|(a, b)| a != b) {
                return Err(format!("{what} index {i} differs from {name}"));
            }
        }
        if self.rng == other.rng {
            Ok(())
        } else {
            Err(format!("the position of the random stream differs from {name}"))
        }
    }
}

fn same_result(result: StepResult, copy: StepResult) -> Result<(), String> {
    if result.reward.to_bits() == copy.reward.to_bits() && result.status == copy.status {
        Ok(())
    } else {
        Err(format!("the result {result:?} differs from {copy:?} of a copy"))
    }
}

fn check_spec(spec: &EnvSpec, second: &EnvSpec) -> Result<(), CheckError> {
    let fail =
        |reason: &str| Err(CheckError::Spec { id: spec.id.clone(), reason: reason.to_owned() });
    match () {
        () if spec.agents.is_empty() => fail("there is no agent"),
        () if spec.n_actions == 0 => fail("there is no action"),
        () if spec.n_actions > usize::from(u16::MAX) => fail("actions do not fit 16 bits"),
        () if spec.obs_dim == 0 => fail("the observation is empty"),
        () if spec.state_dim == 0 => fail("the state is empty"),
        () if spec.episode_limit == 0 => fail("the episode limit is zero"),
        () if spec != second => fail("a second copy has another specification"),
        () => Ok(()),
    }
}

fn check_rows<E: Env>(
    spec: &EnvSpec,
    copy: &Copy<E>,
    was_alive: &mut [bool],
) -> Result<(), String> {
    let numbers = [
        ("observation", &copy.rows.obs),
        ("state", &copy.rows.state),
        ("info", &copy.rows.info),
        ("agent reward", &copy.rows.agent_rewards),
    ];
    for (what, numbers) in numbers {
        if let Some(i) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(format!("{what} index {i} is {}", numbers[i]));
        }
    }
    for (agent, was_alive) in was_alive.iter_mut().enumerate() {
        let mask = &copy.rows.avail[agent * spec.n_actions..][..spec.n_actions];
        let available = mask.iter().filter(|&&available| available).count();
        let alive = copy.rows.alive[agent];
        if available == 0 {
            return Err(format!("agent {agent} has no available action"));
        }
        if !alive && available != 1 {
            let reason =
                format!("agent {agent} is dead and has {available} available actions, not one");
            return Err(reason);
        }
        if alive && !*was_alive {
            return Err(format!("agent {agent} came back to life before a reset"));
        }
        *was_alive = alive;
    }
    Ok(())
}

fn check_available<E: Env>(spec: &EnvSpec, copy: &Copy<E>, actions: &[u16]) -> Result<(), String> {
    let masks = copy.rows.avail.chunks_exact(spec.n_actions);
    let available = |(action, mask): (&u16, &[bool])| mask.get(usize::from(*action)) == Some(&true);
    match actions.iter().zip(masks).position(|choice| !available(choice)) {
        Some(agent) => Err(format!("action {} of agent {agent} is not available", actions[agent])),
        None => Ok(()),
    }
}

fn check_result(spec: &EnvSpec, result: StepResult, step: u64) -> Result<(), String> {
    if !result.reward.is_finite() {
        return Err(format!("the reward is {}", result.reward));
    }
    let at_limit = step == spec.episode_limit as u64;
    match result.status {
        StepStatus::Running if at_limit => {
            Err(format!("no end is reported at the limit of {step} steps"))
        }
        StepStatus::Truncated if !at_limit => {
            Err(format!("truncated after {step} steps, the limit is {}", spec.episode_limit))
        }
        StepStatus::Crashed => Err("an environment must not report a crash itself".to_owned()),
        _ => Ok(()),
    }
}
