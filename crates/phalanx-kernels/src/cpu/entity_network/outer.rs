//! Sums of outer products of the features and the tokens of packed entities, and their backward pass; see
//! [`outer_sum`](crate::cpu::outer_sum).

use pulp::{Simd, WithSimd};

use super::packing::Packing;
use crate::entities::EntityIndices;
use crate::simd::dispatch::{dispatch, load, store};

/// Computes `[row, outer_sum_dim]` from tokens `[place, width]`.
pub(super) fn sum(
    packing: &Packing,
    entities: &EntityIndices,
    width: usize,
    tokens: &[f32],
    sums: &mut [f32],
) {
    dispatch(Sum { packing, entities, width, tokens, sums });
}

/// Computes the gradient of the tokens, `[place, width]`, from that of the sums.
pub(super) fn backward(
    packing: &Packing,
    entities: &EntityIndices,
    width: usize,
    gradient: &[f32],
    tokens: &mut [f32],
) {
    dispatch(Backward { packing, entities, width, gradient, tokens });
}

struct Sum<'a> {
    packing: &'a Packing,
    entities: &'a EntityIndices,
    width: usize,
    tokens: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { packing, entities, width, tokens, sums } = self;
        let dim = (width + 1) * entities.features();
        for (row, sums) in sums.chunks_exact_mut(dim).enumerate() {
            let mut rest = sums;
            for (kind, group) in entities.groups.iter().enumerate() {
                let n = group.features;
                let (products, later) = rest.split_at_mut(n * width);
                let (totals, later) = later.split_at_mut(n);
                rest = later;
                let (places, features) = packing.of_type(row, kind, n);
                totals.fill(0.0);
                for features in features.chunks_exact(n) {
                    totals.iter_mut().zip(features).for_each(|(total, x)| *total += x);
                }
                let of = Type { n, width, features };
                let tokens = &tokens[places.start * width..places.end * width];
                let mut f = 0;
                while f < n {
                    f += match n - f {
                        8.. => of.products::<S, 8>(simd, f, tokens, products),
                        4.. => of.products::<S, 4>(simd, f, tokens, products),
                        2.. => of.products::<S, 2>(simd, f, tokens, products),
                        _ => of.products::<S, 1>(simd, f, tokens, products),
                    };
                }
            }
        }
    }
}

/// The entities of one type in a row.
#[derive(Clone, Copy)]
struct Type<'a> {
    /// The number of features.
    n: usize,
    width: usize,
    /// `[entity, feature]`.
    features: &'a [f32],
}

impl Type<'_> {
    /// Computes the products of `R` features from the one at `f` on. Returns `R`.
    #[inline(always)]
    fn products<S: Simd, const R: usize>(
        self,
        simd: S,
        f: usize,
        tokens: &[f32],
        products: &mut [f32],
    ) -> usize {
        let Self { n, width, features } = self;
        for at in (0..width).step_by(S::F32_LANES) {
            let mut sums = [simd.splat_f32s(0.0); R];
            for (x, token) in features.chunks_exact(n).zip(tokens.chunks_exact(width)) {
                let (x, token) = (&x[f..f + R], load(simd, &token[at..]));
                for (sum, &x) in sums.iter_mut().zip(x) {
                    *sum = simd.mul_add_e_f32s(simd.splat_f32s(x), token, *sum);
                }
            }
            for (line, sum) in products[f * width..].chunks_exact_mut(width).zip(sums) {
                store(simd, &mut line[at..], sum);
            }
        }
        R
    }

    /// Computes the gradients of `R` tokens from the `j`th on. Returns `R`.
    #[inline(always)]
    fn gradients<S: Simd, const R: usize>(
        self,
        simd: S,
        j: usize,
        products: &[f32],
        tokens: &mut [f32],
    ) -> usize {
        let Self { n, width, features } = self;
        let features: [&[f32]; R] = std::array::from_fn(|k| &features[(j + k) * n..][..n]);
        for at in (0..width).step_by(S::F32_LANES) {
            let mut sums = [simd.splat_f32s(0.0); R];
            for (f, line) in products.chunks_exact(width).enumerate() {
                let line = load(simd, &line[at..]);
                for (sum, features) in sums.iter_mut().zip(&features) {
                    *sum = simd.mul_add_e_f32s(simd.splat_f32s(features[f]), line, *sum);
                }
            }
            for (token, sum) in tokens[j * width..].chunks_exact_mut(width).zip(sums) {
                store(simd, &mut token[at..], sum);
            }
        }
        R
    }
}

struct Backward<'a> {
    packing: &'a Packing,
    entities: &'a EntityIndices,
    width: usize,
    gradient: &'a [f32],
    tokens: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { packing, entities, width, gradient, tokens } = self;
        let dim = (width + 1) * entities.features();
        for (row, gradient) in gradient.chunks_exact(dim).enumerate() {
            let mut rest = gradient;
            for (kind, group) in entities.groups.iter().enumerate() {
                let n = group.features;
                let products = &rest[..n * width];
                rest = &rest[n * width + n..];
                let (places, features) = packing.of_type(row, kind, n);
                let of = Type { n, width, features };
                let tokens = &mut tokens[places.start * width..places.end * width];
                let mut j = 0;
                while j < places.len() {
                    j += match places.len() - j {
                        8.. => of.gradients::<S, 8>(simd, j, products, tokens),
                        4.. => of.gradients::<S, 4>(simd, j, products, tokens),
                        2.. => of.gradients::<S, 2>(simd, j, products, tokens),
                        _ => of.gradients::<S, 1>(simd, j, products, tokens),
                    };
                }
            }
        }
    }
}
