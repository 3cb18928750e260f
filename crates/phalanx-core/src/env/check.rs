//! The conformance kit: plays an environment at random and tests the contract of [`Env`].

use super::env::{End, Env, EnvError, Outcome, StepMut};
use super::spec::EnvSpec;
use super::vec_env::{BatchMut, Rows};
use crate::rng::{Purpose, Rng};

/// How many random steps [`check_env`] plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(pub u64);

/// What [`check_env`] saw while everything held.
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
    /// How often the state was saved in mid-episode, loaded into another copy and compared.
    pub restores: u64,
}

/// A broken promise of an environment.
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
        /// The seed under which it happens again.
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
/// A restored copy is followed for this many steps.
const FOLLOW: u64 = 20;

/// Plays `steps` legal steps and tests every promise an [`Env`] makes. Actions are random, in every
/// second episode those of one of the [scripted players](Env::players) where there are some.
///
/// Tested are: the shapes; that every slice is fully written and finite; that every agent has a
/// legal action and a dead one exactly one; that the dead stay dead; that episodes end in time and
/// report how; that two copies with one seed agree bit for bit; that a state saved in mid-episode
/// and loaded into another copy continues exactly as the original, its scripted players included;
/// and that these choose legal actions and change nothing when they are asked.
///
/// # Errors
///
/// The first broken promise, with the episode, the step and the seed that show it again.
pub fn check_env<E: Env>(
    factory: impl Fn() -> E,
    Steps(steps): Steps,
) -> Result<CheckReport, CheckError> {
    let mut straight = Copy::new(factory(), 0.5, true);
    let mut twin = Copy::new(factory(), -3.25, false);
    let spec = straight.env.spec().clone();
    check_spec(&spec, twin.env.spec())?;
    let players = straight.env.players();
    let mut script_rng = Rng::stream(SEED, Purpose::Check, 3);
    let mut scripted = vec![0_u16; spec.n_agents()];
    let mut player = Rng::stream(SEED, Purpose::Check, 1);
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
        straight.reset();
        twin.reset();
        straight.compare(&twin, "a second copy with the same seed").map_err(|e| fail(0, e))?;
        was_alive.fill(true);
        let mut total = 0.0;
        for step in 0_u64.. {
            check_rows(&spec, &straight, &mut was_alive).map_err(|e| fail(step, e))?;
            if step >= spec.episode_limit as u64 {
                let limit = spec.episode_limit;
                return Err(fail(step, format!("the episode goes on after its limit of {limit}")));
            }
            if player.below(50) == 0 {
                let mut bytes = Vec::new();
                straight.env.save(&mut bytes);
                let mut copy = Copy::new(factory(), 7.75, true);
                copy.rng = Rng::stream(SEED ^ 1, Purpose::Check, 2);
                copy.reset();
                copy.env
                    .load(&bytes)
                    .map_err(|source| CheckError::Restore { id: spec.id.clone(), source })?;
                copy.rng = straight.rng.clone();
                restored = Some((copy, FOLLOW));
                report.restores += 1;
            }
            for (agent, action) in actions.iter_mut().enumerate() {
                let mask = &straight.rows.avail[agent * spec.n_actions..][..spec.n_actions];
                *action = player.choose(mask).map_or(0, |index| index as u16);
            }
            if !players.is_empty() {
                // The twin is not asked, so that it shows whether asking changes anything.
                let script = report.episodes as usize / 2 % players.len();
                let before = script_rng.clone();
                straight.ask(script, &mut script_rng, &mut scripted);
                check_legal(&spec, &straight, &scripted)
                    .map_err(|e| fail(step, format!("player `{}`: {e}", players[script].0)))?;
                if let Some((copy, _)) = &mut restored {
                    let mut others = vec![0; scripted.len()];
                    copy.ask(script, &mut before.clone(), &mut others);
                    if others != scripted {
                        let name = players[script].0;
                        let reason = format!(
                            "player `{name}` chooses {scripted:?} here and {others:?} in a copy \
                             restored in mid-episode"
                        );
                        return Err(fail(step, reason));
                    }
                }
                if report.episodes % 2 == 1 {
                    actions.copy_from_slice(&scripted);
                }
            }
            let outcome = straight.step(&actions);
            let other = twin.step(&actions);
            let reason = straight.compare(&twin, "a second copy with the same seed");
            reason.and(same_outcome(outcome, other)).map_err(|e| fail(step + 1, e))?;
            if let Some((mut copy, left)) = restored.take() {
                let followed = copy.step(&actions);
                let reason = straight.compare(&copy, "a copy restored in mid-episode");
                reason.and(same_outcome(outcome, followed)).map_err(|e| fail(step + 1, e))?;
                if left > 1 && !outcome.end.is_over() {
                    restored = Some((copy, left - 1));
                }
            }
            total += outcome.reward;
            report.steps += 1;
            check_outcome(&spec, outcome, step + 1).map_err(|e| fail(step + 1, e))?;
            if outcome.end.is_over() {
                check_rows(&spec, &straight, &mut was_alive).map_err(|e| fail(step + 1, e))?;
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

/// One copy of the environment with the buffers it writes into.
struct Copy<E> {
    env: E,
    rng: Rng,
    rows: Rows,
    /// What the slices hold before each call: copies use different values, so that an element
    /// that was not written shows as a difference.
    filler: (f32, bool),
}

impl<E: Env> Copy<E> {
    fn new(env: E, number: f32, flag: bool) -> Self {
        let rows = Rows::new(env.spec(), 1, 1);
        Self { rng: Rng::stream(SEED, Purpose::Check, 0), rows, filler: (number, flag), env }
    }

    fn play<R>(&mut self, call: impl FnOnce(&mut E, &mut Rng, StepMut<'_>) -> R) -> R {
        let BatchMut { obs, state, avail, alive, info, agent_rewards, .. } = self.rows.at_mut(0);
        for numbers in [&mut *obs, &mut *state, &mut *info, &mut *agent_rewards] {
            numbers.fill(self.filler.0);
        }
        for flags in [&mut *avail, &mut *alive] {
            flags.fill(self.filler.1);
        }
        let out = StepMut { obs, state, avail, alive, info, agent_rewards };
        call(&mut self.env, &mut self.rng, out)
    }

    fn reset(&mut self) {
        self.play(|env, rng, out| env.reset(rng, out));
    }

    fn step(&mut self, actions: &[u16]) -> Outcome {
        self.play(|env, rng, out| env.step(actions, rng, out))
    }

    /// The actions of a scripted player.
    fn ask(&mut self, script: usize, rng: &mut Rng, actions: &mut [u16]) {
        // No agent's action may be left as it was.
        actions.fill(u16::MAX);
        self.env.scripted(script, rng, actions);
    }

    fn compare(&self, other: &Self, who: &str) -> Result<(), String> {
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
                    "{what} index {i} is {a} here and {b} in {who} (not written, or not \
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
                return Err(format!("{what} index {i} differs from {who}"));
            }
        }
        if self.rng == other.rng {
            Ok(())
        } else {
            Err(format!("the random stream is elsewhere than in {who}"))
        }
    }
}

fn same_outcome(ours: Outcome, theirs: Outcome) -> Result<(), String> {
    if ours.reward.to_bits() == theirs.reward.to_bits() && ours.end == theirs.end {
        Ok(())
    } else {
        Err(format!("the outcome {ours:?} differs from {theirs:?} of a copy"))
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
        let legal = mask.iter().filter(|&&open| open).count();
        let alive = copy.rows.alive[agent];
        if legal == 0 {
            return Err(format!("agent {agent} has no legal action"));
        }
        if !alive && legal != 1 {
            return Err(format!("agent {agent} is dead and has {legal} legal actions, not one"));
        }
        if alive && !*was_alive {
            return Err(format!("agent {agent} came back to life before a reset"));
        }
        *was_alive = alive;
    }
    Ok(())
}

fn check_legal<E: Env>(spec: &EnvSpec, copy: &Copy<E>, actions: &[u16]) -> Result<(), String> {
    let masks = copy.rows.avail.chunks_exact(spec.n_actions);
    let legal = |(action, mask): (&u16, &[bool])| mask.get(usize::from(*action)) == Some(&true);
    match actions.iter().zip(masks).position(|choice| !legal(choice)) {
        Some(agent) => Err(format!("action {} of agent {agent} is not legal", actions[agent])),
        None => Ok(()),
    }
}

fn check_outcome(spec: &EnvSpec, outcome: Outcome, step: u64) -> Result<(), String> {
    if !outcome.reward.is_finite() {
        return Err(format!("the reward is {}", outcome.reward));
    }
    let at_limit = step == spec.episode_limit as u64;
    match outcome.end {
        End::Running if at_limit => Err(format!("no end is reported at the limit of {step} steps")),
        End::Truncated if !at_limit => {
            Err(format!("truncated after {step} steps, the limit is {}", spec.episode_limit))
        }
        End::Crashed => Err("an environment must not report a crash itself".to_owned()),
        _ => Ok(()),
    }
}
