//! Command lines.

use phalanx::cli::Program;

use super::program;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::{Answer, Target};

/// The target `words`: every line of an input is a word.
pub struct Words {
    program: Program,
}

impl Default for Words {
    fn default() -> Self {
        Self { program: Program::builtin() }
    }
}

const JUNK: &[&str] = &[
    "",
    "..",
    "../..",
    "/",
    "/etc/passwd",
    "/dev/null",
    "skirmish/../3m",
    "skirmish/",
    "/skirmish/3m",
    "two_step/",
    "\u{202e}",
    "-1",
    "--",
    "-",
    "\u{7f}",
    "%s%n",
    "results/..",
    "matrix/custom",
    "qmix",
    "skirmish/3m",
    "skirmish",
    "NaN",
    "18446744073709551616",
    "18446744073709551615",
    "here/..",
    ".",
    "predator_prey",
    "two_step",
    "3m",
    "smac/3m",
    "sc2/3m",
    "random",
    "heuristic",
    "best",
    "last",
    "=",
    "a=",
    "=a",
    "lr=1",
    "env_args.x=1",
    "x.toml",
    "--help",
    "--version",
    "-h",
    "--json",
    "--full",
    "--dry-run",
    "--overwrite",
    "--log-level",
    "--log-level=off",
    "warn,phalanx::update=debug",
    "a=b,c",
    "algs",
    "envs",
    "devices",
    "encoders",
    "help",
    "train",
    "football",
    "football/5_vs_5",
    "map=x.toml",
    "map=.",
    "map=/dev/zero",
    "map=/dev/null",
];
/// Words before the last one, with which each command may begin.
const BEGINNINGS: &[&[&str]] = &[
    &["train", "vdn", "two_step", "--dry-run"],
    &["train", "--dry-run"],
    &["train", "--resume"],
    &["train", "--dry-run", "qmix", "predator_prey", "init_from=."],
    &["eval", "two_step", "--episodes", "1", "--policy"],
    &["eval", "--episodes"],
    &["eval", "--episodes", "1"],
    &["eval", "--episodes", "1", "--checkpoint"],
    &["eval", "--episodes", "1", ".", "--env"],
    &["list"],
    &["describe"],
    &["trace", "two_step", "--out", "trace.jsonl"],
    &["trace", "predator_prey", "--out", "trace.jsonl", "--policy"],
    &["trace", "two_step", "--out", "-", "--seed"],
    &["trace", "--out", "trace.jsonl"],
    &["trace", "two_step", "--out", ""],
    &["trace", "two_step", "--out", "."],
    &["trace", "two_step", "--out", "/"],
    &["trace", "two_step", "--out", "a/b/c"],
    &[],
];
/// Words after which the next one decides what is written or for how long the program works.
const GUARDED: &[&str] = &["--out", "--episodes", "--resume"];

impl Target for Words {
    fn name(&self) -> &'static str {
        "words"
    }

    fn share(&self) -> u64 {
        100
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut words: Vec<String> = match chance.one_in(4) {
            true => {
                let input = String::from_utf8_lossy(chance.pick::<Vec<u8>>(corpus)).into_owned();
                input.lines().map(str::to_owned).collect()
            }
            false => chance.pick(BEGINNINGS).iter().map(|&word| word.to_owned()).collect(),
        };
        for _ in 0..1 + chance.below(3) {
            let junk = match chance.below(12) {
                0 => "a".repeat(4000),
                1 => nasty::value(chance),
                2 => {
                    let word = chance.pick(JUNK).as_bytes().to_vec();
                    String::from_utf8_lossy(&nasty::scramble(chance, word)).into_owned()
                }
                _ => (*chance.pick(JUNK)).to_owned(),
            };
            words.push(junk);
        }
        words.join("\n").into_bytes()
    }

    fn answer(&self, input: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(input);
        let words: Vec<&str> = text.split('\n').collect();
        // What was asked for is no breach: such words would write elsewhere or work for hours.
        let long = |number: &str| number.parse::<u64>().is_ok_and(|number| number > 3);
        let unsafe_word = |pair: &[&str]| match pair {
            ["--out", name] => !matches!(*name, "trace.jsonl" | "" | "." | "/" | "a/b/c" | "-"),
            ["--episodes", number] => long(number),
            _ => false,
        };
        let joined = |word: &&str| {
            let guarded = GUARDED.iter().any(|it| word.starts_with(&format!("{it}=")));
            guarded || word.starts_with("results_dir")
        };
        let trains = words.first() == Some(&"train")
            && !words.contains(&"--dry-run")
            && !words.contains(&"--resume");
        let measures = words.contains(&"bench");
        if words.windows(2).any(unsafe_word) || words.iter().any(joined) || trains || measures {
            return Answer::Refused;
        }
        program::run(&self.program, &words)
    }
}
