//! Battle maps of one's own: `env_args.map=FILE`.

use std::fs;

use phalanx::envs::registry::Environments;
use phalanx::toml::{Table, Value};

use super::play::play;
use crate::reliability::hostile::chance::Chance;
use crate::reliability::hostile::nasty;
use crate::reliability::hostile::target::{Answer, Target};

const FILE: &str = "map.toml";

/// The target `maps`: an input is the file.
pub struct Maps {
    environments: Environments,
}

impl Default for Maps {
    fn default() -> Self {
        Self { environments: Environments::builtin() }
    }
}

const KEYS: &[&str] = &[
    "name",
    "limit",
    "terrain",
    "ally_race",
    "enemy_race",
    "unit_type_bits",
    "enemy_order",
    "defaults",
    "unit",
    "count",
    "at",
    "type_bit",
    "allies",
    "enemies",
    "kinds",
    "weight",
    "exceptions",
    "surrounded",
];
const VALUES: &[&str] = &[
    "\"open\"",
    "\"strip\"",
    "\"marine\"",
    "\"medivac\"",
    "\"baneling\"",
    "\"colossus\"",
    "\"spine_crawler\"",
    "\"attack_allies\"",
    "\"none\"",
    "{ attack_move = [9.0, 16.0] }",
    "{ attack_move = [1e308, nan] }",
    "[7, 14]",
    "[-1e30, 5.0]",
    "[31.999, 31.999]",
    "[1e9, 1e9]",
    "512",
    "513",
    "50",
    "\"terran\"",
    "\"zerg\"",
    "\"protoss\"",
    "\"\"\"\n....\n....\n....\n....\n\"\"\"",
    "\"\"\"\n####\n####\n####\n####\n\"\"\"",
    "\"\"\"\n.#.#.\n#.#.#\n.#.#.\n#.#.#\n\"\"\"",
    "{ step_mul = 1000 }",
    "{ num_fov_actions = 100, conic_fov = true }",
    "{ episode_limit = 1000000 }",
    "[{ unit = \"marine\", weight = 0.0 }]",
    "[{ unit = \"marine\", weight = nan }]",
    "[{ unit = \"baneling\", weight = 1e308 }, { unit = \"medivac\", weight = 1e308 }]",
];

impl Target for Maps {
    fn name(&self) -> &'static str {
        "maps"
    }

    fn share(&self) -> u64 {
        150
    }

    fn generate(&self, chance: &mut Chance, corpus: &[Vec<u8>]) -> Vec<u8> {
        let file = chance.pick(corpus).clone();
        match chance.below(10) {
            0 => nasty::shapeless(chance),
            1..=3 => nasty::scramble(chance, file),
            _ => {
                let text = String::from_utf8_lossy(&file).into_owned();
                let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                for _ in 0..*chance.pick(&[1, 1, 2, 3]) {
                    change(chance, &mut lines);
                }
                lines.join("\n").into_bytes()
            }
        }
    }

    fn answer(&self, input: &[u8]) -> Answer {
        fs::write(FILE, input).expect("the folder of inputs can be written");
        let args = Table::from_iter([("map".to_owned(), Value::from(FILE))]);
        let made = self.environments.make("skirmish", &args);
        let answer = Answer::from(&made);
        if let Ok(mut env) = made {
            play(&mut *env, 4);
        }
        answer
    }
}

/// Changes, removes, adds or repeats one line.
fn change(chance: &mut Chance, lines: &mut Vec<String>) {
    let at = chance.below(lines.len() + 1);
    if at < lines.len() && chance.one_in(2) {
        lines[at] = nasty::renumber(chance, &lines[at]);
        return;
    }
    let value = match chance.one_in(2) {
        true => (*chance.pick(VALUES)).to_owned(),
        false => nasty::value(chance),
    };
    match lines.get(at).and_then(|line| line.split_once('=')) {
        Some((key, _)) if chance.below(8) > 1 => lines[at] = format!("{key}= {value}"),
        _ if at < lines.len() && chance.one_in(3) => drop(lines.remove(at)),
        // A row of a terrain becomes longer or shorter.
        _ if at < lines.len() && chance.one_in(2) => lines[at] = lines[at].repeat(chance.below(3)),
        _ if at < lines.len() && chance.one_in(2) => lines.insert(at, lines[at].clone()),
        _ => lines.insert(at, format!("{} = {value}", chance.pick(KEYS))),
    }
}
