//! One-step games whose table takes an argument.

use serde::{Deserialize, Serialize};
use toml::Table;

use super::one_step::MatrixGame;
use crate::arguments::{Argument, ArgumentError, NUMBER, argument, read, wrong};

/// A family of payoff tables.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The game's name; its identifier is `matrix/<name>`.
    pub name: &'static str,
    /// A one-sentence summary of the difficulty, with its source.
    pub summary: &'static str,
    /// The argument that selects the table.
    pub arguments: &'static [Argument],
    table: fn(&Table) -> Result<Vec<Vec<f32>>, ArgumentError>,
}

impl Family {
    /// Returns the game for `args`; missing arguments have their defaults.
    ///
    /// # Errors
    ///
    /// Returns an error if an argument is unknown or has an invalid value.
    pub fn game(&self, args: &Table) -> Result<MatrixGame, ArgumentError> {
        Ok(MatrixGame::with_table(self.name, self.summary, (self.table)(args)?))
    }
}

/// The families of one-step games.
pub const MATRIX_FAMILIES: &[Family] = &[
    Family {
        name: "qtran_1",
        summary: "Like qtran, with z = 1 instead of 0, so that the best monotonic fit is wrong.",
        arguments: Z,
        table: qtran,
    },
    Family {
        name: "penalty",
        summary: "Two optima of 10; mixing them up costs the penalty k = -100 \
                  (Claus and Boutilier 1998).",
        arguments: K,
        table: penalty,
    },
    Family {
        name: "custom",
        summary: "A one-step game with any payoff table; that of qtran by default.",
        arguments: PAYOFF,
        table: custom,
    },
];

const Z: &[Argument] = &[argument("z", NUMBER)];
const K: &[Argument] = &[argument("k", NUMBER)];
const PAYOFF: &[Argument] = &[Argument {
    key: "payoff",
    allowed: "a list of 1 to 100 rows of the same length, each a list of 1 to 100 finite numbers",
}];

/// The argument of `matrix/qtran_1`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct QtranArgs {
    z: f32,
}

impl Default for QtranArgs {
    fn default() -> Self {
        Self { z: 1.0 }
    }
}

/// The argument of `matrix/penalty`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PenaltyArgs {
    k: f32,
}

impl Default for PenaltyArgs {
    fn default() -> Self {
        Self { k: -100.0 }
    }
}

/// The argument of `matrix/custom`.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CustomArgs {
    payoff: Vec<Vec<f32>>,
}

impl Default for CustomArgs {
    fn default() -> Self {
        Self { payoff: qtran_table(0.0) }
    }
}

fn qtran_table(z: f32) -> Vec<Vec<f32>> {
    vec![vec![8.0, -12.0, -12.0], vec![-12.0, z, z], vec![-12.0, z, z]]
}

fn qtran(args: &Table) -> Result<Vec<Vec<f32>>, ArgumentError> {
    let QtranArgs { z } = read(args, Z)?;
    finite(&Z[0], z)?;
    Ok(qtran_table(z))
}

fn penalty(args: &Table) -> Result<Vec<Vec<f32>>, ArgumentError> {
    let PenaltyArgs { k } = read(args, K)?;
    finite(&K[0], k)?;
    Ok(vec![vec![k, 0.0, 10.0], vec![0.0, 2.0, 0.0], vec![10.0, 0.0, k]])
}

fn custom(args: &Table) -> Result<Vec<Vec<f32>>, ArgumentError> {
    let CustomArgs { payoff } = read(args, PAYOFF)?;
    let size = 1..=100;
    let columns = payoff.first().map_or(0, Vec::len);
    let good = size.contains(&payoff.len())
        && size.contains(&columns)
        && payoff.iter().all(|row| row.len() == columns)
        && payoff.iter().flatten().all(|cell| cell.is_finite());
    if good { Ok(payoff) } else { Err(wrong(&PAYOFF[0], format!("{payoff:?}"))) }
}

fn finite(argument: &Argument, number: f32) -> Result<(), ArgumentError> {
    if number.is_finite() { Ok(()) } else { Err(wrong(argument, number)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::promises;

    #[test]
    fn every_field_is_a_documented_argument() {
        promises::every_field_is_documented::<QtranArgs>(Z);
        promises::every_field_is_documented::<PenaltyArgs>(K);
        promises::every_field_is_documented::<CustomArgs>(PAYOFF);
    }

    #[test]
    fn tables_without_cells_or_with_holes_are_refused_by_name() {
        let texts = "
            payoff = []
            payoff = [[]]
            payoff = [[1, 2], [3]]
            payoff = [[1, nan]]
            payoff = [1, 2]
            payoff = 3
        ";
        promises::values_are_refused_by_name(custom, texts);
        promises::values_are_refused_by_name(qtran, "z = inf\nz = \"one\"");
        promises::values_are_refused_by_name(penalty, "k = nan");
    }
}
