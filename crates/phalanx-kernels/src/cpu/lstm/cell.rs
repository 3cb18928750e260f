//! One step of a long short-term memory, on slices.

use pulp::{Simd, WithSimd};

use crate::cpu::gates::split;
use crate::simd::activation::{sigmoid, tanh};
use crate::simd::dispatch::{dispatch, load, store};

/// Advances the cells by one step, `[row, hidden]`, in place, and writes the hidden states, `[row,
/// hidden]`.
///
/// With `a = x W_ih + b_ih + h W_hh + b_hh` the `gates`, `[row, 4 * hidden]`, split into input,
/// forget, cell and output, and `c` the cell before the step (Hochreiter and Schmidhuber, 1997, in
/// PyTorch's variant):
///
/// `i = sigmoid(a_i)`, `f = sigmoid(a_f)`, `g = tanh(a_g)`, `o = sigmoid(a_o)`,
/// `c' = f c + i g`, `h' = o tanh(c')`
///
/// `saved` receives `i`, `f`, `g`, `o` and `c`, `[row, 5 * hidden]`.
pub fn update(
    hidden: usize,
    gates: &[f32],
    state: &mut [f32],
    cell: &mut [f32],
    saved: Option<&mut [f32]>,
) {
    match saved {
        Some(saved) => dispatch(Update::<true> { hidden, gates, state, cell, saved }),
        None => dispatch(Update::<false> { hidden, gates, state, cell, saved: &mut [] }),
    }
}

struct Update<'a, const SAVE: bool> {
    hidden: usize,
    gates: &'a [f32],
    state: &'a mut [f32],
    cell: &'a mut [f32],
    saved: &'a mut [f32],
}

impl<const SAVE: bool> WithSimd for Update<'_, SAVE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let hidden = self.hidden;
        let memories = self.state.chunks_exact_mut(hidden).zip(self.cell.chunks_exact_mut(hidden));
        let rows = self.gates.chunks_exact(4 * hidden).zip(memories).enumerate();
        for (row, (gates, (state, cell))) in rows {
            let [a_i, a_f, a_g, a_o] = split(gates, hidden);
            for at in (0..hidden).step_by(S::F32_LANES) {
                let i = sigmoid(simd, load(simd, &a_i[at..]));
                let f = sigmoid(simd, load(simd, &a_f[at..]));
                let g = tanh(simd, load(simd, &a_g[at..]));
                let o = sigmoid(simd, load(simd, &a_o[at..]));
                let before = load(simd, &cell[at..]);
                let c = advanced(simd, i, f, g, before);
                store(simd, &mut cell[at..], c);
                store(simd, &mut state[at..], simd.mul_f32s(o, tanh(simd, c)));
                if SAVE {
                    let saved = &mut self.saved[row * 5 * hidden..][..5 * hidden];
                    for (part, value) in [i, f, g, o, before].into_iter().enumerate() {
                        let part = &mut saved[part * hidden..][..hidden];
                        store(simd, &mut part[at..], value);
                    }
                }
            }
        }
    }
}

/// Returns the cell after a step, `f c + i g`.
#[inline(always)]
pub(crate) fn advanced<S: Simd>(
    simd: S,
    i: S::f32s,
    f: S::f32s,
    g: S::f32s,
    before: S::f32s,
) -> S::f32s {
    simd.mul_add_e_f32s(f, before, simd.mul_f32s(i, g))
}
