//! The products that only backward passes need.

use std::ops::Range;

use crate::flops::count;
use crate::gemm::amx;
use crate::gemm::matmul::Product;
use crate::gemm::pack::{Packed, Right, lanes};
use crate::simd::dispatch::dispatch;

/// Inner elements that [`add_transposed_left`] takes at a time.
const INNER_BLOCK: usize = 128;
/// The same on the matrix unit, where blocks round differently: callers that share out the same lines among
/// threads in other blocks begin each at a multiple of this.
pub(crate) const LINES_AT_ONCE: usize = 256;
/// Wider matrices are packed, because rows far apart compete for the same lines of the cache.
const MAX_UNPACKED: usize = 256;

impl Packed {
    /// Packs the transpose of `matrix`, which is `[columns, inner]`, for products with about `rows` rows.
    pub(crate) fn transposed(matrix: &[f32], inner: usize, columns: usize, rows: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<true>(matrix, inner, columns, rows);
        packed
    }
}

/// `c += a^T b` with `a` `[inner, width]`, `b` `[inner, columns]` and `c` the rows `rows` of the
/// result, `[width, columns]`.
///
/// `scratch` keeps its memory from call to call.
pub(crate) fn add_transposed_left(
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
    let width = a.len() / inner;
    assert_eq!(a.len(), width * inner, "the left matrix is [inner, width]");
    let lines = Lines { matrix: &a[rows.start..], stride: width, width: rows.len(), of: width };
    add_transposed_lines(lines, b, inner, scratch, c);
}

/// The rows of a matrix, each of which begins `stride` after the one before it; they may overlap.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) matrix: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    /// The width of all of the matrix, of which threads may have a part each.
    pub(crate) of: usize,
}

/// The same for `inner` rows that may lie apart or overlap.
pub(crate) fn add_transposed_lines(
    a: Lines<'_>,
    b: &[f32],
    inner: usize,
    scratch: &mut Scratch,
    c: &mut [f32],
) {
    if inner == 0 || c.is_empty() {
        return;
    }
    let Lines { matrix, stride, width, of } = a;
    let columns = b.len() / inner;
    assert_eq!(b.len(), columns * inner, "the right matrix is [inner, columns]");
    assert_eq!(c.len(), width * columns, "the result is [rows, columns]");
    count(c.len() * inner);
    if amx::takes_transposed(inner.min(LINES_AT_ONCE), of, columns) {
        let blocks = b.chunks(LINES_AT_ONCE * columns).enumerate();
        for (matrix, b) in blocks.map(|(at, b)| (&matrix[at * LINES_AT_ONCE * stride..], b)) {
            let inner = b.len() / columns;
            if amx::takes_transposed(inner, of, columns) {
                let right = scratch.tiles.get_or_insert_default();
                amx::add_transposed_left((matrix, stride), b, inner, right, c);
            } else {
                add_by_vectors(Lines { matrix, ..a }, b, inner, scratch, c);
            }
        }
        return;
    }
    add_by_vectors(a, b, inner, scratch, c);
}

/// The same without the matrix unit: every element is one chain of multiply-adds, whatever blocks the lines
/// come in.
fn add_by_vectors(a: Lines<'_>, b: &[f32], inner: usize, scratch: &mut Scratch, c: &mut [f32]) {
    let Lines { matrix, stride, width, .. } = a;
    let columns = b.len() / inner;
    // Few columns fill no vectors; then the transpose of the result is computed, of which every element
    // is the same chain of multiply-adds.
    let whole = stride == width && width.is_multiple_of(lanes()) && width <= MAX_UNPACKED;
    if columns <= lanes() && whole {
        let turned = &mut scratch.turned;
        turned.clear();
        turned.extend(
            (0..columns)
                .flat_map(|j| (0..width).map(move |i| (i, j)))
                .map(|(i, j)| c[i * columns + j]),
        );
        let blocks = matrix[..inner * width].chunks(INNER_BLOCK * width);
        for (a, b) in blocks.zip(b.chunks(INNER_BLOCK * columns)) {
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
    for (block, b) in b.chunks(INNER_BLOCK * columns).enumerate() {
        let inner = b.len() / columns;
        let right = if packed {
            scratch.packed.pack_panels::<false>(b, inner, columns);
            scratch.packed.right()
        } else {
            Right { inner, columns, data: b, packed }
        };
        product(&matrix[block * INNER_BLOCK * stride..], stride, width, right, c);
    }
}

/// `c += a^T b` where the rows of `a` lie `stride` apart and `rows` of its columns count.
fn product(a: &[f32], stride: usize, rows: usize, b: Right<'_>, c: &mut [f32]) {
    dispatch(Product::<true> { a, stride, rows, b, bias: None, c });
}

/// Memory that [`add_transposed_left`] uses again and again.
#[derive(Default)]
pub(crate) struct Scratch {
    packed: Packed,
    tiles: Option<amx::Right>,
    /// The transpose of the result.
    turned: Vec<f32>,
}
