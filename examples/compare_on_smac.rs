//! Plays every map of SMAC and every scenario of SMACv2, and shows the win rates next to those published for
//! StarCraft II.
//!
//! ```sh
//! cargo run --release --example compare_on_smac -- docs/results/smac.md results/smac 2 hours=8
//! ```
//!
//! All runs take days, so the table grows: each call plays what is missing, in the order of [`MAPS`] and
//! [`ALGORITHMS`], until its core-hours are over (without `hours`, to the end), and draws. Interrupted runs
//! continue, and a file next to the page keeps the evaluations of all runs. Optional arguments after the page: the folder
//! of the runs (`results/smac`), the number of parallel runs (one per core), and the names of algorithms and maps to
//! train, such as `MAPPO 3s5z` (all); `none` only draws.

#![allow(clippy::print_stdout)]

use std::fmt::Write;

use phalanx::train::rollout::ScriptedPolicy;
use phalanx::train::run::evaluate::evaluate_scripted;
use phalanx_examples::curves::Curve;
use phalanx_examples::grid::{Request, Run};
use phalanx_examples::page;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A map, in the order of play, and the published win rates of MAPPO, QMIX, IPPO and VDN in percent. MAPPO, QMIX and
/// IPPO on SMAC: medians of Yu et al. (2022), *The Surprising Effectiveness of PPO in Cooperative Multi-Agent Games*,
/// table 1. VDN on SMAC: means of the data of the SMAC paper after two million steps. SMACv2: means over the last
/// million of ten million steps, from the data that its authors published.
const MAPS: [(&str, [&str; 4]); 38] = [
    ("3s5z", ["97", "88", "97", "84"]),
    ("5m_vs_6m", ["89", "76", "88", "70"]),
    ("8m_vs_9m", ["97", "92", "97", ""]),
    ("3s_vs_5z", ["100", "98", "100", "91"]),
    ("2c_vs_64zg", ["100", "92", "98", "21"]),
    ("MMM2", ["91", "88", "87", "1"]),
    ("corridor", ["100", "84", "98", "0"]),
    ("6h_vs_8z", ["88", "9", "84", "0"]),
    ("3m", ["100", "97", "100", ""]),
    ("8m", ["100", "98", "100", ""]),
    ("2s3z", ["100", "95", "100", "97"]),
    ("2m_vs_1z", ["100", "95", "100", ""]),
    ("2s_vs_1sc", ["100", "97", "100", "100"]),
    ("3s_vs_3z", ["100", "97", "100", ""]),
    ("3s_vs_4z", ["100", "98", "99", ""]),
    ("so_many_baneling", ["100", "97", "100", ""]),
    ("MMM", ["97", "95", "97", ""]),
    ("1c3s5z", ["100", "96", "100", "91"]),
    ("10m_vs_11m", ["97", "95", "93", "97"]),
    ("3s5z_vs_3s6z", ["84", "83", "83", "2"]),
    ("25m", ["100", "86", "100", ""]),
    ("27m_vs_30m", ["94", "39", "70", "0"]),
    ("bane_vs_bane", ["100", "100", "100", "94"]),
    ("protoss_5_vs_5", ["57", "71", "", ""]),
    ("terran_5_vs_5", ["53", "62", "", ""]),
    ("zerg_5_vs_5", ["43", "40", "", ""]),
    ("protoss_10_vs_10", ["61", "71", "", ""]),
    ("terran_10_vs_10", ["57", "67", "", ""]),
    ("zerg_10_vs_10", ["41", "41", "", ""]),
    ("protoss_10_vs_11", ["18", "41", "", ""]),
    ("terran_10_vs_11", ["28", "40", "", ""]),
    ("zerg_10_vs_11", ["29", "25", "", ""]),
    ("protoss_20_vs_20", ["41", "71", "", ""]),
    ("terran_20_vs_20", ["52", "57", "", ""]),
    ("zerg_20_vs_20", ["34", "31", "", ""]),
    ("protoss_20_vs_23", ["6", "17", "", ""]),
    ("terran_20_vs_23", ["9", "10", "", ""]),
    ("zerg_20_vs_23", ["15", "10", "", ""]),
];

/// A name and the word on the command line, in the order of play and of the published rates.
const ALGORITHMS: [(&str, &str); 4] =
    [("MAPPO", "mappo"), ("QMIX", "qmix"), ("IPPO", "ippo"), ("VDN", "vdn")];

/// The algorithms that play first on all maps.
const FIRST: usize = 2;

/// Settings of all runs: those of the algorithm, and these.
const COMMON: &str =
    "t_max=10000000 test_interval=100000 log_interval=100000 save_state_interval=100000";

/// The scripted policies next to them.
const SCRIPTS: [&str; 3] = ["random", "heuristic", "kiting"];

/// Battles played by each scripted policy.
const BATTLES: usize = 100;

fn env(map: &str) -> String {
    format!("skirmish/{map}")
}

fn runs() -> Vec<Run> {
    let mut runs = Vec::new();
    for algorithms in [&ALGORITHMS[..FIRST], &ALGORITHMS[FIRST..]] {
        for (map, _) in MAPS {
            runs.extend(algorithms.iter().map(|(name, alg)| Run {
                panel: map.to_owned(),
                curve: (*name).to_owned(),
                alg: (*alg).to_owned(),
                env: env(map),
                settings: COMMON.split_whitespace().map(str::to_owned).collect(),
                seed: 1,
            }));
        }
    }
    runs
}

/// Returns the win rate of the last ten evaluations, the millions of steps and the hours of a run.
fn cell(curve: &Curve) -> String {
    let won = 100.0 * curve.tail(10, |point| point.won);
    let hours = curve.points.last().map_or(0.0, |point| point.seconds) / 3600.0;
    let mark = if curve.is_finished() { "" } else { "…" };
    format!("{won:.0} ({:.1}M, {hours:.1} h{mark})", curve.t_env() / 1e6)
}

fn table(done: &[(Run, Curve)]) -> anyhow::Result<String> {
    let mut text = String::from("| map |");
    ALGORITHMS.iter().try_for_each(|(name, _)| write!(text, " {name} | published |"))?;
    SCRIPTS.iter().try_for_each(|name| write!(text, " {name} |"))?;
    writeln!(text, "\n|---|{}", "---|".repeat(2 * ALGORITHMS.len() + SCRIPTS.len()))?;
    for (map, published) in MAPS {
        let played = |name: &str| {
            let this = |(run, _): &&(Run, Curve)| run.panel == map && run.curve == name;
            done.iter().find(this).map_or(String::new(), |(_, curve)| cell(curve))
        };
        if done.iter().all(|(run, _)| run.panel != map) {
            continue;
        }
        write!(text, "| {map} |")?;
        for ((name, _), published) in ALGORITHMS.iter().zip(published) {
            write!(text, " {} | {published} |", played(name))?;
        }
        for policy in SCRIPTS {
            let make = phalanx::envs::registry::factory(&env(map), &Default::default())?;
            let rate = ScriptedPolicy::named(policy, &*make())
                .map(|scripted| evaluate_scripted(scripted, make, 1, BATTLES))
                .and_then(|played| played.battle_won_mean());
            write!(text, " {} |", rate.map_or(String::new(), |won| format!("{:.0}", 100.0 * won)))?;
        }
        writeln!(text)?;
    }
    Ok(text)
}

fn main() -> anyhow::Result<()> {
    let mut request = Request::read("results/smac")?;
    let done = request.finish(runs())?;
    page::put(&request.page, "smac", &table(&done)?)?;
    println!("{} runs in {}", done.len(), request.page.display());
    Ok(())
}
