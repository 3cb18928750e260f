//! Standardisation of inputs.

use serde::{Deserialize, Serialize};

/// Added to the variance, so that constant entries do not become infinite.
const EPS: f64 = 1e-5;
/// The bound to which standardised entries are clipped.
const LARGEST: f32 = 5.0;

/// The running mean and variance of each entry of an input, with equal weight for all inputs seen
/// so far:
///
/// ```text
/// x' = clamp((x - mean) / sqrt(variance + 0.00001), -5, 5)
/// ```
///
/// Starts with mean 0 and variance 1 at the weight of one input, as in rl_games
/// (`normalize_input`).
///
/// ```
/// let mut norm = phalanx_core::nn::InputNorm::new(2);
/// norm.update(&[1.0, 7.0, 3.0, 7.0, 5.0, 7.0]);
/// let mut row = [2.25, 1000.0];
/// norm.normalise(&mut row);
/// assert_eq!(row, [0.0, 5.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Moments")]
pub struct InputNorm {
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// The moments as they are saved. They are read in the order of [`InputNorm`].
#[derive(Deserialize)]
struct Moments {
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl TryFrom<Moments> for InputNorm {
    type Error = String;

    fn try_from(Moments { count, mean, variance }: Moments) -> Result<Self, String> {
        match mean.len() == variance.len() {
            true => Ok(Self { count, mean, variance }),
            false => Err(format!("{} means, but {} variances", mean.len(), variance.len())),
        }
    }
}

impl InputNorm {
    /// Creates moments for inputs of length `dim`.
    pub fn new(dim: usize) -> Self {
        Self { count: 1.0, mean: vec![0.0; dim], variance: vec![1.0; dim] }
    }

    /// Returns the length of an input.
    pub fn dim(&self) -> usize {
        self.mean.len()
    }

    /// Adds the inputs `[row, dim]` to the moments (the parallel update of Chan et al. 1979).
    pub fn update(&mut self, rows: &[f32]) {
        let dim = self.mean.len();
        let n = (rows.len() / dim) as f64;
        if n == 0.0 {
            return;
        }
        let (mut sums, mut squares) = (vec![0.0; dim], vec![0.0; dim]);
        for row in rows.chunks_exact(dim) {
            sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        for row in rows.chunks_exact(dim) {
            for ((square, sum), &x) in squares.iter_mut().zip(&sums).zip(row) {
                *square += (f64::from(x) - sum / n).powi(2);
            }
        }
        let total = self.count + n;
        let own = self.mean.iter_mut().zip(&mut self.variance);
        for ((mean, variance), (sum, square)) in own.zip(sums.iter().zip(squares)) {
            let distance = sum / n - *mean;
            let spread = distance * distance * self.count * n / total;
            *variance = (*variance * self.count + square + spread) / total;
            *mean += distance * n / total;
        }
        self.count = total;
    }

    /// Standardises the inputs `[row, dim]` in place.
    pub fn normalise(&self, rows: &mut [f32]) {
        let moments = self.mean.iter().zip(&self.variance);
        let scales: Vec<(f32, f32)> = moments
            .map(|(&mean, variance)| (mean as f32, (1.0 / (variance + EPS).sqrt()) as f32))
            .collect();
        for row in rows.chunks_exact_mut(scales.len()) {
            for (x, (mean, factor)) in row.iter_mut().zip(&scales) {
                *x = ((*x - mean) * factor).clamp(-LARGEST, LARGEST);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{pack, unpack};

    #[test]
    fn moments_read_back_as_written_and_need_as_many_variances_as_means() {
        let read = |moments: &(f64, Vec<f64>, Vec<f64>)| {
            let mut bytes = Vec::new();
            pack(moments, &mut bytes);
            unpack::<InputNorm>("moments", &bytes)
        };
        let mut norm = InputNorm::new(2);
        norm.update(&[1.0, 2.0, 3.0, 4.0]);
        let moments = (norm.count, norm.mean.clone(), norm.variance.clone());
        assert_eq!(read(&moments).expect("they were written like that"), norm);
        assert!(read(&(1.0, vec![0.0; 2], vec![])).is_err());
    }
}
