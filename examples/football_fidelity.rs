//! Compares our football with the original engine of Google Research Football: the flight of the ball, movement,
//! carrying, kicks, keepers, duels and whole episodes. Prints a Markdown table with both columns.
//!
//! ```sh
//! cargo run --release -p phalanx-envs --example football_fidelity                    # everything
//! cargo run --release -p phalanx-envs --example football_fidelity -- off             # only what differs
//! cargo run --release -p phalanx-envs --example football_fidelity -- episodes 400 3_vs_1
//! ```
//!
//! Arguments, in any order: `off`; parts (`ball`, `movement`, `carrying`, `kicks`, `keeper`, `duels`, `episodes`);
//! the number of episodes (shots, seeds) of each row; anything else selects rows of `episodes` that contain it.
//!
//! The engine's column was recorded by `tests/football/record_engine.py`; intervals are 95 % intervals. The last column
//! marks differences beyond the tolerance, in brackets if the intervals cannot exclude that the numbers agree.

#![allow(clippy::print_stdout, missing_docs)]

#[path = "../crates/phalanx-envs/tests/fidelity/mod.rs"]
mod fidelity;

use fidelity::comparison::{Comparison, Verdict};
use fidelity::{ball, carrying, duels, episodes, keeper, kicks, movement};

const PARTS: [&str; 7] = ["ball", "movement", "carrying", "kicks", "keeper", "duels", "episodes"];

fn main() {
    let arguments = std::env::args().skip(1).collect::<Vec<_>>();
    let mut parts =
        arguments.iter().map(String::as_str).filter(|a| PARTS.contains(a)).collect::<Vec<_>>();
    let count = arguments.iter().find_map(|argument| argument.parse::<u32>().ok());
    let known = |a: &String| a == "off" || PARTS.contains(&a.as_str()) || a.parse::<u32>().is_ok();
    let filter = arguments.iter().find(|argument| !known(argument)).map_or("", String::as_str);
    if parts.is_empty() {
        parts.extend(if filter.is_empty() { &PARTS[..] } else { &["episodes"] });
    }
    let only_off = arguments.iter().any(|argument| argument == "off");
    let mut total = [0, 0];
    for part in parts {
        let rows = match part {
            "ball" => ball::compare(),
            "movement" => movement::compare(count.unwrap_or(4)),
            "carrying" => carrying::compare(count.unwrap_or(12)),
            "kicks" => kicks::compare(count.unwrap_or(40)),
            "keeper" => keeper::compare(count.unwrap_or(300)),
            "duels" => duels::compare(count.unwrap_or(40)),
            _ => episodes::compare(
                count.unwrap_or(400),
                count.map_or(20, |count| count.div_ceil(20)),
                filter,
            ),
        };
        println!("\n### {part}\n\n{}", Comparison::heading());
        for row in &rows {
            total[0] += 1;
            total[1] += usize::from(row.verdict() != Verdict::Differs);
            if !only_off || row.verdict() != Verdict::Agrees {
                println!("{row}");
            }
        }
    }
    println!("\n{} of {} quantities agree, within tolerance and intervals.", total[1], total[0]);
}
