//! One step of a gated recurrent unit, on slices.

use pulp::{Simd, WithSimd};

use crate::cpu::gates::split;
use crate::simd::activation::{sigmoid, tanh};
use crate::simd::dispatch::{dispatch, load, store};

/// Advances the states by one step, `[row, hidden]`, in place.
///
/// With `h` the state before the step, `i = x W_ih + b_ih` the input's part of the gates and `g = h
/// W_hh + b_hh` the state's part, both `[row, 3 * hidden]` and split into the gates reset, update
/// and new (Cho et al., 2014, arXiv 1406.1078, in PyTorch's variant):
///
/// `r = sigmoid(i_r + g_r)`, `z = sigmoid(i_z + g_z)`, `n = tanh(i_n + r g_n)`,
/// `h' = n + z (h - n)`
///
/// `saved` receives `r`, `z`, `n` and `g_n`, `[row, 4 * hidden]`.
pub fn update(
    hidden: usize,
    input: &[f32],
    recurrent: &[f32],
    state: &mut [f32],
    saved: Option<&mut [f32]>,
) {
    match saved {
        Some(saved) => {
            dispatch(Update::<true> { hidden, input, recurrent, state, saved });
        }
        None => {
            let saved = &mut [];
            dispatch(Update::<false> { hidden, input, recurrent, state, saved });
        }
    }
}

struct Update<'a, const SAVE: bool> {
    hidden: usize,
    input: &'a [f32],
    recurrent: &'a [f32],
    state: &'a mut [f32],
    saved: &'a mut [f32],
}

impl<const SAVE: bool> WithSimd for Update<'_, SAVE> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let hidden = self.hidden;
        let rows = self.input.chunks_exact(3 * hidden).zip(self.recurrent.chunks_exact(3 * hidden));
        for (row, ((input, recurrent), state)) in
            rows.zip(self.state.chunks_exact_mut(hidden)).enumerate()
        {
            let [i_r, i_z, i_n] = split(input, hidden);
            let [g_r, g_z, g_n] = split(recurrent, hidden);
            for at in (0..hidden).step_by(S::F32_LANES) {
                let r = sigmoid(simd, sum(simd, &i_r[at..], &g_r[at..]));
                let z = sigmoid(simd, sum(simd, &i_z[at..], &g_z[at..]));
                let g = load(simd, &g_n[at..]);
                let n = tanh(simd, simd.mul_add_e_f32s(r, g, load(simd, &i_n[at..])));
                let h = load(simd, &state[at..]);
                let h = simd.mul_add_e_f32s(z, simd.sub_f32s(h, n), n);
                store(simd, &mut state[at..], h);
                if SAVE {
                    let saved = &mut self.saved[row * 4 * hidden..][..4 * hidden];
                    for (part, value) in [r, z, n, g].into_iter().enumerate() {
                        let part = &mut saved[part * hidden..][..hidden];
                        store(simd, &mut part[at..], value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> S::f32s {
    simd.add_f32s(load(simd, a), load(simd, b))
}
