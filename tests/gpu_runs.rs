//! Long runs on a GPU keep their number of kernels and their memory constant; a device failure is
//! reported in one sentence.
//!
//! ```sh
//! cargo test --profile gpu -p phalanx-tests --features wgpu --test gpu_runs -- --nocapture
//! ```

use std::alloc::System;
use std::sync::{Mutex, OnceLock, PoisonError};

use burn::tensor::wgpu::WgpuSetup;
use burn::tensor::wgpu::wgpu::DeviceDescriptor;
use burn::tensor::{Tensor, try_read_sync};
use phalanx::env::{ParallelEnvs, VecEnv, pack, unpack};
use phalanx::nn::{Device, DeviceError, Transfers, catch_device_failure};
use phalanx::prelude::*;
use phalanx::rng::Purpose;
use phalanx::train::algorithms::{Learner, LearnerContext, SaveScope, algorithm};
use phalanx::train::config::ConfigBuilder;
use phalanx::train::rollout::Metrics;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Serialises the tests, because memory is counted for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Returns the device and its wgpu handles, which report its resources.
fn gpu() -> &'static (Device, WgpuSetup) {
    static GPU: OnceLock<(Device, WgpuSetup)> = OnceLock::new();
    GPU.get_or_init(|| Device::wgpu_options().init_with_setup().expect("a GPU driver is installed"))
}

/// Episodes of 1 to `LONGEST` steps with random observations and rewards.
struct AnyLength {
    spec: EnvSpec,
    left: u8,
}

const LONGEST: usize = 20;

impl AnyLength {
    fn new() -> Self {
        let spec = EnvSpec {
            n_actions: 4,
            obs_dim: 5,
            state_dim: 6,
            episode_limit: LONGEST,
            ..EnvSpec::new("any length", 3)
        };
        Self { spec, left: 0 }
    }

    fn write(rng: &mut Rng, out: StepBuffers<'_>) {
        out.obs.iter_mut().chain(out.state).for_each(|x| *x = rng.below(100) as f32 / 100.0);
        out.avail.fill(true);
        out.alive.fill(true);
    }
}

impl Env for AnyLength {
    fn spec(&self) -> &EnvSpec {
        &self.spec
    }
    fn reset(&mut self, rng: &mut Rng, out: StepBuffers<'_>) {
        self.left = 1 + rng.below(LONGEST) as u8;
        Self::write(rng, out);
    }
    fn step(&mut self, _: &[u16], rng: &mut Rng, out: StepBuffers<'_>) -> StepResult {
        self.left -= 1;
        let reward = rng.below(3) as f32;
        Self::write(rng, out);
        let end = if self.left == 0 { StepStatus::Terminated } else { StepStatus::Running };
        StepResult { reward, status: end }
    }
    fn save(&self, out: &mut Vec<u8>) {
        pack(&self.left, out);
    }
    fn load(&mut self, bytes: &[u8]) -> Result<(), EnvError> {
        self.left = unpack("the steps left", bytes)?;
        Ok(())
    }
}

/// Creates a small learner and its environments.
fn learner(
    id: &str,
    settings: &[&str],
    device: &Device,
) -> (Box<dyn Learner>, ParallelEnvs<AnyLength>) {
    let mut builder = ConfigBuilder::new(algorithm(id).expect("the id is registered"));
    for setting in settings {
        builder.assignment(setting).expect("the setting exists");
    }
    let (_, algorithm) = builder.finish().expect("the settings are valid");
    let spec = AnyLength::new().spec;
    let learner = algorithm.learner(&LearnerContext::new(spec, 1, device.clone()));
    let envs = ParallelEnvs::new(learner.n_envs(), 1, Purpose::Environment, AnyLength::new);
    (learner, envs)
}

const QMIX: [&str; 7] = [
    "rnn_hidden_dim=8",
    "use_rnn=false",
    "batch_size_run=2",
    "batch_size=3",
    "buffer_size=16",
    "mixing_embed_dim=4",
    "updates_per_rollout=2",
];
const IPPO: [&str; 5] =
    ["rnn_hidden_dim=8", "use_rnn=false", "batch_size_run=4", "rollout_steps=8", "epochs=4"];

/// Resources that a long run could leak.
#[derive(Clone, Copy, Debug)]
struct Used {
    /// Compiled kernels.
    kernels: usize,
    /// Driver buffers.
    buffers: usize,
    /// Device memory in use by tensors and reserved for them, in bytes.
    in_use: u64,
    reserved: u64,
    /// Live bytes of Rust's allocator.
    heap: u64,
    /// Resident bytes of the process, where available. They include the buffers of a software driver.
    resident: Option<u64>,
}

impl Used {
    fn now() -> Self {
        let (device, setup) = gpu();
        device.sync().expect("the device works");
        let report = setup.instance.generate_report().expect("native backends have a report");
        let memory = device.memory_pool_usage().expect("the device reports its memory");
        let heap = ALLOCATOR.stats();
        Self {
            kernels: report.hub.compute_pipelines.num_allocated,
            buffers: report.hub.buffers.num_allocated,
            in_use: memory.bytes_in_use,
            reserved: memory.bytes_reserved,
            heap: (heap.bytes_allocated - heap.bytes_deallocated) as u64,
            resident: resident(),
        }
    }
}

fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The number of kernels that may be compiled late. In-place operations have separate kernels and are chosen
/// when nothing else holds the input, so one or two of hundreds are first needed late. A new kernel for every
/// batch shape would exceed this number.
const LATE_KERNELS: usize = 4;
/// Buffers that may be added late. The pools grow in steps when a kernel is compiled late or a batch first
/// takes another path: 21 buffers and 280 KiB were seen, once in a run. A leak of one buffer per rollout
/// would amount to hundreds.
const LATE_BUFFERS: usize = 48;
/// Growth of the pools in bytes. A leak of two kilobytes per update would exceed it.
const POOL_STEPS: u64 = 600 << 10;
/// Variation of the device memory in use, in bytes. Batches of other lengths differ by a few hundred bytes.
const DEVICE_SLACK: u64 = 64 << 10;
/// Heap bytes that an update may leave allocated, averaged over each part of the run. A leak shows in every
/// part; memory that the device's server reserves and frees again (up to 300 KiB were seen) does not.
const LEFT_BEHIND: u64 = 1 << 10;
/// Growth of the resident memory, in bytes, which shows leaks of the driver. The number of pages that
/// allocators hold also depends on the system: parts grew by 3 to 5 MiB each, and by 8 MiB once, in runs
/// without a leak. So only the total growth is bounded.
const RESIDENT_STEPS: u64 = 64 << 20;
/// Additional resident bytes for every kernel compiled late, since a software driver compiles in this process.
const COMPILING: u64 = 16 << 20;

/// Checks that between `2 * part` and `5 * part` updates no kernels are compiled and no memory leaks. Until
/// then the device's pools grow to the maximum in flight.
fn stays_as_it_is(id: &str, settings: &[&str], part: u64) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut learner, mut envs) = learner(id, settings, &gpu().0);
    let (mut metrics, began) = (Metrics::default(), std::time::Instant::now());
    let mut until = |updates: u64| {
        while metrics.updates < updates {
            learner.train_iteration(&mut envs, &mut metrics).expect("losses are finite");
        }
        let used = Used::now();
        let seconds = began.elapsed().as_secs_f64();
        eprintln!("{id} after {} updates and {seconds:.0} s: {used:?}", metrics.updates);
        used
    };
    until(part);
    let parts = [2, 3, 4, 5].map(|k| until(k * part));
    let [warm, .., end] = parts;
    assert!(warm.kernels > 0, "no kernel was counted");
    assert!(end.kernels <= warm.kernels + LATE_KERNELS, "{id}: {warm:?}, then {end:?}");
    assert!(end.buffers <= warm.buffers + LATE_BUFFERS, "{id}: {warm:?}, then {end:?}");
    assert!(end.in_use <= warm.in_use + DEVICE_SLACK, "{id}: {warm:?}, then {end:?}");
    assert!(end.reserved <= warm.reserved + POOL_STEPS, "{id}: {warm:?}, then {end:?}");
    let grown = [0, 1, 2].map(|k| parts[k + 1].heap.saturating_sub(parts[k].heap));
    let every_time = grown.iter().all(|&bytes| bytes > LEFT_BEHIND * part);
    assert!(!every_time, "{id}: the heap grew in every part: {grown:?}");
    if let (Some(before), Some(after)) = (warm.resident, end.resident) {
        let steps = RESIDENT_STEPS + COMPILING * (end.kernels - warm.kernels) as u64;
        assert!(after < before + steps, "{id}: {before} bytes were resident, then {after}");
    }
}

#[test]
fn a_thousand_updates_of_qmix_need_no_more_memory_or_kernels_than_four_hundred() {
    stays_as_it_is("qmix", &QMIX, 200);
}

#[test]
fn a_thousand_updates_of_recurrent_agents_need_no_more_memory_or_kernels_than_four_hundred() {
    let mut settings = QMIX;
    settings[1] = "use_rnn=true";
    stays_as_it_is("qmix", &settings, 200);
}

#[test]
fn a_thousand_updates_of_ippo_need_no_more_memory_or_kernels_than_four_hundred() {
    stays_as_it_is("ippo", &IPPO, 200);
}

/// Returns the updates, uploads and downloads of one iteration, after the first ones that update.
fn transfers(id: &str, settings: &[&str]) -> (f64, f64, f64) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut learner, mut envs) = learner(id, settings, &gpu().0);
    let mut metrics = Metrics::default();
    let mut iterate = || {
        learner.train_iteration(&mut envs, &mut metrics).expect("losses are finite");
        metrics.updates
    };
    while iterate() == 0 {}
    let (before, updates) = (Transfers::so_far(), iterate());
    let after = Transfers::so_far();
    let updates = (iterate() - updates) as f64;
    let (uploads, downloads) = (after.uploads - before.uploads, after.downloads - before.downloads);
    (updates, uploads as f64, downloads as f64)
}

#[test]
fn a_batch_is_one_upload_and_only_the_weights_are_downloaded() {
    let small = ["rnn_hidden_dim=8", "use_rnn=false", "batch_size_run=2"];
    let replayed = [&small[..], &["batch_size=3", "updates_per_rollout=3"]].concat();
    let factorised = [
        "iql",
        "vdn",
        "qatten",
        "qmix",
        "qplex",
        "qtran",
        "ow_qmix",
        "cw_qmix",
        "resq",
        "unrestricted",
    ];
    for id in factorised {
        assert_eq!(transfers(id, &replayed), (3.0, 3.0, 1.0), "{id}");
    }
    let alone = [&replayed[..], &["parameter_sharing=none"]].concat();
    assert_eq!(transfers("qmix", &alone), (3.0, 3.0, 1.0), "separate networks");
    // The CPU searches for the best joint action: every update downloads the inputs of the search and uploads
    // the actions and their advantages.
    assert_eq!(transfers("concaveq", &replayed), (3.0, 9.0, 4.0));
    // With prioritised replay, the TD errors of every update are downloaded.
    let prioritised = [&replayed[..], &["prioritised_replay=true"]].concat();
    assert_eq!(transfers("qmix", &prioritised), (3.0, 3.0, 4.0));

    let rolled = [&small[..], &["rollout_steps=8", "epochs=3", "num_mini_batch=1"]].concat();
    for id in ["pqn_vdn", "pqn_iql"] {
        assert_eq!(transfers(id, &rolled), (3.0, 3.0, 1.0), "{id}");
    }
    // The outputs of policy and critic on the rollout are downloaded once each, because the CPU computes the
    // advantages. A batch has a part for the policy and one for the critic.
    let whole = [&rolled[..], &["data_chunk_length=0"]].concat();
    for id in ["ippo", "mappo"] {
        // The evaluation of the rollout takes four uploads: the inputs of the policy and of the critic, the
        // critic's hidden state, and the step after the rollout.
        assert_eq!(transfers(id, &whole), (3.0, 3.0 * 2.0 + 4.0, 3.0), "{id}");
    }
}

#[test]
fn a_run_on_the_gpu_continues_exactly_from_a_saved_state() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let device = &gpu().0;
    for (id, settings) in [("qmix", &QMIX[..]), ("ippo", &IPPO[..])] {
        let (mut straight, mut envs) = learner(id, settings, device);
        let mut metrics = Metrics::default();
        let advance = |learner: &mut dyn Learner,
                       envs: &mut ParallelEnvs<AnyLength>,
                       metrics: &mut Metrics| {
            for _ in 0..4 {
                learner.train_iteration(envs, metrics).expect("losses are finite");
            }
        };
        advance(&mut *straight, &mut envs, &mut metrics);
        let saved = straight.save(SaveScope::Full).expect("the learner can be saved");
        let mut there = Vec::new();
        envs.save(&mut there);
        let mut metrics_again = metrics.clone();
        advance(&mut *straight, &mut envs, &mut metrics);

        let (mut again, mut envs) = learner(id, settings, device);
        again.load(&saved).expect("the files were just saved");
        envs.load(&there).expect("the bytes were just saved");
        advance(&mut *again, &mut envs, &mut metrics_again);
        let files = |learner: &dyn Learner| {
            learner.save(SaveScope::Full).expect("the learner can be saved")
        };
        for (ours, theirs) in files(&*again).iter().zip(&files(&*straight)) {
            assert_eq!(ours.name, theirs.name);
            assert!(ours.bytes == theirs.bytes, "{id}: {} differs", ours.name);
        }
    }
}

#[test]
fn a_device_lost_during_an_update_is_reported_in_one_sentence() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, first) = gpu();
    let descriptor = DeviceDescriptor {
        required_features: first.device.features(),
        required_limits: first.device.limits(),
        ..DeviceDescriptor::default()
    };
    let opened = try_read_sync(first.adapter.request_device(&descriptor));
    let (device, queue) = opened.expect("natively blocking").expect("a second device opens");
    let setup = WgpuSetup { device, queue, ..first.clone() };
    let device = Device::wgpu_options().setup(setup.clone()).init().expect("the device opens");

    let (mut learner, mut envs) = learner("ippo", &IPPO, &device);
    let mut metrics = Metrics::default();
    let mut iterate = || {
        catch_device_failure("wgpu", &device, || learner.train_iteration(&mut envs, &mut metrics))
    };
    iterate().expect("the device works").expect("losses are finite");
    setup.device.destroy();
    let error = iterate().expect_err("the device is lost");
    assert!(matches!(error, DeviceError::Lost { .. }), "{error:?}");
    let sentence = error.to_string();
    eprintln!("{sentence}");
    assert!(sentence.contains("`wgpu` was lost") && sentence.contains("--resume"), "{sentence}");
    assert!(!sentence.contains('\n'), "{sentence}");
}

#[test]
fn running_out_of_memory_is_reported_in_one_sentence_and_the_device_keeps_working() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (device, setup) = gpu();
    let elements = setup.device.limits().max_buffer_size as usize;
    let error = catch_device_failure("wgpu", device, || {
        Tensor::<1>::ones([elements], device).sum().into_scalar::<f32>()
    });
    let error = error.expect_err("four times the largest buffer");
    assert!(matches!(error, DeviceError::OutOfMemory { .. }), "{error:?}");
    let sentence = error.to_string();
    eprintln!("{sentence}");
    assert!(sentence.contains("batch_size_run") && !sentence.contains('\n'), "{sentence}");
    let sum = catch_device_failure("wgpu", device, || {
        Tensor::<1>::ones([8], device).sum().into_scalar::<f32>()
    });
    assert_eq!(sum, Ok(8.0));
}

#[test]
fn a_panic_unrelated_to_the_device_stays_a_panic() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let panic = std::panic::catch_unwind(|| {
        catch_device_failure("wgpu", &gpu().0, || -> u8 { panic!("a mistake") })
    });
    let panic = panic.expect_err("the panic propagates");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"a mistake"));
}
