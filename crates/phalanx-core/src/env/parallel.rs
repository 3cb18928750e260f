//! Copies of one environment, stepped over the threads of the current rayon pool.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::buffers::{BatchBuffers, StepBuffers};
use super::environment::Env;
use super::saved_state::{EnvError, pack, unpack};
use super::spec::EnvSpec;
use super::step::{StepResult, StepStatus};
use super::vec_env::{Crash, VecEnv};
use crate::rng::{Purpose, Rng};

/// Minimum work per thread, in nanoseconds.
const MIN_THREAD_NANOSECONDS: f32 = 20_000.0;
/// The number of parallel steps after which the cost of a step is measured again on one thread.
const MEASURE_EVERY: u32 = 256;

/// `n` copies of an [`Env`], each with a random stream of its own.
///
/// Results do not depend on the number of threads, because environment `i` draws from stream `i`
/// only. Steps run on the rayon pool in which `step` is called. On a pool of one thread, and when a
/// step is too cheap to be split, they run on the calling thread.
///
/// A panic of an environment is caught: its step reports [`StepStatus::Crashed`], the environment is
/// rebuilt from the factory, and [`VecEnv::take_crashes`] returns its message.
pub struct ParallelEnvs<E> {
    spec: EnvSpec,
    slots: Vec<Slot<E>>,
    factory: Box<dyn Fn() -> E + Send + Sync>,
    nanoseconds_per_env: f32,
    steps_since_measured: u32,
}

struct Slot<E> {
    env: E,
    rng: Rng,
    crash: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct SavedSlot {
    env: Vec<u8>,
    rng: Rng,
}

impl<E: Env> ParallelEnvs<E> {
    /// Builds `n` environments; number `i` draws from the stream `(seed, purpose, i)`.
    ///
    /// # Panics
    ///
    /// Panics if `n` is zero.
    pub fn new(
        n: usize,
        seed: u64,
        purpose: Purpose,
        factory: impl Fn() -> E + Send + Sync + 'static,
    ) -> Self {
        assert!(n > 0, "a batch holds at least one environment");
        let slots: Vec<_> = (0..n)
            .map(|i| Slot {
                env: factory(),
                rng: Rng::stream(seed, purpose, i as u32),
                crash: None,
            })
            .collect();
        Self {
            spec: slots[0].env.spec().clone(),
            slots,
            factory: Box::new(factory),
            nanoseconds_per_env: 0.0,
            steps_since_measured: MEASURE_EVERY,
        }
    }

    /// Returns the minimum number of environments per thread.
    fn min_envs_per_thread(&mut self) -> usize {
        let n = self.slots.len();
        if rayon::current_num_threads() == 1 || self.steps_since_measured >= MEASURE_EVERY {
            return n;
        }
        self.steps_since_measured += 1;
        ((MIN_THREAD_NANOSECONDS / self.nanoseconds_per_env.max(1.0)) as usize).clamp(1, n)
    }

    fn run(
        &mut self,
        active: &[bool],
        out: BatchBuffers<'_>,
        play: impl Fn(usize, &mut E, &mut Rng, StepBuffers<'_>) -> StepResult + Sync,
    ) {
        let n = self.slots.len();
        assert_eq!(active.len(), n, "one flag per environment");
        let min_envs = self.min_envs_per_thread();
        let job = Job { spec: &self.spec, active, factory: &*self.factory, play: &play };
        if min_envs < n {
            job.split(0, &mut self.slots, out, min_envs);
            return;
        }
        let start = Instant::now();
        job.serial(0, &mut self.slots, out);
        let played = active.iter().filter(|&&on| on).count();
        if played > 0 {
            self.nanoseconds_per_env = start.elapsed().as_nanos() as f32 / played as f32;
            self.steps_since_measured = 0;
        }
    }
}

/// One step of the whole batch, to be split over threads.
struct Job<'a, E, P> {
    spec: &'a EnvSpec,
    active: &'a [bool],
    factory: &'a (dyn Fn() -> E + Send + Sync),
    play: &'a P,
}

impl<E, P> Job<'_, E, P>
where
    E: Env,
    P: Fn(usize, &mut E, &mut Rng, StepBuffers<'_>) -> StepResult + Sync,
{
    fn split(&self, first: usize, slots: &mut [Slot<E>], out: BatchBuffers<'_>, min_envs: usize) {
        if slots.len() <= min_envs {
            return self.serial(first, slots, out);
        }
        let middle = slots.len() / 2;
        let (left, right) = slots.split_at_mut(middle);
        let (out_left, out_right) = out.split_at(self.spec, middle);
        rayon::join(
            || self.split(first, left, out_left, min_envs),
            || self.split(first + middle, right, out_right, min_envs),
        );
    }

    fn serial(&self, first: usize, slots: &mut [Slot<E>], mut out: BatchBuffers<'_>) {
        for (row, slot) in slots.iter_mut().enumerate() {
            if !self.active[first + row] {
                continue;
            }
            let step = out.row(self.spec, row);
            let played = catch_unwind(AssertUnwindSafe(|| {
                (self.play)(first + row, &mut slot.env, &mut slot.rng, step)
            }));
            let result = played.unwrap_or_else(|cause| {
                slot.crash = Some(panic_message(&*cause));
                slot.env = (self.factory)();
                StepResult { reward: 0.0, status: StepStatus::Crashed }
            });
            out.reward[row] = result.reward;
            out.status[row] = result.status;
        }
    }
}

/// Returns the message of a caught panic.
pub(super) fn panic_message(cause: &(dyn std::any::Any + Send)) -> String {
    if let Some(text) = cause.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = cause.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

impl<E: Env> VecEnv for ParallelEnvs<E> {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }

    fn n_envs(&self) -> usize {
        self.slots.len()
    }

    fn reset(&mut self, active: &[bool], out: BatchBuffers<'_>) {
        self.run(active, out, |_, env, rng, row| {
            env.reset(rng, row);
            StepResult { reward: 0.0, status: StepStatus::Running }
        });
    }

    fn step(&mut self, actions: &[u16], active: &[bool], out: BatchBuffers<'_>) {
        let n_agents = self.spec.n_agents();
        assert_eq!(actions.len(), self.slots.len() * n_agents, "one action per agent");
        self.run(active, out, |i, env, rng, row| {
            env.step(&actions[i * n_agents..(i + 1) * n_agents], rng, row)
        });
    }

    fn take_crashes(&mut self) -> Vec<Crash> {
        let slots = self.slots.iter_mut().enumerate();
        slots
            .filter_map(|(env, slot)| slot.crash.take().map(|message| Crash { env, message }))
            .collect()
    }

    fn save(&self, out: &mut Vec<u8>) {
        let saved: Vec<SavedSlot> = self
            .slots
            .iter()
            .map(|slot| {
                let mut env = Vec::new();
                slot.env.save(&mut env);
                SavedSlot { env, rng: slot.rng.clone() }
            })
            .collect();
        pack(&saved, out);
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        let saved: Vec<SavedSlot> = unpack("a batch of environments", bytes)?;
        if saved.len() != self.slots.len() {
            return Err(EnvError::BadState {
                what: "a batch of environments".to_owned(),
                reason: format!("it holds {}, not {}", saved.len(), self.slots.len()),
            });
        }
        for (slot, saved) in self.slots.iter_mut().zip(saved) {
            // Whatever a damaged state does to an environment, the caller gets an error.
            let loaded = catch_unwind(AssertUnwindSafe(|| slot.env.load(&saved.env)));
            loaded.unwrap_or_else(|cause| {
                Err(EnvError::BadState {
                    what: self.spec.id.clone(),
                    reason: format!("the environment panicked: {}", panic_message(&*cause)),
                })
            })?;
            slot.rng = saved.rng;
        }
        Ok(())
    }
}
