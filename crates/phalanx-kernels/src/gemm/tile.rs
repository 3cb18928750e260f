//! The innermost loop of a matrix product.
//!
//! The compiler cannot prove that a tile is within its matrices, and a check for each row and inner
//! element would cost a third of the time. Bounds are therefore asserted once per tile, and
//! elements are read through pointers.
#![allow(unsafe_code)]
// With indices, the compiler keeps each sum in its own register; with iterators, it moves them to
// memory.
#![allow(clippy::needless_range_loop)]

use pulp::{NullaryFnOnce, Simd};

use crate::simd::dispatch::load;

/// A range of rows of a product by `V` vectors, `R` rows at a time.
pub(crate) struct Tiles<'a, S, const TRANSPOSED: bool, const R: usize, const V: usize> {
    pub(crate) simd: S,
    /// The left matrix from the first of the rows on: `[rows, inner]`, or `[inner, rows]` if it is
    /// transposed.
    pub(crate) a: &'a [f32],
    /// The distance between rows of `a` as stored.
    pub(crate) stride: usize,
    /// The number of rows, a multiple of `R`.
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    /// The right matrix from the first of the columns on.
    pub(crate) b: &'a [f32],
    /// The distance between rows of `b`.
    pub(crate) b_stride: usize,
    /// The initial value of every row, from the first of the columns on; `None` uses that of `c`.
    pub(crate) bias: Option<&'a [f32]>,
    /// The result from the first of the rows and columns on.
    pub(crate) c: &'a mut [f32],
    /// The distance between rows of `c`.
    pub(crate) columns: usize,
    /// The number of columns of the result among those of the `V` vectors.
    pub(crate) width: usize,
}

impl<S: Simd, const TRANSPOSED: bool, const R: usize, const V: usize>
    Tiles<'_, S, TRANSPOSED, R, V>
{
    /// Computes the rows. A function of its own, so that one loop alone gets the registers.
    #[inline(never)]
    pub(crate) fn run(self) {
        self.simd.vectorize(self);
    }
}

impl<S: Simd, const TRANSPOSED: bool, const R: usize, const V: usize> NullaryFnOnce
    for Tiles<'_, S, TRANSPOSED, R, V>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { simd, inner, b_stride, columns, width, .. } = self;
        let lanes = S::F32_LANES;
        // The distance from one row to the next, and from one inner element to the next.
        let (row_step, step) = if TRANSPOSED { (1, self.stride) } else { (self.stride, 1) };
        // The result may have only a part of the last vector.
        let whole = if width == V * lanes { V } else { V - 1 };
        let rest = whole * lanes..width;
        for row in (0..self.rows).step_by(R) {
            let (a, b, c) = (&self.a[row * row_step..], self.b, &mut self.c[row * columns..]);
            assert!((R - 1) * columns + width <= c.len(), "the tile is within the result");
            if inner > 0 {
                let last = (inner - 1) * step + (R - 1) * row_step;
                assert!(last < a.len(), "the tile is within the left matrix");
                let last = (inner - 1) * b_stride + V * lanes;
                assert!(last <= b.len(), "the tile is within the right matrix");
            }
            let mut sum = [[simd.splat_f32s(0.0); V]; R];
            for v in 0..V {
                if let Some(bias) = self.bias {
                    let bias = load(simd, &bias[v * lanes..width.min((v + 1) * lanes)]);
                    for r in 0..R {
                        sum[r][v] = bias;
                    }
                } else if v < whole {
                    for r in 0..R {
                        // SAFETY: row `r` of the tile has `whole` vectors within `c`, as asserted
                        // above.
                        sum[r][v] = unsafe { vector::<S>(c.as_ptr().add(r * columns + v * lanes)) };
                    }
                } else {
                    for r in 0..R {
                        sum[r][v] = simd.partial_load_f32s(&c[r * columns..][rest.clone()]);
                    }
                }
            }

            let (mut a, mut b) = (a.as_ptr(), b.as_ptr());
            macro_rules! next {
                () => {
                    // SAFETY: this runs `inner` times, from the first inner element on. Each time,
                    // `a` and `b` point to the tile's elements of the next inner element, and all
                    // offsets from there are at most those asserted above. After the last inner
                    // element the pointers are not read.
                    unsafe {
                        let mut vectors = [simd.splat_f32s(0.0); V];
                        for v in 0..V {
                            vectors[v] = vector::<S>(b.add(v * lanes));
                        }
                        for r in 0..R {
                            let factor = simd.splat_f32s(*a.add(r * row_step));
                            for v in 0..V {
                                sum[r][v] = simd.mul_add_e_f32s(factor, vectors[v], sum[r][v]);
                            }
                        }
                    }
                    a = a.wrapping_add(step);
                    b = b.wrapping_add(b_stride);
                };
            }
            for _ in 0..inner / 4 {
                next!();
                next!();
                next!();
                next!();
            }
            for _ in 0..inner % 4 {
                next!();
            }

            for r in 0..R {
                for v in 0..V {
                    if v < whole {
                        // SAFETY: as above.
                        unsafe {
                            let place = c.as_mut_ptr().add(r * columns + v * lanes);
                            place.cast::<S::f32s>().write_unaligned(sum[r][v]);
                        }
                    } else {
                        simd.partial_store_f32s(&mut c[r * columns..][rest.clone()], sum[r][v]);
                    }
                }
            }
        }
    }
}

/// Returns the vector that starts at `place`, aligned or not.
///
/// # Safety
///
/// The numbers of a whole vector must be readable at `place`.
#[inline(always)]
unsafe fn vector<S: Simd>(place: *const f32) -> S::f32s {
    // SAFETY: see above; a vector consists of plain numbers.
    unsafe { place.cast::<S::f32s>().read_unaligned() }
}
