//! The products that only backward passes need.

use std::ops::Range;

use super::super::matmul::Product;
use super::super::pack::{Packed, Right, lanes};
use super::super::simd::dispatch;

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
    scratch: &mut Scratch,
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
    // Few columns fill no vectors; then the transpose of the result is computed, of which every element
    // is the same chain of multiply-adds.
    let whole = rows.len() == width && width.is_multiple_of(lanes()) && width <= MAX_UNPACKED;
    if columns <= lanes() && whole {
        let turned = &mut scratch.turned;
        turned.clear();
        turned.extend(
            (0..columns)
                .flat_map(|j| (0..width).map(move |i| (i, j)))
                .map(|(i, j)| c[i * columns + j]),
        );
        for (a, b) in a.chunks(INNER_BLOCK * width).zip(b.chunks(INNER_BLOCK * columns)) {
            let inner = b.len() / columns;
            let right = Right { inner, columns: width, data: a, packed: false };
            product(b, columns, columns, right, turned);
        }
        for (i, row) in c.chunks_exact_mut(columns).enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                *c = turned[j * width + i];
            }
        }
        return;
    }
    let packed = !columns.is_multiple_of(lanes()) || columns > MAX_UNPACKED;
    for (a, b) in a.chunks(INNER_BLOCK * width).zip(b.chunks(INNER_BLOCK * columns)) {
        let inner = b.len() / columns;
        let right = if packed {
            scratch.packed.pack::<false>(b, inner, columns);
            scratch.packed.right()
        } else {
            Right { inner, columns, data: b, packed }
        };
        product(&a[rows.start..], width, rows.len(), right, c);
    }
}

/// `c += a^T b` where the rows of `a` lie `stride` apart and `rows` of its columns count.
fn product(a: &[f32], stride: usize, rows: usize, b: Right<'_>, c: &mut [f32]) {
    dispatch(Product::<true> { a, stride, rows, b, bias: None, c });
}

/// Memory that [`add_transposed_left`] uses again and again.
#[derive(Default)]
pub(super) struct Scratch {
    packed: Packed,
    /// The transpose of the result.
    turned: Vec<f32>,
}
