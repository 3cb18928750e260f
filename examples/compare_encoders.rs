//! Compares encoders of entities with the flat observation on battles, and plays trained policies on battles
//! with other team sizes without further training.
//!
//! ```sh
//! cargo run --release --example compare_encoders -- docs/results/encoders.md
//! ```
//!
//! Finished runs are not repeated, so the program can be stopped and started again. The tables and the figure
//! show the evaluations so far; a file next to the page keeps those of finished runs. Optional arguments after the page: the folder of the runs
//! (`results/encoders`), the number of parallel runs (one per core), and the names of variants and maps to
//! train, such as `"QMIX, HPN" 5m_vs_6m` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;
use phalanx::env::{Env, ParallelEnvs};
use phalanx::rng::Purpose;
use phalanx::train::Encoders;
use phalanx::train::run::checkpoint::{CheckpointId, RunCheckpoints, load_policy_for};
use phalanx::train::run::evaluate::evaluate;
use phalanx_examples::curves::{Axis, Curve, Panel, Series, draw};
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The maps on which encoders are compared.
const MAPS: [&str; 3] = ["5m_vs_6m", "8m_vs_9m", "protoss_5_vs_5"];

/// The algorithms: a name and the word on the command line.
const ALGORITHMS: [(&str, &str); 2] = [("QMIX", "qmix"), ("IPPO", "ippo")];

/// The encoders: a name and the settings. Those that read entities do without last actions and agent IDs, so
/// that a policy fits any team size.
const ENCODERS: [(&str, &str); 3] = [
    ("flat", ""),
    ("entity attention", "encoder=entity_attention obs_last_action=false obs_agent_id=false"),
    ("HPN", "encoder=hpn obs_last_action=false obs_agent_id=false"),
];

/// A map on which policies are trained, and maps on which they play without training.
const TRANSFERS: [(&str, &[&str]); 2] = [
    ("3m", &["3m", "5m_vs_6m", "8m", "8m_vs_9m"]),
    ("protoss_5_vs_5", &["protoss_5_vs_5", "protoss_10_vs_10"]),
];

/// The number of seeds.
const SEEDS: u64 = 3;

/// Settings of all runs.
const COMMON: &str = "test_interval=50000 log_interval=50000";

/// The length of a run, and of one on 3m.
const LENGTHS: [&str; 2] = ["t_max=2000000", "t_max=500000"];

/// Battles of an evaluation after transfer.
const BATTLES: usize = 320;

fn env(map: &str) -> String {
    format!("skirmish/{map}")
}

fn name(algorithm: &str, encoder: &str) -> String {
    format!("{algorithm}, {encoder}")
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in 1..=SEEDS {
        for map in MAPS.into_iter().chain(["3m"]) {
            for (algorithm, alg) in ALGORITHMS {
                for (encoder, own) in ENCODERS {
                    let length = LENGTHS[usize::from(map == "3m")];
                    let settings = [COMMON, length, own].map(str::split_whitespace);
                    runs.push(Run {
                        panel: map.to_owned(),
                        curve: name(algorithm, encoder),
                        alg: alg.to_owned(),
                        env: env(map),
                        settings: settings.into_iter().flatten().map(str::to_owned).collect(),
                        seed,
                    });
                }
            }
        }
    }
    runs
}

fn of<'a>(done: &'a [(Run, Curve)], panel: &str, name: &str) -> Vec<&'a (Run, Curve)> {
    done.iter().filter(|(run, _)| run.panel == panel && run.curve == name).collect()
}

/// Joins a text of each curve; runs that go on are marked.
fn list(curves: &[&(Run, Curve)], text: impl Fn(&Curve) -> String) -> String {
    let marked =
        |(_, curve): &&(Run, Curve)| text(curve) + if curve.is_finished() { "" } else { "…" };
    curves.iter().map(marked).collect::<Vec<_>>().join(", ")
}

/// Returns the number of weights of the agents' networks of a run.
fn parameters(folder: &Path) -> anyhow::Result<f64> {
    let (_, files) = RunCheckpoints::of(folder).load(CheckpointId::Best)?;
    let agent = files.iter().find(|file| file.name == "agent.safetensors");
    // A safetensors file begins with the length of its header, which is JSON.
    let (length, rest) =
        agent.and_then(|file| file.bytes.split_first_chunk()).context("no agent")?;
    let header = rest.get(..u64::from_le_bytes(*length) as usize).context("a header cut short")?;
    let header: HashMap<String, serde_json::Value> = serde_json::from_slice(header)?;
    let sizes = header.values().filter_map(|entry| entry["shape"].as_array());
    let size = |shape: &Vec<serde_json::Value>| {
        shape.iter().filter_map(serde_json::Value::as_u64).product::<u64>()
    };
    Ok(sizes.map(size).sum::<u64>() as f64)
}

fn learning(request: &mut Request, done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "Battles won in percent, greedy, one figure per seed:\n\n\
         | map | network | parameters | last ten evaluations | first of three evaluations >= 90 % \
         (thousand steps) | steps (thousand) | microseconds per step |\n|---|---|---|---|---|---|---|\n",
    );
    for map in MAPS.into_iter().chain(["3m"]) {
        for (algorithm, _) in ALGORITHMS {
            for (encoder, _) in ENCODERS {
                let name = name(algorithm, encoder);
                let curves = of(done, map, &name);
                if curves.is_empty() {
                    continue;
                }
                let won =
                    |curve: &Curve| format!("{:.0}", 100.0 * curve.tail(10, |point| point.won));
                let solved = |curve: &Curve| match curve.solved() {
                    Some(point) => format!("{:.0}", point.t_env / 1e3),
                    None => "never".to_owned(),
                };
                let ends = curves.iter().filter_map(|(_, curve)| curve.points.last());
                let (steps, seconds) =
                    ends.fold((0.0, 0.0), |(a, b), end| (a + end.t_env, b + end.seconds));
                let run = &curves[0].0;
                let folder = run.folder(request.root());
                let parameters = request.kept.measured(run, "parameters", &folder, parameters)?;
                writeln!(
                    text,
                    "| {map} | {name} | {} | {} | {} | {:.0} | {:.0} |",
                    parameters.map_or("–".to_owned(), |count| count.to_string()),
                    list(&curves, won),
                    list(&curves, solved),
                    steps / 1e3 / curves.len() as f64,
                    1e6 * seconds / steps,
                )?;
            }
        }
    }
    Ok(text)
}

/// Returns the share of battles that the best policy of a run wins on `map`.
fn plays(folder: &Path, map: &str) -> anyhow::Result<f64> {
    let make = phalanx::envs::registry::factory(&env(map), &Default::default())?;
    let (_, files) = RunCheckpoints::of(folder).load(CheckpointId::Best)?;
    let policy = load_policy_for(&files, &Encoders::builtin(), make().spec())?;
    let mut envs = ParallelEnvs::new(32, 1, Purpose::TestEnvironment, make);
    Ok(evaluate(&policy, &mut envs, BATTLES)?.battle_won_mean().unwrap_or_default())
}

fn transfer(request: &mut Request, done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from(
        "Battles won in percent by policies on maps on which they were not trained, greedy, one figure per \
         seed:\n\n",
    );
    for (trained, maps) in TRANSFERS {
        write!(text, "| trained on {trained} |")?;
        maps.iter().try_for_each(|map| write!(text, " {map} |"))?;
        writeln!(text, "\n|---|{}", "---|".repeat(maps.len()))?;
        for (algorithm, _) in ALGORITHMS {
            for (encoder, _) in ENCODERS.iter().filter(|(_, own)| !own.is_empty()) {
                let name = name(algorithm, encoder);
                let begun = of(done, trained, &name).into_iter();
                let finished: Vec<_> = begun.filter(|(_, curve)| curve.is_finished()).collect();
                if finished.is_empty() {
                    continue;
                }
                write!(text, "| {name} |")?;
                for map in maps {
                    let mut shares = Vec::new();
                    for (run, _) in &finished {
                        let (what, folder) = (format!("won on {map}"), run.folder(request.root()));
                        let measure = |folder: &Path| plays(folder, map);
                        let won = request.kept.measured(run, &what, &folder, measure)?;
                        shares
                            .push(won.map_or("–".to_owned(), |won| format!("{:.0}", 100.0 * won)));
                    }
                    write!(text, " {} |", shares.join(", "))?;
                }
                writeln!(text)?;
            }
        }
        writeln!(text)?;
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/encoders")?;
    let done = request.finish(runs())?;
    let panels: Vec<Panel<'_>> = MAPS
        .iter()
        .map(|map| Panel {
            title: (*map).to_owned(),
            series: ALGORITHMS
                .iter()
                .flat_map(|(algorithm, _)| ENCODERS.map(|(encoder, _)| name(algorithm, encoder)))
                .map(|name| Series {
                    runs: of(&done, map, &name).into_iter().map(|(_, curve)| curve).collect(),
                    name,
                })
                .filter(|series| !series.runs.is_empty())
                .collect(),
        })
        .filter(|panel| !panel.series.is_empty())
        .collect();
    draw(&panels, &Axis::WON, &request.page.with_file_name("encoders.svg"))?;
    let tables = [
        ("learning", &*learning(&mut request, &done)?),
        ("transfer", &*transfer(&mut request, &done)?),
    ];
    request.kept.write()?;
    page::put_all(&request.page, &tables)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
