//! Recorded joint actions: `phalanx trace ENV --policy FILE`.

use std::fs;

use phalanx::cli::Program;

use super::program;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::{Answer, Target};

/// The target `actions`: the first line of an input names the environment, the rest is the file.
pub struct Actions {
    program: Program,
}

impl Default for Actions {
    fn default() -> Self {
        Self { program: Program::builtin() }
    }
}

const LINES: &[&str] = &[
    "[65536,0,0]",
    "[65535,65535,65535]",
    "[-1,0,0]",
    "[1e5,1,1]",
    "[1.5,1,1]",
    "[]",
    "null",
    "{\"a\":1}",
    "[[1,1,1]]",
    "[0,0,0]\r",
    "[\"1\",1,1]",
    "[1,1]",
    "[1,1,1,1]",
    "\u{feff}[1,1]",
    "[1,1,1] [1,1,1]",
    "[1,1,1],",
    "NaN",
    "[nan]",
];

impl Target for Actions {
    fn name(&self) -> &'static str {
        "actions"
    }

    fn share(&self) -> u64 {
        150
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        let input = chance.pick(corpus);
        let head = input.iter().position(|&byte| byte == b'\n').map_or(input.len(), |at| at + 1);
        let (head, file) = input.split_at(head);
        let file = match chance.below(10) {
            0 => nasty::shapeless(chance),
            1..=3 => nasty::scramble(chance, file.to_vec()),
            4 | 5 => nasty::renumber(chance, &String::from_utf8_lossy(file)).into_bytes(),
            6 => format!("[{}1]", "1,".repeat(*chance.pick(&[10, 5000]))).into_bytes(),
            _ => {
                let text = String::from_utf8_lossy(file).into_owned();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.truncate(chance.below(8));
                for _ in 0..1 + chance.below(2) {
                    let at = chance.below(lines.len() + 1);
                    lines.insert(at, *chance.pick(LINES));
                }
                lines.join("\n").into_bytes()
            }
        };
        [head, &file].concat()
    }

    fn answer(&self, input: &[u8]) -> Answer {
        let mut parts = input.splitn(2, |&byte| byte == b'\n');
        let head = parts.next().unwrap_or_default();
        let file = parts.next().unwrap_or_default();
        fs::write("actions.jsonl", file).expect("the folder of inputs can be written");
        let head = String::from_utf8_lossy(head);
        let mut words = head.split_whitespace();
        let env = words.next().unwrap_or("two_step");
        let fixed = ["trace", env, "--policy", "actions.jsonl", "--out", "trace.jsonl"];
        program::run(&self.program, &fixed.into_iter().chain(words).collect::<Vec<_>>())
    }
}
