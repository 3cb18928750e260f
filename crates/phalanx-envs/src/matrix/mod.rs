//! Matrix games: the smallest tasks that separate one factorisation of the joint value from
//! another.
//!
//! - [`MATRIX_GAMES`] and [`MATRIX_FAMILIES`]: games of one joint action.
//! - [`TwoStep`], [`KStep`] and [`Mmdp`]: games of several.
//!
//! `docs/rules/matrix_games.md` says which mixer can represent which table.

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

/// Writes what these games show apart from observation and state: everything is allowed, and
/// nobody dies.
fn write_flags(out: &mut StepBuffers<'_>) {
    out.avail.fill(true);
    out.alive.fill(true);
}
