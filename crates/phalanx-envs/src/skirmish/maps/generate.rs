//! The section `generate` of map files: teams drawn anew in every episode.

use serde::Deserialize;
use toml::Spanned;

use super::error::{MapError, Source};
use super::file::{MAX_TEAM, unit_named};
use crate::skirmish::engine::UNITS;
use crate::skirmish::smacv2::{Generate, Weighted};

/// The smallest total weight of types that are not exceptions, because teams are drawn again until they
/// contain one.
const LEAST_ORDINARY: f32 = 0.01;

/// A [`Generate`] as in a map file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenerateSection {
    allies: Spanned<usize>,
    enemies: Spanned<usize>,
    kinds: Spanned<Vec<Kind>>,
    #[serde(default)]
    exceptions: Vec<Spanned<String>>,
    surrounded: Spanned<f32>,
}

/// A unit type with its weight.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    unit: Spanned<String>,
    weight: Spanned<f32>,
}

impl GenerateSection {
    /// Returns the number of unit types.
    pub(super) fn n_kinds(&self) -> usize {
        self.kinds.get_ref().len()
    }
}

/// Resolves the names and checks the numbers; the one-hot unit type has `type_bits` columns.
pub(super) fn check(
    source: Source<'_>,
    section: &GenerateSection,
    type_bits: usize,
) -> Result<Generate, MapError> {
    for (key, count) in [("allies", &section.allies), ("enemies", &section.enemies)] {
        if !(1..=MAX_TEAM).contains(count.get_ref()) {
            let allowed = format!("a number of units from 1 to {MAX_TEAM}");
            return Err(source.wrong(key, count, &allowed));
        }
    }
    let mut kinds = Vec::new();
    for kind in section.kinds.get_ref() {
        if !(0.0..=1.0).contains(kind.weight.get_ref()) {
            return Err(source.wrong("weight", &kind.weight, "a number from 0 to 1"));
        }
        kinds.push(Weighted {
            unit: unit_named(source, &kind.unit)?,
            weight: *kind.weight.get_ref(),
        });
    }
    let mut exceptions = Vec::new();
    for name in &section.exceptions {
        exceptions.push(unit_named(source, name)?);
    }
    let total: f32 = kinds.iter().map(|kind| kind.weight).sum();
    let sums = 1.0 - 1e-6..1.0 + 1e-6;
    let ordinary = kinds.iter().filter(|kind| !exceptions.contains(&kind.unit));
    let ordinary: f32 = ordinary.map(|kind| kind.weight).sum();
    let refuse = |reason: &str| Err(source.error(section.kinds.span(), reason));
    if !sums.contains(&total) {
        return refuse(&format!("the weights of `kinds` sum to {total}: they must sum to 1"));
    }
    if ordinary < LEAST_ORDINARY {
        return refuse(&format!(
            "the `kinds` that are not `exceptions` have a total weight of {ordinary}: it must be at \
             least {LEAST_ORDINARY}"
        ));
    }
    if kinds.len() > UNITS.len() {
        return refuse(&format!("there are more than {} `kinds`", UNITS.len()));
    }
    if kinds.len() > type_bits {
        return refuse(&format!(
            "there are {} `kinds`, more than `unit_type_bits`, which is {type_bits}",
            kinds.len()
        ));
    }
    if !(0.0..=1.0).contains(section.surrounded.get_ref()) {
        return Err(source.wrong("surrounded", &section.surrounded, "a probability from 0 to 1"));
    }
    Ok(Generate {
        n_allies: *section.allies.get_ref(),
        n_enemies: *section.enemies.get_ref(),
        kinds,
        exceptions,
        surrounded: *section.surrounded.get_ref(),
    })
}
