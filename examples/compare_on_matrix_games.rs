//! Trains every algorithm on every matrix game and writes a table: how often the best joint action is
//! found, and how well the payoffs are learned.
//!
//! ```sh
//! cargo run --release --example compare_on_matrix_games -- docs/results/value_factorisation.md
//! ```
//!
//! The first argument is the page that gets the table. Optional arguments are the number of seeds (20), the
//! folder for finished runs (`results/matrix_games`), and the games (all). Every run learns from 8000
//! uniformly drawn joint actions. Runs are parallel, one per core, and finished ones are not repeated.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use phalanx::env::{Env, EnvSpec};
use phalanx::train::Trainer;
use phalanx::train::algorithms::algorithm;
use phalanx::train::config::ConfigBuilder;
use phalanx_examples::{grid::side_by_side, page};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A game, whether the nearest monotonic table has its largest value in the right cell, with the
/// squared error of this table, and whether a concave function of one utility per agent can
/// represent the game (`docs/environments/matrix_games.md` explains how this is known).
const GAMES: [(&str, &str, &str); 9] = [
    ("qtran", "right (288.0)", "yes"),
    ("qtran_1", "wrong (320.0)", "yes"),
    ("qplex_3", "wrong (344.0)", "no"),
    ("qplex_1", "tie (66.8)", "no"),
    ("identity_2", "tie (0.7)", "yes"),
    ("identity_3", "right (1.4)", "no"),
    ("climbing", "wrong (997.4)", "yes"),
    ("penalty", "wrong (8066.7)", "yes"),
    ("pymarl2_1", "right (0.0)", "yes"),
];

/// The name of a column, the algorithm, and what differs from the common settings.
const CURVES: [(&str, &str, &str); 14] = [
    ("IQL", "iql", ""),
    ("VDN", "vdn", ""),
    ("Qatten", "qatten", ""),
    ("QMIX", "qmix", "mixing_embed_dim=16"),
    ("CW-QMIX", "cw_qmix", "mixing_embed_dim=16 central_mixing_embed_dim=64 w=0.1"),
    ("OW-QMIX", "ow_qmix", "mixing_embed_dim=16 central_mixing_embed_dim=64 w=0.1"),
    ("ResQ", "resq", "mixing_embed_dim=16 central_mixing_embed_dim=64"),
    ("QTRAN", "qtran", ""),
    ("QPLEX", "qplex", "num_kernel=4 adv_hypernet_layers=2"),
    ("MLP", "unrestricted", "mixing_embed_dim=64"),
    (
        "ConcaveQ, literal",
        "concaveq",
        "mixing_embed_dim=16 central_mixing_embed_dim=64 first_layer=absolute",
    ),
    ("ConcaveQ", "concaveq", "mixing_embed_dim=16 central_mixing_embed_dim=64"),
    (
        "ConcaveQ, pairs",
        "concaveq",
        "mixing_embed_dim=16 central_mixing_embed_dim=64 search_pairwise=true",
    ),
    (
        "ConcaveQ, pairs, 2 utilities",
        "concaveq",
        "mixing_embed_dim=16 central_mixing_embed_dim=64 search_pairwise=true utility_dim=2",
    ),
];

/// Settings of all runs. Joint actions are drawn uniformly, as the exact projections assume.
const COMMON: &str = "t_max=8000 batch_size_run=8 batch_size=32 epsilon_finish=1.0 lr=0.005 \
                      use_rnn=false rnn_hidden_dim=32 test_nepisode=1 threads=1";

/// The result of a run.
struct Found {
    /// Whether the greedy joint action is the best one.
    best: bool,
    /// The sum of the squared errors of the learned payoffs.
    error: Option<f64>,
}

fn payoffs(game: &str) -> anyhow::Result<Vec<f64>> {
    let mut env = phalanx::envs::registry::make(&format!("matrix/{game}"), &Default::default())?;
    let spec: EnvSpec = env.spec().clone();
    let mut rows = phalanx::env::StepRows::new(&spec, 1, 1);
    let mut rng = phalanx::rng::Rng::stream(0, phalanx::rng::Purpose::Check, 0);
    let n = spec.n_actions as u16;
    let joint = (0..n).flat_map(|row| (0..n).map(move |column| [row, column]));
    Ok(joint
        .map(|actions| {
            env.reset(&mut rng, rows.at_mut(0).row(&spec, 0));
            f64::from(env.step(&actions, &mut rng, rows.at_mut(0).row(&spec, 0)).reward)
        })
        .collect())
}

fn play(game: &str, curve: &(&str, &str, &str), seed: u64) -> anyhow::Result<Found> {
    let (_, alg, own) = curve;
    let mut builder = ConfigBuilder::new(algorithm(alg)?);
    for setting in COMMON.split_whitespace().chain(own.split_whitespace()) {
        builder.assignment(setting)?;
    }
    builder.assignment(&format!("seed={seed}"))?;
    let (config, algorithm) = builder.finish()?;
    let factory = phalanx::envs::registry::factory(&format!("matrix/{game}"), &Default::default())?;
    let t_max = config.t_max;
    let mut trainer = Trainer::from_parts(config, algorithm, factory);
    while trainer.iterate()?.t_env < t_max {}
    let payoffs = payoffs(game)?;
    let best = payoffs.iter().copied().fold(f64::MIN, f64::max);
    let error = trainer.joint_q_values()?.map(|values| {
        let pairs = values.iter().zip(&payoffs);
        pairs.map(|(value, payoff)| (f64::from(*value) - payoff).powi(2)).sum()
    });
    Ok(Found { best: trainer.evaluate()?.return_mean() > best - 1e-3, error })
}

fn found(path: &Path) -> anyhow::Result<Found> {
    let value: Value = serde_json::from_slice(&fs::read(path)?)
        .with_context(|| format!("{} is damaged; remove it", path.display()))?;
    Ok(Found { best: value["best"] == json!(true), error: value["error"].as_f64() })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    (n > 0).then(|| (values[(n - 1) / 2] + values[n / 2]) / 2.0)
}

fn table(runs: &BTreeMap<(usize, usize), Vec<Found>>) -> anyhow::Result<String> {
    let mut text = String::from("| |");
    for (game, ..) in GAMES {
        write!(text, " {game} |")?;
    }
    write!(text, "\n|---|{}\n", "---|".repeat(GAMES.len()))?;
    let monotonic: String =
        GAMES.iter().map(|(_, monotonic, _)| format!(" {monotonic} |")).collect();
    writeln!(text, "| *nearest monotonic table* |{monotonic}")?;
    let concave: String = GAMES.iter().map(|(.., concave)| format!(" {concave} |")).collect();
    writeln!(text, "| *representable by a concave mixer* |{concave}")?;
    for (column, (name, _, _)) in CURVES.iter().enumerate() {
        write!(text, "| {name} |")?;
        for game in 0..GAMES.len() {
            let runs = runs.get(&(game, column)).map_or(&[][..], Vec::as_slice);
            let best = runs.iter().filter(|run| run.best).count();
            let share = best as f64 / runs.len().max(1) as f64;
            match median(runs.iter().filter_map(|run| run.error).collect()) {
                Some(error) => write!(text, " {share:.2} ({error:.1}) |")?,
                None => write!(text, " {share:.2} |")?,
            }
        }
        text.push('\n');
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name the page to write to")?);
    let seeds: u64 = arguments.next().map_or(Ok(20), |text| text.parse())?;
    let root = PathBuf::from(arguments.next().unwrap_or_else(|| "results/matrix_games".into()));
    let wanted: Vec<String> = arguments.collect();
    let games: Vec<usize> = (0..GAMES.len())
        .filter(|&game| wanted.is_empty() || wanted.iter().any(|name| name == GAMES[game].0))
        .collect();
    let mut work: Vec<(usize, usize, u64)> = Vec::new();
    for seed in 1..=seeds {
        for &game in &games {
            work.extend((0..CURVES.len()).map(|curve| (game, curve, seed)));
        }
    }
    let runs = Mutex::new(Vec::with_capacity(work.len()));
    let jobs = std::thread::available_parallelism()?.get();
    side_by_side(&work, jobs, |&(game, column, seed)| {
        let (name, curve) = (GAMES[game].0, &CURVES[column]);
        let folder = root.join(name).join(curve.0.replace(", ", "_").replace(' ', "_"));
        let path = folder.join(format!("seed_{seed}.json"));
        let run = if path.is_file() {
            found(&path)?
        } else {
            let run = play(name, curve, seed)
                .with_context(|| format!("{} on {name}, seed {seed}", curve.0))?;
            fs::create_dir_all(&folder)?;
            let whole = json!({ "best": run.best, "error": run.error }).to_string();
            fs::write(path.with_extension("tmp"), whole)?;
            fs::rename(path.with_extension("tmp"), &path)?;
            eprintln!("{} on {name}, seed {seed}: {}", curve.0, run.best);
            run
        };
        runs.lock().expect("no run panics while it holds the list").push(((game, column), run));
        Ok(())
    })?;
    let runs = runs.into_inner().expect("every run is over");
    let mut by_cell: BTreeMap<(usize, usize), Vec<Found>> = BTreeMap::new();
    for (cell, run) in runs {
        by_cell.entry(cell).or_default().push(run);
    }
    page::put(&out, "matrix games", &table(&by_cell)?)?;
    println!("{seeds} seeds in {}", out.display());
    Ok(())
}
