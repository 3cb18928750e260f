//! The bias of attention logits for relative positions.

use crate::entities::{EntityIndices, PER_KNOT};

/// The number of heads that are computed at a time.
const HEADS: usize = 8;

/// A learned function of the relative position; see [`transformer`](crate::transformer).
#[derive(Clone, Copy)]
pub(crate) struct Relative<'a> {
    /// `[knot, 3, head]`.
    pub(crate) table: &'a [f32],
    pub(crate) heads: usize,
    /// The distance of the last knot.
    pub(crate) reach: f32,
}

/// The place of one entity as seen from another, between two knots.
#[derive(Clone, Copy)]
struct Place {
    /// The share of the knot after the distance.
    share: f32,
    direction: [f32; 2],
}

impl Place {
    /// Returns the functions of both knots that are not zero here: those of the knot before, then
    /// those of the knot after.
    #[inline(always)]
    fn functions(&self) -> [f32; 2 * PER_KNOT] {
        let [x, y] = self.direction;
        let (before, after) = (1.0 - self.share, self.share);
        [before, before * x, before * y, after, after * x, after * y]
    }
}

impl Relative<'_> {
    /// Calls `visit` for every pair of one of the first `queries` entities and any entity with the first entry of the table that belongs to
    /// it and the functions by which its entries are multiplied.
    #[inline(always)]
    fn each_pair(
        &self,
        entities: &EntityIndices,
        obs: &[f32],
        (list, queries): (&[u16], usize),
        mut visit: impl FnMut(usize, usize, usize, [f32; 2 * PER_KNOT]),
    ) {
        let knots = self.table.len() / (PER_KNOT * self.heads);
        let scale = (knots - 1) as f32 / self.reach.ln_1p();
        for i in 0..list.len() {
            let [x, y] = entities.position(obs, list[i] as usize);
            for (j, &other) in list.iter().enumerate().take(i + 1) {
                let [to_x, to_y] = entities.position(obs, other as usize);
                let (dx, dy) = (to_x - x, to_y - y);
                let distance = (dx * dx + dy * dy).sqrt();
                let at = (scale * (1.0 + distance).ln()).min((knots - 1) as f32);
                let knot = (at as usize).min(knots - 2);
                let share = at - knot as f32;
                let inverse = if distance > 0.0 { 1.0 / distance } else { 0.0 };
                let place = Place { share, direction: [dx * inverse, dy * inverse] };
                let first = knot * PER_KNOT * self.heads;
                if i < queries {
                    visit(i, j, first, place.functions());
                }
                if j < i && j < queries {
                    let direction = place.direction.map(|x| -x);
                    visit(j, i, first, Place { direction, ..place }.functions());
                }
            }
        }
    }

    /// Writes the biases of all pairs, `[head, entity, padded]`.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        entities: &EntityIndices,
        obs: &[f32],
        (list, queries): (&[u16], usize),
        padded: usize,
        biases: &mut [f32],
    ) {
        let size = list.len() * padded;
        self.each_pair(entities, obs, (list, queries), |i, j, first, functions| {
            let entries = &self.table[first..first + 2 * PER_KNOT * self.heads];
            for from in (0..self.heads).step_by(HEADS) {
                let n = HEADS.min(self.heads - from);
                let mut sums = [0.0; HEADS];
                for (f, line) in functions.iter().zip(entries.chunks_exact(self.heads)) {
                    let line = line[from..from + n].iter();
                    sums.iter_mut().zip(line).for_each(|(sum, entry)| *sum += entry * f);
                }
                for (head, sum) in (from..from + n).zip(sums) {
                    biases[head * size + i * padded + j] = sum;
                }
            }
        });
    }

    /// Adds the gradient of the table from those of the biases, `[head, entity, padded]`.
    #[inline(always)]
    #[cfg(feature = "flex")]
    pub(crate) fn add_gradient(
        &self,
        entities: &EntityIndices,
        obs: &[f32],
        (list, queries): (&[u16], usize),
        padded: usize,
        biases: &[f32],
        table: &mut [f32],
    ) {
        let size = list.len() * padded;
        self.each_pair(entities, obs, (list, queries), |i, j, first, functions| {
            let entries = &mut table[first..first + 2 * PER_KNOT * self.heads];
            for from in (0..self.heads).step_by(HEADS) {
                let n = HEADS.min(self.heads - from);
                let mut gradients = [0.0; HEADS];
                for (head, gradient) in (from..from + n).zip(&mut gradients) {
                    *gradient = biases[head * size + i * padded + j];
                }
                for (f, line) in functions.iter().zip(entries.chunks_exact_mut(self.heads)) {
                    let line = line[from..from + n].iter_mut();
                    line.zip(&gradients).for_each(|(entry, gradient)| *entry += f * gradient);
                }
            }
        });
    }
}
