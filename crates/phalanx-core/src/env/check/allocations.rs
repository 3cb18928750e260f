//! The test that an environment allocates nothing.

use super::names::Names;
use super::rules::{check_rows, mask_of};
use super::{CheckError, SEED, make};
use crate::env::Env;
use crate::rng::{Purpose, Rng};

/// Plays `episodes` random episodes and tests that [`Env::reset`] and [`Env::step`] allocate nothing.
/// One episode before them is not counted, so that buffers may grow to their final size.
///
/// A library cannot see allocations; `allocations` returns how many there were so far in the program.
/// Count them with a global allocator such as that of the crate `stats_alloc`, in a test that is alone
/// in its program, because the allocations of all threads are counted:
///
/// ```standalone_crate
/// use phalanx_core::env::check_allocations;
/// # use phalanx_core::env::*;
/// # use phalanx_core::rng::Rng;
/// # struct MyEnv(EnvSpec);
/// # impl MyEnv {
/// #     fn new() -> Self { Self(EnvSpec::new("my_env", 1)) }
/// # }
/// # impl Env for MyEnv {
/// #     fn spec(&self) -> &EnvSpec { &self.0 }
/// #     fn reset(&mut self, _: &mut Rng, mut out: StepBuffers<'_>) { out.clear() }
/// #     fn step(&mut self, _: &[u16], _: &mut Rng, mut out: StepBuffers<'_>) -> StepResult {
/// #         out.clear();
/// #         StepResult { reward: 0.0, status: StepStatus::Terminated }
/// #     }
/// #     fn save(&self, _: &mut Vec<u8>) {}
/// #     fn load(&mut self, _: &[u8]) -> Result<(), EnvError> { Ok(()) }
/// # }
/// use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
///
/// #[global_allocator]
/// static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;
///
/// let allocations = || ALLOCATOR.stats().allocations + ALLOCATOR.stats().reallocations;
/// check_allocations(MyEnv::new, 10, allocations).expect("a step allocates nothing");
/// ```
///
/// # Errors
///
/// The first reset or step that allocates, panics, or violates the contract in its numbers or masks.
pub fn check_allocations<E: Env>(
    factory: impl Fn() -> E,
    episodes: u64,
    allocations: impl Fn() -> usize,
) -> Result<(), CheckError> {
    let mut env = make(&factory, 0.5, true)?;
    let names = Names::of(&env)?;
    let mut random = Rng::stream(SEED, Purpose::Check, 1);
    let mut actions = vec![0_u16; names.spec.n_agents()];
    let mut was_alive = vec![true; names.spec.n_agents()];
    for episode in 0..=episodes {
        let mut step = 0;
        loop {
            let before = allocations();
            let played =
                if step == 0 { env.reset().map(|()| None) } else { env.step(&actions).map(Some) };
            let counted = allocations() - before;
            if step == 0 {
                was_alive.fill(true);
            }
            let checked = played.and_then(|result| {
                check_rows(&names, &env.rows, &mut was_alive)?;
                if episode > 0 && counted > 0 {
                    let call = if step == 0 { "reset" } else { "step" };
                    return Err(format!("`{call}` allocates memory (allocations: {counted})"));
                }
                Ok(result)
            });
            let result = checked.map_err(|reason| CheckError::Step {
                id: names.spec.id.clone(),
                episode,
                step,
                actions: if step == 0 { Vec::new() } else { actions.clone() },
                seed: SEED,
                reason,
            })?;
            let over = result.is_some_and(|result| result.status.is_over());
            if over || step >= names.spec.episode_limit as u64 {
                break;
            }
            for (agent, action) in actions.iter_mut().enumerate() {
                *action = random.choose(mask_of(&names, &env.rows, agent)).unwrap_or(0) as u16;
            }
            step += 1;
        }
    }
    Ok(())
}
