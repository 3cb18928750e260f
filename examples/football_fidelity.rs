//! Compares our football with the original engine of Google Research Football: the flight of the ball, movement,
//! carrying, kicks, keepers, duels and whole episodes. Prints a Markdown table with both columns.
//!
//! ```sh
//! cargo run --release -p phalanx-envs --example football_fidelity                    # everything
//! cargo run --release -p phalanx-envs --example football_fidelity -- off             # only what differs
//! cargo run --release -p phalanx-envs --example football_fidelity -- episodes 400 3_vs_1
//! cargo run --release -p phalanx-envs --example football_fidelity -- trace 7 3_vs_1_with_keeper, idle
//! ```
//!
//! With `trace`, prints the episode of a seed as `tests/football/record_traces.py` does, a JSON line for each step.
//!
//! Arguments, in any order: `off`; `short` (a line for each row of `episodes`, only the last line of other parts); parts (`ball`, `movement`, `carrying`, `kicks`, `keeper`, `duels`, `episodes`);
//! the number of episodes (shots, seeds) of each row; anything else selects rows of `episodes` ("3_vs_1_with_keeper, idle") that contain it.
//!
//! The engine's column was recorded by `tests/football/record_engine.py`; intervals are 95 % intervals. The last column
//! marks differences beyond the tolerance, in brackets if the intervals cannot exclude that the numbers agree.

#![allow(clippy::print_stdout, missing_docs)]

#[path = "../crates/phalanx-envs/tests/fidelity/mod.rs"]
mod fidelity;

use fidelity::comparison::{Comparison, Verdict};
use fidelity::{ball, carrying, duels, episodes, golden, keeper, kicks, movement, traces};

const PARTS: [&str; 7] = ["ball", "movement", "carrying", "kicks", "keeper", "duels", "episodes"];

/// Prints a trace of the first row of `episodes` that contains `filter`.
fn trace(seed: u32, filter: &str) {
    let golden = golden::read("episodes");
    let rows = golden::list(&golden, "rows").iter().chain(golden::list(&golden, "full_games"));
    let name = |row: &serde_json::Value| {
        format!("{}, {}", golden::text(row, "scenario"), golden::text(row, "policy"))
    };
    let mut rows = rows.filter(|row| name(row).contains(filter));
    if let Some((env, policy)) = rows.next().and_then(episodes::environment) {
        traces::trace(env, policy, seed).iter().for_each(|line| println!("{line}"));
    }
}

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    if arguments.first().is_some_and(|argument| argument == "trace") {
        let seed = arguments.get(1).and_then(|seed| seed.parse().ok()).unwrap_or(0);
        return trace(seed, &arguments.get(2..).unwrap_or_default().join(" "));
    }
    let mut parts =
        arguments.iter().map(String::as_str).filter(|a| PARTS.contains(a)).collect::<Vec<_>>();
    let count = arguments.iter().find_map(|argument| argument.parse::<u32>().ok());
    let known = |a: &String| {
        a == "off" || a == "short" || PARTS.contains(&a.as_str()) || a.parse::<u32>().is_ok()
    };
    let filter = arguments.iter().filter(|argument| !known(argument));
    let filter = filter.map(String::as_str).collect::<Vec<_>>().join(" ");
    if parts.is_empty() {
        parts.extend(if filter.is_empty() { &PARTS[..] } else { &["episodes"] });
    }
    let only_off = arguments.iter().any(|argument| argument == "off");
    let short = arguments.iter().any(|argument| argument == "short");
    for part in parts {
        println!("\n### {part}\n");
        let mut total = [0, 0];
        let mut show = |rows: Vec<Comparison>| {
            for row in &rows {
                total[0] += 1;
                total[1] += usize::from(row.verdict() != Verdict::Differs);
                if !short && (!only_off || row.verdict() != Verdict::Agrees) {
                    println!("{row}");
                }
            }
        };
        if !short {
            println!("{}", Comparison::heading());
        }
        match part {
            "ball" => show(ball::compare()),
            "movement" => show(movement::compare(count.unwrap_or(4))),
            "carrying" => show(carrying::compare(count.unwrap_or(12))),
            "kicks" => show(kicks::compare(count.unwrap_or(40))),
            "keeper" => show(keeper::compare(count.unwrap_or(300))),
            "duels" => show(duels::compare(count.unwrap_or(40))),
            _ => {
                let count = count.unwrap_or(400);
                let games = count.div_ceil(20);
                let mut heading = "";
                episodes::compare(count, games, &filter, |row, comparisons| {
                    if short {
                        let (title, line) = episodes::short(row, [count, games], &comparisons);
                        if title != heading {
                            println!("\n{title}");
                            heading = title;
                        }
                        println!("{line}");
                    }
                    show(comparisons);
                });
            }
        }
        println!(
            "\n{} of {} quantities agree, within tolerance and intervals.",
            total[1], total[0]
        );
    }
}
