//! Arrays over units, in groups of lanes.
//!
//! Every quantity of a battle is an array over its units, allies first, of a fixed length that is a
//! multiple of [`LANES`]. Loops therefore run over whole groups of lanes, which the compiler turns into
//! vector instructions. Units after the last one are dead and out of reach.

/// The largest number of units, a multiple of [`LANES`]. The largest scenario has 57.
pub(crate) const CAPACITY: usize = 64;
/// The number of units in one group of lanes.
pub(crate) const LANES: usize = 8;
/// One number per unit.
pub(crate) type Numbers = [f32; CAPACITY];

/// Returns the first `n` groups of lanes.
#[inline]
pub(crate) fn groups(numbers: &Numbers, n: usize) -> &[[f32; LANES]] {
    &numbers.as_chunks().0[..n]
}

/// Returns the first `n` groups of lanes.
#[inline]
pub(crate) fn groups_mut(numbers: &mut Numbers, n: usize) -> &mut [[f32; LANES]] {
    &mut numbers.as_chunks_mut().0[..n]
}
