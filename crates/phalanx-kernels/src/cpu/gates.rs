//! The gates of recurrent layers.

/// Splits a row into its first `N` parts of `hidden` numbers each.
#[inline(always)]
pub(crate) fn split<const N: usize>(row: &[f32], hidden: usize) -> [&[f32]; N] {
    std::array::from_fn(|part| &row[part * hidden..][..hidden])
}
