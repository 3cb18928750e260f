//! Matrix products that only backward passes need.

use std::ops::Range;

use crate::flops::count;
use crate::gemm::amx;
use crate::gemm::matmul::Product;
use crate::gemm::pack::{Packed, Right, lanes};
use crate::simd::dispatch::dispatch;

/// The number of inner elements that [`add_transposed_left`] processes at a time.
const INNER_BLOCK: usize = 128;
/// The same on the matrix unit, whose rounding depends on the blocks. Callers that divide the same
/// lines differently over threads must therefore start each block at a multiple of it.
pub(crate) const LINES_AT_ONCE: usize = 256;
/// Wider matrices are packed, because rows far apart compete for the same cache lines.
const MAX_UNPACKED: usize = 256;

impl Packed {
    /// Packs the transpose of `matrix`, which is `[columns, inner]`, for products with about `rows` rows.
    pub(crate) fn transposed(matrix: &[f32], inner: usize, columns: usize, rows: usize) -> Self {
        let mut packed = Self::default();
        packed.pack::<true>(matrix, inner, columns, rows);
        packed
    }
}

/// Computes `c += a^T b`, with `a` `[inner, width]`, `b` `[inner, columns]` and `c` the rows `rows`
/// of the result, `[width, columns]`. `scratch` is reused memory.
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

/// The rows of a matrix, `stride` apart; they may overlap.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a> {
    pub(crate) matrix: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    /// The width of the whole matrix, of which each thread may have a part.
    pub(crate) of: usize,
}

/// Computes the same for `inner` rows that may be apart or overlap.
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

/// Computes the same without the matrix unit. Every element is one chain of multiply-adds,
/// regardless of blocks.
fn add_by_vectors(a: Lines<'_>, b: &[f32], inner: usize, scratch: &mut Scratch, c: &mut [f32]) {
    let Lines { matrix, stride, width, .. } = a;
    let columns = b.len() / inner;
    // Few columns do not fill a vector. In this case the transpose of the result is computed; its
    // elements are the same chains of multiply-adds.
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

/// Computes `c += a^T b` for the first `rows` columns of `a`, whose rows are `stride` apart.
fn product(a: &[f32], stride: usize, rows: usize, b: Right<'_>, c: &mut [f32]) {
    dispatch(Product::<true> { a, stride, rows, b, bias: None, c });
}

/// Reused memory of [`add_transposed_left`].
#[derive(Default)]
pub(crate) struct Scratch {
    packed: Packed,
    tiles: Option<amx::Right>,
    /// The transpose of the result.
    turned: Vec<f32>,
}
