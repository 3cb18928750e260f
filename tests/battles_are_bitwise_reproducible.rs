//! Random battles and football matches are bitwise equal for any number of threads, with or without
//! saving and loading in between, and match the hashes in `golden_digests.txt`.
//!
//! After a change of the rules or of the observations, regenerate the file and record this in the
//! changelog:
//!
//! ```sh
//! PHALANX_WRITE_DIGESTS=1 cargo test --release -p phalanx-tests --test battles_are_bitwise_reproducible
//! ```

use std::fmt::Write as _;
use std::fs;
use std::sync::Arc;

use phalanx::env::{ParallelEnvs, StepRows, StepStatus, VecEnv};
use phalanx::envs::registry::{factory, list};
use phalanx::prelude::*;
use phalanx::rng::Purpose;

/// Number of parallel environments.
const N_ENVS: usize = 8;
/// Number of steps of a battle, over all environments.
const STEPS: usize = 10_000;
/// The same of a football scenario, whose steps take longer.
const STEPS_OF_FOOTBALL: usize = 2_000;
/// The environments are saved and loaded after one in this many steps, on average.
const SAVE_EVERY: usize = 100;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden_digests.txt");

type Maker = Arc<dyn Fn() -> Box<dyn Env> + Send + Sync>;

/// Returns every battle and every football scenario with its identifier.
fn battles() -> Vec<(String, Maker)> {
    let battle =
        |id: &str| ["skirmish/", "smax/", "football/"].iter().any(|&own| id.starts_with(own));
    let ids = list().into_iter().map(|entry| entry.id).filter(|id| battle(id));
    ids.map(|id| {
        let make = factory(&id, &Default::default()).expect("the environment is registered");
        (id, Arc::new(make) as Maker)
    })
    .collect()
}

/// The 64-bit FNV-1a hash of Fowler, Noll and Vo, applied to words instead of bytes.
struct Digest(u64);

impl Digest {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn eat(&mut self, word: u32) {
        self.0 = (self.0 ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn eat_rows(&mut self, rows: &StepRows) {
        for numbers in [&rows.obs, &rows.state, &rows.info, &rows.reward] {
            numbers.iter().for_each(|number| self.eat(number.to_bits()));
        }
        for flags in [&rows.avail, &rows.alive] {
            flags.iter().for_each(|&flag| self.eat(u32::from(flag)));
        }
        rows.status.iter().for_each(|&end| self.eat(end as u32));
    }
}

/// Plays `steps` steps at random on `threads` threads; `saves` draws when to continue in new environments.
fn play(make: &Maker, steps: usize, threads: usize, mut saves: Option<Rng>) -> u64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("the thread pool starts").install(|| {
        let fresh = |seed| {
            let make = Arc::clone(make);
            ParallelEnvs::new(N_ENVS, seed, Purpose::Environment, move || make())
        };
        let mut envs = fresh(1);
        let spec = envs.spec().clone();
        let mut rows = StepRows::new(&spec, N_ENVS, 1);
        let mut players: Vec<_> =
            (0..N_ENVS).map(|i| Rng::stream(1, Purpose::Check, i as u32)).collect();
        let mut actions = vec![0_u16; N_ENVS * spec.n_agents()];
        let mut digest = Digest::new();
        envs.reset(&[true; N_ENVS], rows.at_mut(0));
        digest.eat_rows(&rows);
        for _ in 0..steps / N_ENVS {
            let masks = rows.avail.chunks_exact(spec.n_actions);
            for (i, (action, mask)) in actions.iter_mut().zip(masks).enumerate() {
                let player = &mut players[i / spec.n_agents()];
                *action = player.choose(mask).map_or(0, |index| index as u16);
            }
            envs.step(&actions, &[true; N_ENVS], rows.at_mut(0));
            assert!(envs.take_crashes().is_empty());
            digest.eat_rows(&rows);
            let over: Vec<_> = rows.status.iter().map(|&end| end.is_over()).collect();
            if over.contains(&true) {
                envs.reset(&over, rows.at_mut(0));
                digest.eat_rows(&rows);
            }
            if saves.as_mut().is_some_and(|saves| saves.below(SAVE_EVERY) == 0) {
                let mut bytes = Vec::new();
                envs.save(&mut bytes);
                // Another seed: the bytes must contain the whole state.
                envs = fresh(2);
                rows.status.fill(StepStatus::Running);
                envs.load(&bytes).expect("the bytes were just saved");
            }
        }
        digest.0
    })
}

#[test]
fn random_battles_are_bitwise_equal_for_any_thread_count_and_match_the_golden_digests() {
    let mut digests = String::new();
    for (id, make) in battles() {
        let steps = if id.starts_with("football/") { STEPS_OF_FOOTBALL } else { STEPS };
        let straight = play(&make, steps, 1, None);
        for threads in [2, 3, 8] {
            let saves = Rng::stream(1, Purpose::Check, 100 + threads);
            let digest = play(&make, steps, threads as usize, Some(saves));
            assert_eq!(digest, straight, "{id}, {threads} threads");
        }
        writeln!(digests, "{id} {straight:016x}").expect("writing to a string cannot fail");
    }
    if std::env::var_os("PHALANX_WRITE_DIGESTS").is_some() {
        fs::write(FILE, digests).expect("the file can be written");
        return;
    }
    let golden = fs::read_to_string(FILE).expect("the file is part of the repository");
    let differs = digests.lines().zip(golden.lines()).find(|(ours, golden)| ours != golden);
    assert_eq!(differs, None, "the first line that differs: computed, golden");
    assert_eq!(digests.lines().count(), golden.lines().count(), "one line per environment");
}
