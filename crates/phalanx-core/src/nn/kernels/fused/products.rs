//! The products that only backward passes need.

use pulp::Arch;

use super::super::matmul::Product;
use super::super::pack::{Packed, Right, lanes};

/// Inner elements that [`add_transposed_left`] takes at a time.
const INNER_BLOCK: usize = 256;
/// Wider matrices are packed, because rows far apart compete for the same lines of the cache.
const MAX_UNPACKED: usize = 512;

impl Packed {
    /// Packs the transpose of `matrix`, which is `[columns, inner]`.
    pub(super) fn transposed(matrix: &[f32], inner: usize, columns: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<true>(matrix, inner, columns);
        packed
    }
}

/// `c += a^T b` with `a` `[inner, rows]`, `b` `[inner, columns]` and `c` `[rows, columns]`.
///
/// `scratch` keeps its memory from call to call.
pub(super) fn add_transposed_left(
    a: &[f32],
    b: &[f32],
    inner: usize,
    scratch: &mut Packed,
    c: &mut [f32],
) {
    if inner == 0 {
        return;
    }
    let (rows, columns) = (a.len() / inner, b.len() / inner);
    assert_eq!(a.len(), rows * inner, "the left matrix is [inner, rows]");
    assert_eq!(b.len(), columns * inner, "the right matrix is [inner, columns]");
    assert_eq!(c.len(), rows * columns, "the result is [rows, columns]");
    if c.is_empty() {
        return;
    }
    let packed = !columns.is_multiple_of(lanes()) || columns > MAX_UNPACKED;
    for (a, b) in a.chunks(INNER_BLOCK * rows).zip(b.chunks(INNER_BLOCK * columns)) {
        let inner = b.len() / columns;
        let b = if packed {
            scratch.pack::<false>(b, inner, columns);
            scratch.right()
        } else {
            Right { inner, columns, data: b, packed }
        };
        Arch::new().dispatch(Product::<true> { a, rows, b, bias: None, c });
    }
}
