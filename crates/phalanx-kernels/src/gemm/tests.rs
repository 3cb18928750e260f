//! The kernels compared with plain loops in double precision.

use pulp::{NullaryFnOnce, Scalar, Simd, WithSimd};

use crate::gemm::matmul::{Product, multiply};
use crate::gemm::pack::{Packed, Right};
use crate::simd::dispatch::Vectors;
use crate::test_random::Rng;

pub(crate) fn random(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.range(-1.0, 1.0)).collect()
}

/// Returns rows, inner dimension and columns of products: special cases, and random ones.
pub(crate) fn shapes(rng: &mut Rng) -> Vec<(usize, usize, usize)> {
    let special = [(1, 1, 1), (160, 64, 192), (8, 0, 5), (0, 3, 4), (300, 17, 33), (5, 700, 640)];
    let drawn = (0..60).map(|_| (1 + rng.below(40), 1 + rng.below(70), 1 + rng.below(100)));
    special.into_iter().chain(drawn).collect()
}

/// Returns `start + a b` and a bound on the rounding errors of `inner` steps.
pub(crate) fn exact(
    a: &[f32],
    b: &[f32],
    inner: usize,
    columns: usize,
    start: &[f32],
) -> Vec<(f64, f64)> {
    let rows = start.len() / columns;
    let mut result = Vec::new();
    for i in 0..rows {
        for j in 0..columns {
            let (mut sum, mut size) = (f64::from(start[i * columns + j]), 1.0);
            for k in 0..inner {
                let product = f64::from(a[i * inner + k]) * f64::from(b[k * columns + j]);
                sum += product;
                size += product.abs();
            }
            result.push((sum, size * (inner + 2) as f64 * f64::from(f32::EPSILON)));
        }
    }
    result
}

pub(crate) fn assert_close(ours: &[f32], exact: &[(f64, f64)]) {
    assert_eq!(ours.len(), exact.len());
    for (i, (&x, &(y, bound))) in ours.iter().zip(exact).enumerate() {
        assert!((f64::from(x) - y).abs() <= bound, "element {i}: {x} is not {y}");
    }
}

#[test]
fn products_agree_with_double_precision_in_every_shape() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(0);
        for (rows, inner, columns) in shapes(&mut rng) {
            let a = random(&mut rng, rows * inner);
            let b = random(&mut rng, inner * columns);
            let bias = random(&mut rng, columns);
            let present = random(&mut rng, rows * columns);

            let packed = Packed::new(&b, inner, columns, rows);
            let mut c = vec![f32::NAN; rows * columns];
            multiply(&a, &packed, Some(&bias), &mut c);
            assert_close(&c, &exact(&a, &b, inner, columns, &bias.repeat(rows)));

            let mut c = present.clone();
            multiply(&a, &packed, None, &mut c);
            assert_close(&c, &exact(&a, &b, inner, columns, &present));
        }
    }
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_the_other_rows() {
    for _ in Vectors::each() {
        let mut rng = Rng::stream(1);
        let (rows, inner, columns) = (203, 37, 45);
        let a = random(&mut rng, rows * inner);
        let b = Packed::new(&random(&mut rng, inner * columns), inner, columns, rows);
        let bias = random(&mut rng, columns);
        let mut all = vec![0.0; rows * columns];
        multiply(&a, &b, Some(&bias), &mut all);
        for (first, count) in [(0, 1), (202, 1), (3, 7), (100, 9), (50, 130)] {
            let mut some = vec![0.0; count * columns];
            multiply(&a[first * inner..][..count * inner], &b, Some(&bias), &mut some);
            assert_eq!(some, all[first * columns..][..count * columns]);
        }
    }
}

/// A product on a processor with smaller vectors.
struct On<S, P>(S, P);

impl<S: Simd, P: WithSimd<Output = ()>> NullaryFnOnce for On<S, P> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.1.with_simd(self.0);
    }
}

/// Returns `start + a b`, or `start + a^T b`, computed with the vectors of `S`.
fn product<S: Simd, const TRANSPOSED: bool>(
    simd: S,
    a: &[f32],
    b: &[f32],
    inner: usize,
    start: &[f32],
) -> Vec<f32> {
    let columns = b.len() / inner;
    let rows = start.len() / columns;
    // As wide as the vectors require, unpacked.
    let wide = columns.next_multiple_of(S::F32_LANES);
    let widened = |matrix: &[f32]| -> Vec<f32> {
        let rows = matrix.chunks_exact(columns);
        rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, wide - columns)))
            .collect()
    };
    let (b, mut c) = (widened(b), widened(start));
    let b = Right { inner, columns: wide, data: &b, packed: false };
    let stride = if TRANSPOSED { rows } else { inner };
    simd.vectorize(On(simd, Product::<TRANSPOSED> { a, stride, rows, b, bias: None, c: &mut c }));
    c.chunks_exact(wide).flat_map(|row| &row[..columns]).copied().collect()
}

#[test]
fn products_agree_on_every_kind_of_processor() {
    let mut rng = Rng::stream(2);
    for (rows, inner, columns) in shapes(&mut rng).into_iter().filter(|(_, inner, _)| *inner > 0) {
        let a = random(&mut rng, rows * inner);
        let b = random(&mut rng, inner * columns);
        let start = random(&mut rng, rows * columns);
        let bound = exact(&a, &b, inner, columns, &start);
        let turned: Vec<f32> = (0..inner)
            .flat_map(|k| (0..rows).map(|i| a[i * inner + k]).collect::<Vec<_>>())
            .collect();
        // One number at a time, as any processor can.
        let portable = product::<_, false>(Scalar, &a, &b, inner, &start);
        assert_close(&portable, &bound);
        assert_eq!(product::<_, true>(Scalar, &turned, &b, inner, &start), portable);
        #[cfg(target_arch = "x86_64")]
        {
            let mut fused = Vec::new();
            if let Some(simd) = pulp::x86::V3::try_new() {
                fused.push(product::<_, false>(simd, &a, &b, inner, &start));
                fused.push(product::<_, true>(simd, &turned, &b, inner, &start));
            }
            if let Some(simd) = pulp::x86::V4::try_new() {
                fused.push(product::<_, false>(simd, &a, &b, inner, &start));
                fused.push(product::<_, true>(simd, &turned, &b, inner, &start));
            }
            // AVX2 and AVX-512 fuse multiply-adds and give the same bits.
            for product in &fused {
                assert_close(product, &bound);
                assert_eq!(product, &fused[0]);
            }
        }
    }
}
