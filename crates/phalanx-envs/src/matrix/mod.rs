//! Matrix games: the smallest tasks on which value factorisations differ.
//!
//! - [`MATRIX_GAMES`] and [`MATRIX_FAMILIES`]: one-step games.
//! - [`TwoStep`], [`KStep`] and [`Mmdp`]: games of several steps.
//!
//! `docs/environments/matrix_games.md` explains which mixer can represent which table.

mod families;
mod k_step;
mod mmdp;
mod one_step;
mod two_step;

pub use families::{Family, MATRIX_FAMILIES};
pub use k_step::{KStep, KStepArgs};
pub use mmdp::{Mmdp, MmdpArgs};
pub use one_step::{MATRIX_GAMES, MatrixGame, Payoff};
pub use two_step::TwoStep;

use phalanx_core::env::StepBuffers;

use crate::registry::{EnvEntry, Factory};

/// Returns the environments of this folder.
pub fn entries() -> Vec<EnvEntry> {
    let fixed = |&payoff: &Payoff| {
        let id = format!("matrix/{}", payoff.name);
        EnvEntry::simple(id, payoff.summary, move || MatrixGame::new(payoff))
    };
    let family = |&family: &Family| {
        let id = format!("matrix/{}", family.name);
        EnvEntry::new(id, family.summary, family.arguments, move |args| {
            let game = family.game(args)?;
            Ok(Factory::new(move || game.clone()))
        })
    };
    let longer = [
        EnvEntry::simple("two_step", TwoStep::SUMMARY, TwoStep::new),
        EnvEntry::simple(
            "two_step_non_monotone",
            TwoStep::NON_MONOTONE_SUMMARY,
            TwoStep::non_monotone,
        ),
        EnvEntry::new("k_step", KStep::SUMMARY, KStepArgs::ARGUMENTS, |args| {
            let game = KStep::new(KStepArgs::from_table(args)?)?;
            Ok(Factory::new(move || game.clone()))
        }),
        EnvEntry::new("mmdp", Mmdp::SUMMARY, MmdpArgs::ARGUMENTS, |args| {
            let game = Mmdp::new(MmdpArgs::from_table(args)?)?;
            Ok(Factory::new(move || game.clone()))
        }),
    ];
    let of_one_step = MATRIX_GAMES.iter().map(fixed).chain(MATRIX_FAMILIES.iter().map(family));
    of_one_step.chain(longer).collect()
}

/// Makes all actions available and all agents alive.
fn write_flags(out: &mut StepBuffers<'_>) {
    out.avail.fill(true);
    out.alive.fill(true);
}
