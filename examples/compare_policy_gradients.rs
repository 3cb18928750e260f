//! Compares algorithms that learn from rollouts on battles: learning curves, a table of win rates next to
//! published ones after two million steps (some after ten million), and ablations of IPPO.
//!
//! ```sh
//! cargo run --release --example compare_policy_gradients -- table.md
//! ```
//!
//! Finished runs are not repeated, so the program can be stopped and started again. The tables and the figure
//! show the evaluations so far; a file next to the page keeps those of finished runs. Optional arguments after the page: the folder of the runs
//! (`results/policy_gradients`), the number of parallel runs (one per core), and the names of algorithms and
//! maps to train, such as `MAPPO 3m` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A map, the number of seeds, and the median win rates of IPPO and MAPPO in StarCraft after ten million
/// steps, in percent (Yu et al. 2022, table 1).
const MAPS: [(&str, u64, [&str; 2]); 5] = [
    ("3m", 3, ["100", "100"]),
    ("8m", 3, ["100", "100"]),
    ("2s3z", 3, ["100", "100"]),
    ("3s5z", 1, ["97", "97"]),
    ("5m_vs_6m", 1, ["88", "88"]),
];

/// A name, its algorithm, and its settings; a configuration file may have settings per map.
const ALGORITHMS: [(&str, &str, &str); 13] = [
    ("IPPO", "ippo", ""),
    ("IPPO, MAPPO's settings", "mappo", "critic=observation death_masking=false"),
    ("IPPO, paper", "ippo", "configs/algs/ippo_paper.toml"),
    (
        "IPPO, paper, masked",
        "ippo",
        "configs/algs/ippo_paper.toml mask_policy_loss=true use_policy_active_masks=true \
         clip_jointly=false use_proper_time_limits=true critic=observation \
         use_variance_scaling=true",
    ),
    ("MAPPO", "mappo", ""),
    ("MAPPO, epochs by map", "mappo", "configs/algs/mappo.toml"),
    ("MAPPO, not normalised", "mappo", "layer_norm=false"),
    ("MAPPO, not normalised, epochs by map", "mappo", "configs/algs/mappo.toml layer_norm=false"),
    ("HAPPO", "happo", ""),
    ("sequential PPO", "sequential_ppo", ""),
    ("IA2C", "ia2c", ""),
    ("MAA2C", "maa2c", ""),
    ("PQN-VDN", "pqn_vdn", ""),
];

/// Runs as long as the published ones: a name from [`ALGORITHMS`], a map, and the number of seeds.
const LONG: [(&str, &str, u64); 3] =
    [("IPPO, paper", "8m", 3), ("IPPO", "3s5z", 1), ("IPPO", "5m_vs_6m", 1)];

/// The steps, in millions, after which the win rate of a long run is reported.
const MILLIONS: [f64; 4] = [2.0, 4.0, 6.0, 10.0];

/// Ablations of IPPO, and additions to it.
const ABLATIONS: [(&str, &str); 7] = [
    ("IPPO as it is", ""),
    ("no policy clipping", "policy_clip=false"),
    ("no clipping, one epoch", "policy_clip=false epochs=1"),
    ("no value clipping", "value_clip=false"),
    ("central value", "critic=state"),
    ("joint central value", "critic=joint"),
    ("a third of the learning rate", "lr=0.0003"),
];

/// The map of the ablations, with five seeds.
const ABLATED: &str = "8m";

/// The maps on which algorithms with and without a replay buffer are compared by wall-clock time, and the
/// number of seeds.
const TIMED: [(&str, u64); 2] = [("3m", 3), ("2s3z", 2)];

/// The algorithms compared by wall-clock time: a name, the algorithm, and the length of a run.
const BY_THE_CLOCK: [(&str, &str, &str); 2] =
    [("QMIX", "qmix", "t_max=500000"), ("PQN-VDN", "pqn_vdn", "t_max=2000000")];

/// The times of the comparison, in seconds.
const SECONDS: [f64; 4] = [15.0, 30.0, 60.0, 120.0];

/// The maximum delay of an evaluation after its scheduled step, in environment steps.
const BETWEEN: f64 = 10_000.0;

/// Settings of all runs.
const COMMON: &str = "test_interval=20000 log_interval=20000";

/// The length of a run of the first table, and of the second.
const LENGTHS: [u64; 2] = [2_000_000, 600_000];

fn run(panel: String, curve: &str, alg: &str, map: &str, own: &str, seed: u64) -> Run {
    let length = if panel == map { LENGTHS[0] } else { LENGTHS[1] };
    let length = format!("t_max={length}");
    let settings = COMMON.split_whitespace().chain([&length[..]]).chain(own.split_whitespace());
    Run {
        panel,
        curve: curve.to_owned(),
        alg: alg.to_owned(),
        env: format!("skirmish/{map}"),
        settings: settings.map(str::to_owned).collect(),
        seed,
    }
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in 1..=3 {
        for (map, ..) in MAPS.iter().filter(|(_, seeds, _)| seed <= *seeds) {
            let of = |(name, alg, own)| run((*map).to_owned(), name, alg, map, own, seed);
            runs.extend(ALGORITHMS.map(of));
        }
    }
    for seed in 1..=5 {
        let of = |(name, own): (&str, &str)| {
            run(format!("{ABLATED} without"), name, "ippo", ABLATED, own, seed)
        };
        runs.extend(ABLATIONS.map(of));
    }
    for (name, map, seeds) in LONG {
        for (_, alg, own) in ALGORITHMS.iter().filter(|(known, ..)| *known == name) {
            let own = format!("{own} t_max=10000000");
            runs.extend((1..=seeds).map(|seed| run(long(map), name, alg, map, &own, seed)));
        }
    }
    for (map, seeds) in TIMED {
        for seed in 1..=seeds {
            let of = |(name, alg, own)| run(clock(map), name, alg, map, own, seed);
            runs.extend(BY_THE_CLOCK.map(of));
        }
    }
    runs
}

/// Returns the title of the panel of long runs.
fn long(map: &str) -> String {
    format!("{map} for long")
}

/// Returns the title of the panel that compares by wall-clock time.
fn clock(map: &str) -> String {
    format!("{map} by the clock")
}

/// Returns the curves of one name on one panel.
fn of<'a>(done: &'a [(Run, Curve)], panel: &str, name: &str) -> Vec<&'a Curve> {
    let matching = done.iter().filter(|(run, _)| run.panel == panel && run.curve == name);
    matching.map(|(_, curve)| curve).collect()
}

/// Win rates over the last ten evaluations, steps until solved, and seconds, one per seed.
fn cells(curves: &[&Curve]) -> String {
    let list = |text: &dyn Fn(&Curve) -> String| {
        curves.iter().map(|curve| text(curve)).collect::<Vec<_>>().join(", ")
    };
    let won = list(&|curve| {
        let mark = if curve.is_finished() { "" } else { "…" };
        format!("{:.0} %{mark}", 100.0 * curve.tail(10, |point| point.won))
    });
    let solved = list(&|curve| match curve.solved() {
        Some(point) => format!("{:.0}k", point.t_env / 1000.0),
        None => "never".to_owned(),
    });
    let at = list(&|curve| match curve.solved() {
        Some(point) => format!("{:.0}", point.seconds),
        None => "–".to_owned(),
    });
    let seconds = curves.iter().filter_map(|curve| curve.points.last()).map(|point| point.seconds);
    format!("{won} | {solved} | {at} | {:.0}", seconds.sum::<f64>() / curves.len() as f64)
}

fn table(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "| map | algorithm | won, last ten evaluations | solved after (steps) | (seconds) | seconds in \
         all | StarCraft |\n|---|---|---|---|---|---|---|\n",
    );
    for (map, _, [ippo, mappo]) in MAPS {
        for (name, ..) in ALGORITHMS {
            let curves = of(done, map, name);
            if curves.is_empty() {
                continue;
            }
            let published = match name {
                name if name.starts_with("IPPO") => ippo,
                name if name.starts_with("MAPPO") => mappo,
                _ => "",
            };
            writeln!(text, "| {map} | {name} | {} | {published} |", cells(&curves))?;
        }
    }
    Ok(text)
}

/// Returns the mean of the ten evaluations before each of [`MILLIONS`] steps, one per seed.
fn long_table(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from("| map | algorithm |");
    for millions in MILLIONS {
        write!(text, " {millions:.0}M |")?;
    }
    let columns = "---|".repeat(MILLIONS.len());
    writeln!(text, " solved after (steps) | (seconds) | seconds in all | StarCraft |")?;
    writeln!(text, "|---|---|{columns}---|---|---|---|")?;
    for (name, map, _) in LONG {
        let curves = of(done, &long(map), name);
        if curves.is_empty() {
            continue;
        }
        write!(text, "| {map} | {name} |")?;
        for millions in MILLIONS {
            let shares = curves.iter().map(|curve| share(curve, 1e6 * millions));
            write!(text, " {} |", shares.collect::<Vec<_>>().join(", "))?;
        }
        // The first of the joined cells is the final win rate, which the columns already hold.
        let cells = cells(&curves);
        let rest = cells.split_once(" | ").map_or("", |(_, rest)| rest);
        let published =
            MAPS.iter().find(|(known, ..)| *known == map).map_or("", |(_, _, [p, _])| p);
        writeln!(text, " {rest} | {published} |")?;
    }
    Ok(text)
}

/// Returns the mean of the ten evaluations before `t_env` environment steps, or – if the run has not got
/// that far.
fn share(curve: &Curve, t_env: f64) -> String {
    let before = curve.points.iter().filter(|point| point.t_env <= t_env + BETWEEN);
    let last: Vec<f64> = before.map(|point| point.won).collect();
    if curve.points.last().is_none_or(|end| end.t_env + BETWEEN < t_env) {
        return "–".to_owned();
    }
    let last = &last[last.len().saturating_sub(10)..];
    format!("{:.0} %", 100.0 * last.iter().sum::<f64>() / last.len() as f64)
}

fn ablations(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = format!(
        "Ablations of IPPO on {ABLATED}:\n\n\
         | IPPO | won, last ten evaluations | solved after (steps) | (seconds) | seconds in all |\n\
         |---|---|---|---|---|\n",
    );
    for (name, _) in ABLATIONS {
        let curves = of(done, &format!("{ABLATED} without"), name);
        if !curves.is_empty() {
            writeln!(text, "| {name} | {} |", cells(&curves))?;
        }
    }
    Ok(text)
}

fn by_the_clock(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "Greedy battles won, mean of the three evaluations before the given seconds of training:\n\n\
         | map | algorithm |",
    );
    for seconds in SECONDS {
        write!(text, " {seconds:.0} s |")?;
    }
    writeln!(text, " solved after (seconds) |\n|---|---|{}---|", "---|".repeat(SECONDS.len()))?;
    for (map, _) in TIMED {
        for (name, ..) in BY_THE_CLOCK {
            let curves = of(done, &clock(map), name);
            if curves.is_empty() {
                continue;
            }
            write!(text, "| {map} | {name} |")?;
            for seconds in SECONDS {
                let shares: Vec<String> = curves
                    .iter()
                    .map(|curve| {
                        let before = curve.points.iter().filter(|point| point.seconds <= seconds);
                        let last: Vec<f64> = before.map(|point| point.won).collect();
                        let last = &last[last.len().saturating_sub(3)..];
                        let mean = last.iter().sum::<f64>() / last.len().max(1) as f64;
                        let over = curve.points.last().is_some_and(|end| end.seconds < seconds);
                        if over { "–".to_owned() } else { format!("{:.0} %", 100.0 * mean) }
                    })
                    .collect();
                write!(text, " {} |", shares.join(", "))?;
            }
            let solved: Vec<String> = curves
                .iter()
                .map(|curve| curve.solved().map_or("never".into(), |p| format!("{:.0}", p.seconds)))
                .collect();
            writeln!(text, " {} |", solved.join(", "))?;
        }
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/policy_gradients")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = MAPS
        .iter()
        .map(|(map, ..)| Panel {
            title: (*map).to_owned(),
            series: ALGORITHMS
                .iter()
                .map(|(name, ..)| Series { name: (*name).to_owned(), runs: of(&done, map, name) })
                .filter(|series| !series.runs.is_empty())
                .collect(),
        })
        .filter(|panel| !panel.series.is_empty())
        .collect();
    draw(&panels, &Axis::WON, &request.page.with_file_name("policy_gradients.svg"))?;
    let tables = [
        ("policy gradients", &*table(&done)?),
        ("ten million steps", &*long_table(&done)?),
        ("ablations", &*ablations(&done)?),
        ("by the clock", &*by_the_clock(&done)?),
    ];
    page::put_all(&request.page, &tables)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
