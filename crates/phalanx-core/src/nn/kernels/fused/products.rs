//! The products that only backward passes need.

use std::ops::Range;

use pulp::Arch;

use super::super::matmul::Product;
use super::super::pack::{Packed, Right, lanes};

/// Inner elements that [`add_transposed_left`] takes at a time.
const INNER_BLOCK: usize = 128;
/// Wider matrices are packed, because rows far apart compete for the same lines of the cache.
const MAX_UNPACKED: usize = 256;

impl Packed {
    /// Packs the transpose of `matrix`, which is `[columns, inner]`.
    pub(super) fn transposed(matrix: &[f32], inner: usize, columns: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<true>(matrix, inner, columns);
        packed
    }
}

/// `c += a^T b` with `a` `[inner, width]`, `b` `[inner, columns]` and `c` the rows `rows` of the
/// result, `[width, columns]`.
///
/// `scratch` keeps its memory from call to call.
pub(super) fn add_transposed_left(
    a: &[f32],
    b: &[f32],
    inner: usize,
    rows: Range<usize>,
    scratch: &mut Packed,
    c: &mut [f32],
) {
    if inner == 0 || rows.is_empty() {
        return;
    }
    let (width, columns) = (a.len() / inner, b.len() / inner);
    assert_eq!(a.len(), width * inner, "the left matrix is [inner, width]");
    assert_eq!(b.len(), columns * inner, "the right matrix is [inner, columns]");
    assert_eq!(c.len(), rows.len() * columns, "the result is [rows, columns]");
    if c.is_empty() {
        return;
    }
    let packed = !columns.is_multiple_of(lanes()) || columns > MAX_UNPACKED;
    for (a, b) in a.chunks(INNER_BLOCK * width).zip(b.chunks(INNER_BLOCK * columns)) {
        let inner = b.len() / columns;
        let b = if packed {
            scratch.pack::<false>(b, inner, columns);
            scratch.right()
        } else {
            Right { inner, columns, data: b, packed }
        };
        let a = &a[rows.start..];
        Arch::new().dispatch(Product::<true> {
            a,
            stride: width,
            rows: rows.len(),
            b,
            bias: None,
            c,
        });
    }
}
