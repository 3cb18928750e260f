//! Assignments: `phalanx train ALG ENV key=value …`.

use super::settings::{Depth, Settings};
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::{Answer, Target};

/// The target `assignments`: the first line of an input names the algorithm, the environment and how far to go
/// (nothing, `--dry-run` or `--train`), and every other line is an assignment.
pub struct Assignments {
    settings: Settings,
}

impl Default for Assignments {
    fn default() -> Self {
        Self { settings: Settings::new() }
    }
}

impl Target for Assignments {
    fn name(&self) -> &'static str {
        "assignments"
    }

    fn share(&self) -> u64 {
        310
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        if chance.one_in(10) {
            let input = chance.pick(corpus).clone();
            return nasty::scramble(chance, input);
        }
        let (alg, env) = self.settings.names(chance);
        let mut text = head(alg, env, Settings::depth(chance));
        for _ in 0..*chance.pick(&[1, 1, 1, 2, 3]) {
            let key = self.settings.key(chance, alg, env);
            let value = self.settings.value(chance, &key);
            text += &format!("{key}={value}\n");
        }
        text.into_bytes()
    }

    fn answer(&self, input: &[u8]) -> Answer {
        let text = String::from_utf8_lossy(input);
        let mut lines = text.lines();
        let (alg, env, depth) = read_head(lines.next().unwrap_or_default());
        // Results go where the harness looks for them.
        let settings: Vec<&str> = lines.filter(|line| !line.contains("results_dir")).collect();
        self.settings.answer(alg, env, &settings, depth)
    }
}

/// Returns the first line of an input.
pub(super) fn head(alg: &str, env: &str, depth: Depth) -> String {
    let depth = match depth {
        Depth::Configuration => "",
        Depth::DryRun => " --dry-run",
        Depth::Train => " --train",
    };
    format!("{alg} {env}{depth}\n")
}

/// Reads the first line of an input.
pub(super) fn read_head(line: &str) -> (&str, &str, Depth) {
    let mut words = line.split_whitespace();
    let (alg, env) = (words.next().unwrap_or("vdn"), words.next().unwrap_or("two_step"));
    let depth = match words.next() {
        Some("--train") => Depth::Train,
        Some("--dry-run") => Depth::DryRun,
        _ => Depth::Configuration,
    };
    (alg, env, depth)
}
