//! The memory that a run takes, estimated before anything is allocated, and the memory of this machine.

use std::fs;
use std::num::NonZero;
use std::thread;

use phalanx_core::env::EnvSpec;
use phalanx_core::nn;
use toml::{Table, Value};

use crate::config::ByteSize;
use crate::run::TEST_ENVS;

/// A run that needs more memory than this machine has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} would take {}, more than this machine's {}; lower {key}",
    ByteSize(*bytes),
    ByteSize(*machine)
)]
pub struct MemoryError {
    /// The part of the run that takes the most.
    pub what: &'static str,
    /// The keys that it depends on.
    pub key: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
    /// The memory of the machine in bytes.
    pub machine: u64,
}

/// A part of a run, with an estimate of its size.
struct Part {
    what: &'static str,
    key: &'static str,
    bytes: f64,
    /// Whether it is allocated at once; otherwise it grows to this size.
    at_once: bool,
}

/// Copies of a network's weights: online and target networks, those of the actor, gradients and two moments.
const COPIES: f64 = 6.0;
const FLOAT: f64 = 4.0;
/// The program with its threads, as measured.
const PROGRAM: f64 = 40.0 * 1024.0 * 1024.0;
/// The numbers that an update keeps for each of its inputs, as measured: values, gradients and what the allocator holds.
const KEPT: f64 = 1.5;
/// The numbers that an update keeps for each feature of an entity's token, as measured with encoders of one and two layers.
const KEPT_OF_TOKENS: f64 = 7.0;
/// Copies of the data of an environment: its own, and what it works with.
const ENV_COPIES: f64 = 2.0;

/// What the memory of a run depends on.
pub(crate) struct RunSize<'a> {
    /// The settings of the run and its algorithm, with all settings of the encoder.
    pub(crate) table: &'a Table,
    pub(crate) spec: &'a EnvSpec,
    /// The bytes of one environment's saved state.
    pub(crate) env_bytes: usize,
}

/// Checks that what a run allocates at once fits into the memory of this machine.
///
/// # Errors
///
/// Returns the part that takes the most if it does not fit. Nothing is checked where the system does not state its
/// memory.
pub(crate) fn check(run: &RunSize<'_>) -> Result<(), MemoryError> {
    machine().map_or(Ok(()), |machine| check_on(machine, run))
}

fn check_on(machine: u64, run: &RunSize<'_>) -> Result<(), MemoryError> {
    let parts: Vec<Part> = parts(run).into_iter().filter(|part| part.at_once).collect();
    if parts.iter().map(|part| part.bytes).sum::<f64>() <= machine as f64 {
        return Ok(());
    }
    let largest = parts.into_iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes));
    let Part { what, key, bytes, .. } = largest.expect("their sum is not zero");
    Err(MemoryError { what, key, bytes: bytes as u64, machine })
}

/// Returns a warning if the run may grow beyond the memory of this machine.
pub(crate) fn warning(run: &RunSize<'_>) -> Option<String> {
    warning_on(machine()?, run)
}

fn warning_on(machine: u64, run: &RunSize<'_>) -> Option<String> {
    let parts = parts(run);
    let sum: f64 = parts.iter().map(|part| part.bytes).sum();
    let largest = parts.into_iter().max_by(|a, b| a.bytes.total_cmp(&b.bytes))?;
    (sum > machine as f64).then(|| {
        format!(
            "the run may need {} of memory, more than this machine's {}; {} alone may take {} ({})",
            ByteSize(sum as u64),
            ByteSize(machine),
            largest.what,
            ByteSize(largest.bytes as u64),
            largest.key
        )
    })
}

/// Estimates the parts of a run from its keys, where it has them. Floating-point numbers cannot overflow.
fn parts(run: &RunSize<'_>) -> Vec<Part> {
    let RunSize { table, spec, env_bytes } = *run;
    let number = |key: &str| table.get(key).and_then(Value::as_integer).map(|n| n as f64);
    let is = |key: &str, text: &str| table.get(key).and_then(Value::as_str) == Some(text);
    let on = |key: &str| table.get(key).and_then(Value::as_bool) == Some(true);
    let agents = spec.n_agents() as f64;
    let floats = spec.obs_len() + spec.state_dim + spec.info.len() + spec.agent_rewards_len() + 1;
    let row = FLOAT * floats as f64 + spec.avail_len() as f64 + 2.0 * agents;
    let frames = number("obs_frames").unwrap_or(1.0);
    let last = if on("obs_last_action") { spec.n_actions as f64 } else { 0.0 };
    let id = if on("obs_agent_id") { agents } else { 0.0 };
    let input = frames * spec.obs_dim as f64 + last + id;
    let width = number("rnn_hidden_dim").or(number("hidden_dim")).unwrap_or(0.0);
    let limit = spec.episode_limit as f64 + 1.0;
    let envs = number("batch_size_run").unwrap_or(1.0);
    let test_envs = number("test_nepisode").unwrap_or(0.0).min(TEST_ENVS as f64);
    let encoder = EncoderSize::of(table, spec, frames);
    let mut parts = Vec::new();
    let mut add = |what, key, bytes, at_once| parts.push(Part { what, key, bytes, at_once });

    add("the program", "threads", PROGRAM, true);
    let env_data = (envs + test_envs) * (ENV_COPIES * env_bytes as f64 + row);
    add("the environments", "batch_size_run", env_data, true);
    if let Some(steps) = number("rollout_steps") {
        let seen = FLOAT * agents * (input + width / steps.max(1.0));
        let bytes = envs * (steps + 1.0) * (row + seen);
        add("a rollout", "batch_size_run or rollout_steps", bytes, true);
        let minibatches = number("num_mini_batch").unwrap_or(1.0).max(1.0);
        let rows = envs * steps * agents / minibatches;
        let update = KEPT * FLOAT * rows * (input + 8.0 * width);
        add("an update", "batch_size_run or rollout_steps", update, false);
        let tokens = FLOAT * at_once(table, rows) * encoder.kept;
        add("the encoder in an update", "encoder_args.width or batch_size_run", tokens, false);
    } else {
        let steps = if number("train_interval").is_some() { 1.0 } else { limit };
        add("the episodes of a rollout", "batch_size_run", envs * steps * row, true);
    }
    if let Some(capacity) = number("buffer_size") {
        // One transition or one episode.
        let steps = if number("train_interval").is_some() { 1.0 } else { limit };
        let bytes = capacity * steps * row;
        let allowed = number("buffer_mem").filter(|&bytes| bytes > 0.0).unwrap_or(f64::INFINITY);
        add("the replay buffer", "buffer_size or buffer_mem", bytes.min(allowed), false);
        if on("prioritised_replay") {
            add("the priorities of the replay buffer", "buffer_size", 32.0 * capacity, true);
        }
        let window = number("batch_steps").filter(|&steps| steps > 0.0).unwrap_or(limit);
        let batch = number("batch_size").unwrap_or(1.0);
        let rows = batch * window.min(steps) * agents;
        let update = KEPT * FLOAT * at_once(table, rows) * (input + 8.0 * width);
        add("an update", "batch_size", update, false);
        let tokens = FLOAT * at_once(table, rows) * encoder.kept;
        add("the encoder in an update", "encoder_args.width or batch_size", tokens, false);
    }
    let second = number("second_hidden_dim").filter(|&width| width > 0.0).unwrap_or(width);
    let gates = if is("rnn", "lstm") { 8.0 } else { 6.0 };
    let middle = if on("use_rnn") { gates * width * width } else { width * second };
    let network = input * width + middle + second.max(width) * spec.n_actions as f64;
    let networks = if is("parameter_sharing", "none") { agents } else { 1.0 };
    let key = "rnn_hidden_dim, hidden_dim or second_hidden_dim";
    add("the agents' networks", key, COPIES * FLOAT * networks * network, true);
    let encoders = COPIES * FLOAT * networks * encoder.weights;
    add("the agents' encoders", "encoder_args", encoders, true);
    if let Some(embed) = number("mixing_embed_dim") {
        let hyper = number("hypernet_embed").unwrap_or(embed);
        let mixer =
            spec.state_dim as f64 * (2.0 * hyper + 2.0 * embed) + hyper * (agents + 1.0) * embed;
        add("the mixer", "mixing_embed_dim or hypernet_embed", COPIES * FLOAT * mixer, true);
    }
    parts
}

/// The size of an encoder, roughly; those of users have the same names for the same things.
#[derive(Default)]
struct EncoderSize {
    weights: f64,
    /// The numbers that an update keeps for each row.
    kept: f64,
}

impl EncoderSize {
    fn of(table: &Table, spec: &EnvSpec, frames: f64) -> Self {
        let args = table.get("encoder_args").and_then(Value::as_table);
        let number = |key: &str| args?.get(key)?.as_integer().map(|number| number as f64);
        let Some(width) = number("width") else { return Self::default() };
        let layers = number("layers").unwrap_or(1.0);
        let view = frames * spec.obs_dim as f64;
        let square = width * width;
        let is_hyper = number("hyper_dim").is_some();
        let hidden = number("hyper_dim").or(number("feed_forward")).unwrap_or(0.0);
        match &spec.entities {
            Some(layout) if args.is_some_and(|args| args.contains_key("entity_heads")) => {
                let types = layout.types.iter().map(|it| it.features.len() as f64);
                let features: f64 = types.sum();
                let generated = if is_hyper { features * hidden * width } else { 0.0 };
                let block = 4.0 * square + 2.0 * hidden * width;
                let tokens = layout.entities.len() as f64;
                Self {
                    weights: features * (width + hidden) + generated + layers * block,
                    kept: KEPT_OF_TOKENS * tokens * width * (layers / 2.0).max(1.0),
                }
            }
            // Linear layers over the observation.
            _ => Self {
                weights: view * width + (layers - 1.0).max(0.0) * square,
                kept: KEPT * (view + layers * width),
            },
        }
    }
}

/// Returns how many rows of an update's `rows` are computed at a time.
fn at_once(table: &Table, rows: f64) -> f64 {
    let threads = table.get("threads").and_then(Value::as_integer).filter(|&threads| threads > 0);
    let cores = || thread::available_parallelism().map_or(1, NonZero::get) as f64;
    let threads = threads.map_or_else(cores, |threads| threads as f64);
    // Only CPUs compute a batch in shards; the memory of other devices is their own.
    let device = match table.get("device").and_then(Value::as_str) {
        Some(name @ "ndarray") => nn::device(name),
        Some("wgpu") => return rows,
        _ => nn::device("cpu"),
    };
    let shards = device.map_or(1, |device| nn::shard_count(&device, rows as usize));
    rows * (threads / shards as f64).min(1.0)
}

/// Returns the bytes of memory that this process may use: those of the machine, or less under the limits of a container
/// or of the shell. `None` where the system does not state them.
pub fn machine() -> Option<u64> {
    let field = |path: &str, name: &str, unit: u64| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()
            .map(|number| number.saturating_mul(unit))
    };
    let whole = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limits = [
        field("/proc/meminfo", "MemTotal:", 1024),
        whole("/sys/fs/cgroup/memory.max"),
        whole("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
        field("/proc/self/limits", "Max address space", 1),
    ];
    limits.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithms::algorithm;

    fn marines() -> EnvSpec {
        EnvSpec {
            n_actions: 36,
            obs_dim: 285,
            state_dim: 1170,
            episode_limit: 180,
            ..EnvSpec::new("27m_vs_30m", 27)
        }
    }

    fn settings(alg: &str, change: &str) -> Table {
        let mut table = crate::config::run_defaults();
        table.extend(algorithm(alg).expect("it is registered").defaults());
        table.extend(change.parse::<Table>().expect("TOML"));
        table
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_key_and_its_size() {
        const GIB: u64 = 1 << 30;
        let check = |alg: &str, change: &str| {
            let (table, spec) = (settings(alg, change), marines());
            check_on(16 * GIB, &RunSize { table: &table, spec: &spec, env_bytes: 1000 })
        };
        for alg in ["qmix", "iql", "ippo", "mappo", "pqn_vdn", "dqn"] {
            assert_eq!(check(alg, ""), Ok(()), "{alg}");
        }
        for (alg, change, key) in [
            ("qmix", "batch_size_run = 60000", "batch_size_run"),
            ("ippo", "rollout_steps = 1000000", "rollout_steps"),
            ("pqn_vdn", "batch_size_run = 65536\nrollout_steps = 4000", "batch_size_run"),
            ("qmix", "rnn_hidden_dim = 16384", "rnn_hidden_dim"),
            ("qmix", "hypernet_embed = 16384\nmixing_embed_dim = 16384", "hypernet_embed"),
            ("vdn", "prioritised_replay = true\nbuffer_size = 1000000000", "buffer_size"),
        ] {
            let error = check(alg, change).expect_err(change);
            assert!(error.key.contains(key) && error.bytes > GIB, "{change}: {error}");
            assert!(error.to_string().ends_with(&format!("lower {}", error.key)), "{error}");
        }
    }

    #[test]
    fn a_replay_buffer_that_may_outgrow_the_machine_is_a_warning() {
        let warning = |change: &str| {
            let (table, spec) = (settings("qmix", change), marines());
            warning_on(64 << 30, &RunSize { table: &table, spec: &spec, env_bytes: 1000 })
        };
        // 5000 episodes of 181 steps with 27 * 285 + 1170 numbers of four bytes and 27 * 36 flags: 31 GiB.
        assert_eq!(warning(""), None);
        let large = warning("buffer_size = 100000000").expect("637 TB do not fit");
        assert!(large.contains("the replay buffer alone may take") && large.contains("buffer_mem"));
        assert_eq!(warning("buffer_size = 100000000\nbuffer_mem = 1000000000"), None);
    }

    /// The peak of the resident memory of runs of two rollouts with `test_nepisode=8 epochs=1` and two threads, in MiB, by
    /// `/usr/bin/time -f %M phalanx train ippo …`. Episodes of value learners end at other times, so that their
    /// estimates are bounds.
    const MEASURED: [(&str, &str, f64); 8] = [
        ("skirmish/8m", "none", 114.0),
        ("skirmish/8m", "hpn", 209.0),
        ("skirmish/8m", "entity_attention", 198.0),
        ("skirmish/8m", "gat", 184.0),
        ("skirmish/8m", "deep_sets", 206.0),
        ("skirmish/27m_vs_30m", "none", 460.0),
        ("skirmish/27m_vs_30m", "hpn", 1313.0),
        ("football/academy_3_vs_1_with_keeper", "none", 171.0),
    ];

    #[test]
    fn the_estimate_is_close_to_the_measured_memory_with_and_without_encoders() {
        let encoders = crate::Encoders::builtin();
        for (env, encoder, measured) in MEASURED {
            let factory = phalanx_envs::registry::factory(env, &Table::new()).expect("registered");
            let mut state = Vec::new();
            let made = factory();
            made.save(&mut state);
            let mut table = settings("ippo", "threads = 2\ntest_nepisode = 8");
            if env.starts_with("football") {
                table.extend(
                    "batch_size_run = 512\nrollout_steps = 16".parse::<Table>().expect("TOML"),
                );
            }
            if let Some(encoder) = encoders.read(encoder, &Table::new()).expect("it is known") {
                table.insert(
                    "encoder_args".to_owned(),
                    crate::encoders::settings_table(&encoder).into(),
                );
            }
            let run = RunSize { table: &table, spec: made.spec(), env_bytes: state.len() };
            let bytes: f64 = parts(&run).into_iter().map(|part| part.bytes).sum();
            let ratio = bytes / (measured * 1024.0 * 1024.0);
            assert!((0.8..1.5).contains(&ratio), "{env} with {encoder}: {ratio}");
        }
    }

    #[test]
    fn the_data_of_many_large_environments_count() {
        let (table, spec) = (settings("ippo", "batch_size_run = 1000"), marines());
        let error =
            check_on(16 << 30, &RunSize { table: &table, spec: &spec, env_bytes: 10 << 20 });
        assert_eq!(error.expect_err("20 GB do not fit").what, "the environments");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_memory_of_this_machine_is_known() {
        assert!(machine().is_some_and(|bytes| bytes > 1 << 28));
    }
}
