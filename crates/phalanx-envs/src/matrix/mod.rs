//! Matrix games: the smallest tasks that separate one factorisation of the joint value from
//! another.

mod one_step;
mod two_step;

pub use one_step::{MATRIX_GAMES, MatrixGame, Payoff};
pub use two_step::TwoStep;

use phalanx_core::env::StepMut;

/// Writes what both games show apart from observation and state: everything is allowed, and
/// nobody dies.
fn write_flags(out: &mut StepMut<'_>) {
    out.avail.fill(true);
    out.alive.fill(true);
}
