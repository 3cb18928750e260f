//! Replaces [`amx`](super::amx) on platforms without a matrix unit: takes no product.

pub(crate) fn takes(_rows: usize, _inner: usize, _columns: usize) -> bool {
    false
}

#[cfg(feature = "flex")]
pub(crate) fn takes_transposed(_inner: usize, _width: usize, _columns: usize) -> bool {
    false
}

/// Never exists.
#[derive(Clone, Debug)]
pub(crate) enum Right {}

impl Default for Right {
    fn default() -> Self {
        unreachable!("`takes` returns false")
    }
}

impl Right {
    pub(crate) fn pack<const TRANSPOSED: bool>(&mut self, _: &[f32], _: usize, _: usize) {
        match *self {}
    }
}

pub(crate) fn multiply(_: &[f32], _: usize, b: &Right, _: Option<&[f32]>, _: &mut [f32]) {
    match *b {}
}

#[cfg(feature = "flex")]
pub(crate) fn add_transposed_left(
    _: (&[f32], usize),
    _: &[f32],
    _: usize,
    right: &mut Right,
    _: &mut [f32],
) {
    match *right {}
}
