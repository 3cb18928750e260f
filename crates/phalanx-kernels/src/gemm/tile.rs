//! The innermost loop of a product.
//!
//! The compiler cannot prove that a tile lies within its matrices, and one check for each row and inner
//! element costs a third of the time. Here the bounds are asserted once per tile instead, and the
//! elements read through pointers.
#![allow(unsafe_code)]
// Indices tell the compiler to keep each sum in a register of its own; iterators move them to memory.
#![allow(clippy::needless_range_loop)]

use pulp::{NullaryFnOnce, Simd};

use crate::simd::dispatch::load;

/// A range of rows of a product by `V` vectors, `R` rows at a time.
pub(crate) struct Tiles<'a, S, const TRANSPOSED: bool, const R: usize, const V: usize> {
    pub(crate) simd: S,
    /// The left matrix from the first of the rows: `[rows, inner]`, or `[inner, rows]` where it is
    /// transposed.
    pub(crate) a: &'a [f32],
    /// How far the rows of `a`, as it is stored, lie apart.
    pub(crate) stride: usize,
    /// The number of rows, a multiple of `R`.
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    /// The right matrix from the first of the columns.
    pub(crate) b: &'a [f32],
    /// How far the rows of `b` lie apart.
    pub(crate) b_stride: usize,
    /// The initial value of every row, from the first of the columns; without it, that of `c`.
    pub(crate) bias: Option<&'a [f32]>,
    /// The result from the first of the rows and columns.
    pub(crate) c: &'a mut [f32],
    /// How far the rows of `c` lie apart.
    pub(crate) columns: usize,
    /// How many of the `V` vectors' columns the result has.
    pub(crate) width: usize,
}

impl<S: Simd, const TRANSPOSED: bool, const R: usize, const V: usize>
    Tiles<'_, S, TRANSPOSED, R, V>
{
    /// Computes them. It is a function of its own, so that the registers are given out to one loop alone.
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
        // From one row to the next, and from one inner element to the next.
        let (row_step, step) = if TRANSPOSED { (1, self.stride) } else { (self.stride, 1) };
        // Of the last vector, the result may have a part only.
        let whole = if width == V * lanes { V } else { V - 1 };
        let rest = whole * lanes..width;
        for row in (0..self.rows).step_by(R) {
            let (a, b, c) = (&self.a[row * row_step..], self.b, &mut self.c[row * columns..]);
            assert!((R - 1) * columns + width <= c.len(), "the tile lies within the result");
            if inner > 0 {
                let last = (inner - 1) * step + (R - 1) * row_step;
                assert!(last < a.len(), "the tile lies within the left matrix");
                let last = (inner - 1) * b_stride + V * lanes;
                assert!(last <= b.len(), "the tile lies within the right matrix");
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
                        // SAFETY: row `r` of the tile has `whole` vectors within `c`, see above.
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
                    // SAFETY: this runs `inner` times, from the first inner element on. Then `a` and
                    // `b` point to the tile's elements of the next inner element, and all offsets from
                    // there are at most those asserted above. Behind the last inner element the
                    // pointers are not read.
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

/// The vector that begins at `place`, aligned or not.
///
/// # Safety
///
/// As many numbers as a vector has can be read there.
#[inline(always)]
unsafe fn vector<S: Simd>(place: *const f32) -> S::f32s {
    // SAFETY: see above; a vector is numbers and nothing else.
    unsafe { place.cast::<S::f32s>().read_unaligned() }
}
