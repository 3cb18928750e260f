//! Summaries of the tokens of packed entities, and their backward pass; see
//! [`Pooling`](crate::Pooling).

use super::packing::Rows;
use crate::entities::{Pool, Pooling};
use crate::simd::dispatch::dispatch;

/// Returns the place of entity 0, if it is present, and the places of those that the summaries run over.
#[inline(always)]
fn pooled(pooling: Pooling, rows: &Rows, row: usize) -> (Option<u16>, &[u16]) {
    let (entities, places) = rows.row(row);
    let own = (entities.first() == Some(&0)).then(|| places[0]);
    let others = if pooling.of_others && own.is_some() { &places[1..] } else { places };
    (own, others)
}

#[inline(always)]
fn token(tokens: &[f32], place: u16, width: usize) -> &[f32] {
    &tokens[usize::from(place) * width..][..width]
}

/// Computes `[row, part * width]` from tokens `[place, width]`.
pub(super) fn pool(
    pooling: Pooling,
    rows: &Rows,
    width: usize,
    tokens: &[f32],
    summaries: &mut [f32],
) {
    let parts = pooling.parts.len();
    dispatch(|| {
        for (row, out) in summaries.chunks_exact_mut(parts * width).enumerate() {
            let (own, places) = pooled(pooling, rows, row);
            for (part, out) in pooling.parts.iter().zip(out.chunks_exact_mut(width)) {
                let mut places = places.iter().map(|&place| token(tokens, place, width));
                match part {
                    Pool::Own => match own {
                        Some(own) => out.copy_from_slice(token(tokens, own, width)),
                        None => out.fill(0.0),
                    },
                    Pool::Max => match places.next() {
                        Some(first) => {
                            out.copy_from_slice(first);
                            for token in places {
                                let token = out.iter_mut().zip(token);
                                token.for_each(|(out, &x)| *out = if x > *out { x } else { *out });
                            }
                        }
                        None => out.fill(0.0),
                    },
                    Pool::Mean | Pool::Sum => {
                        let share = share(*part, places.len());
                        out.fill(0.0);
                        for token in places {
                            out.iter_mut().zip(token).for_each(|(out, x)| *out += x);
                        }
                        out.iter_mut().for_each(|out| *out *= share);
                    }
                }
            }
        }
    });
}

/// Returns what multiplies the sum over `n` entities.
#[inline(always)]
fn share(part: Pool, n: usize) -> f32 {
    if part == Pool::Mean { 1.0 / n.max(1) as f32 } else { 1.0 }
}

/// Adds the gradient of the tokens from that of the summaries. The gradient of a maximum goes to the first
/// token that attains it.
pub(super) fn backward(
    pooling: Pooling,
    rows: &Rows,
    width: usize,
    tokens: &[f32],
    summaries: &[f32],
    gradient: &[f32],
    found: &mut [f32],
) {
    let parts = pooling.parts.len();
    dispatch(|| {
        let all = summaries.chunks_exact(parts * width).zip(gradient.chunks_exact(parts * width));
        for (row, (summaries, gradient)) in all.enumerate() {
            let (own, places) = pooled(pooling, rows, row);
            let of_parts = summaries.chunks_exact(width).zip(gradient.chunks_exact(width));
            for (part, (summary, gradient)) in pooling.parts.iter().zip(of_parts) {
                let of = |place: u16| usize::from(place) * width..(usize::from(place) + 1) * width;
                match part {
                    Pool::Own => {
                        if let Some(own) = own {
                            let found = found[of(own)].iter_mut().zip(gradient);
                            found.for_each(|(sum, d)| *sum += d);
                        }
                    }
                    Pool::Max => largest(places, width, tokens, summary, gradient, found),
                    Pool::Mean | Pool::Sum => {
                        let share = share(*part, places.len());
                        for &place in places {
                            let found = found[of(place)].iter_mut().zip(gradient);
                            found.for_each(|(sum, d)| *sum += share * d);
                        }
                    }
                }
            }
        }
    });
}

/// The number of columns of a maximum that are computed at a time.
const PART: usize = 64;

/// Adds the gradient of a maximum to the first token that attains it.
#[inline(always)]
fn largest(
    places: &[u16],
    width: usize,
    tokens: &[f32],
    summary: &[f32],
    gradient: &[f32],
    found: &mut [f32],
) {
    for first in (0..width).step_by(PART) {
        let n = PART.min(width - first);
        // What is not given away yet.
        let mut left = [0.0; PART];
        let left = &mut left[..n];
        left.copy_from_slice(&gradient[first..first + n]);
        let most = &summary[first..first + n];
        for &place in places {
            let at = usize::from(place) * width + first;
            let token = tokens[at..at + n].iter().zip(&mut found[at..at + n]);
            for ((&x, sum), (&most, left)) in token.zip(most.iter().zip(left.iter_mut())) {
                let given = if x == most { *left } else { 0.0 };
                *sum += given;
                *left -= given;
            }
        }
    }
}
