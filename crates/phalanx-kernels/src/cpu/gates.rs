//! The gates of recurrent layers.

/// Returns the first `N` parts of a row, `hidden` numbers each.
#[inline(always)]
pub(crate) fn split<const N: usize>(row: &[f32], hidden: usize) -> [&[f32]; N] {
    std::array::from_fn(|part| &row[part * hidden..][..hidden])
}
