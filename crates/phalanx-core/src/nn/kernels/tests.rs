//! The kernels against plain loops in double precision.

use super::matmul::multiply;
use super::pack::Packed;
use crate::rng::{Purpose, Rng};

pub(super) fn random(rng: &mut Rng, n: usize) -> Vec<f32> {
    (0..n).map(|_| rng.range(-1.0, 1.0)).collect()
}

/// Rows, inner dimension and columns: special cases, and some at random.
pub(super) fn shapes(rng: &mut Rng) -> Vec<(usize, usize, usize)> {
    let special = [(1, 1, 1), (160, 64, 192), (8, 0, 5), (0, 3, 4), (300, 17, 33), (5, 700, 640)];
    let drawn = (0..60).map(|_| (1 + rng.below(40), 1 + rng.below(70), 1 + rng.below(100)));
    special.into_iter().chain(drawn).collect()
}

/// `start + a b`, with the bound that rounding of `inner` steps allows.
pub(super) fn exact(
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

pub(super) fn assert_close(ours: &[f32], exact: &[(f64, f64)]) {
    assert_eq!(ours.len(), exact.len());
    for (i, (&x, &(y, bound))) in ours.iter().zip(exact).enumerate() {
        assert!((f64::from(x) - y).abs() <= bound, "element {i}: {x} is not {y}");
    }
}

#[test]
fn products_agree_with_double_precision_in_every_shape() {
    let mut rng = Rng::stream(0, Purpose::Check, 0);
    for (rows, inner, columns) in shapes(&mut rng) {
        let a = random(&mut rng, rows * inner);
        let b = random(&mut rng, inner * columns);
        let bias = random(&mut rng, columns);
        let present = random(&mut rng, rows * columns);

        let packed = Packed::new(&b, inner, columns);
        let mut c = vec![f32::NAN; rows * columns];
        multiply(&a, &packed, Some(&bias), &mut c);
        assert_close(&c, &exact(&a, &b, inner, columns, &bias.repeat(rows)));

        let mut c = present.clone();
        multiply(&a, &packed, None, &mut c);
        assert_close(&c, &exact(&a, &b, inner, columns, &present));
    }
}

#[test]
fn the_bits_of_a_row_do_not_depend_on_the_other_rows() {
    let mut rng = Rng::stream(0, Purpose::Check, 1);
    let (rows, inner, columns) = (203, 37, 45);
    let a = random(&mut rng, rows * inner);
    let b = Packed::new(&random(&mut rng, inner * columns), inner, columns);
    let bias = random(&mut rng, columns);
    let mut all = vec![0.0; rows * columns];
    multiply(&a, &b, Some(&bias), &mut all);
    for (first, count) in [(0, 1), (202, 1), (3, 7), (100, 9), (50, 130)] {
        let mut some = vec![0.0; count * columns];
        multiply(&a[first * inner..][..count * inner], &b, Some(&bias), &mut some);
        assert_eq!(some, all[first * columns..][..count * columns]);
    }
}
