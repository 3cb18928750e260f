//! Loads and stores of vectors that may be cut short by the end of a slice.

use pulp::Simd;

/// The first elements of `from` as a vector; zeros where the slice ends early.
#[inline(always)]
pub(super) fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from).0.first() {
        Some(&full) => full,
        None => simd.partial_load_f32s(from),
    }
}

/// Stores as much of a vector as `into` has room for.
#[inline(always)]
pub(super) fn store<S: Simd>(simd: S, into: &mut [f32], values: S::f32s) {
    match S::as_mut_simd_f32s(into).0.first_mut() {
        Some(full) => *full = values,
        None => simd.partial_store_f32s(into, values),
    }
}
