//! Configuration files: `phalanx train ALG ENV FILE --dry-run`.

use std::fs;

use super::assignments::{head, read_head};
use super::settings::Settings;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::{Answer, Target};

const FILE: &str = "config.toml";

/// The target `config`: an input is the file. Its first line may name algorithm and environment in a comment.
pub struct Config {
    settings: Settings,
}

impl Default for Config {
    fn default() -> Self {
        Self { settings: Settings::new() }
    }
}

impl Target for Config {
    fn name(&self) -> &'static str {
        "config"
    }

    fn share(&self) -> u64 {
        250
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        let (alg, env) = self.settings.names(chance);
        let mut text = format!("# {}", head(alg, env, Settings::depth(chance)));
        match chance.below(10) {
            0 => return [text.into_bytes(), nasty::shapeless(chance)].concat(),
            1 | 2 => {
                let input = chance.pick(corpus).clone();
                return nasty::scramble(chance, input);
            }
            _ => {}
        }
        let mut section = String::new();
        for _ in 0..*chance.pick(&[1, 1, 2, 3, 5]) {
            let key = self.settings.key(chance, alg, env);
            let value = self.settings.value(chance, &key);
            let line = format!("{key} = {value}\n");
            match chance.below(6) {
                0 => section += &format!("[env.\"{env}\"]\n{line}"),
                1 => section += &format!("[env.{value}]\n{line}"),
                2 => section += &format!("[{}]\n{line}", key.split('.').next().unwrap_or_default()),
                _ => text += &line,
            }
        }
        let text = (text + &section).into_bytes();
        if chance.one_in(8) { nasty::scramble(chance, text) } else { text }
    }

    fn answer(&self, input: &[u8]) -> Answer {
        fs::write(FILE, input).expect("the folder of inputs can be written");
        let line = input.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let (alg, env, depth) = read_head(line.trim_start_matches('#'));
        self.settings.answer(alg, env, &[FILE], depth)
    }
}
