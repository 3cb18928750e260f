//! Means, quantiles and confidence intervals.

/// Half the width of a 95 % interval, in standard errors.
const Z: f64 = 1.96;

/// Returns the mean; not a number without values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the standard deviation.
pub fn deviation(values: &[f64]) -> f64 {
    let center = mean(values);
    let squares = values.iter().map(|value| (value - center).powi(2));
    (squares.sum::<f64>() / values.len() as f64).sqrt()
}

/// Returns a quantile, by the rule of the recorder.
pub fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .get(((q * sorted.len() as f64) as usize).min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// Returns half the 95 % interval (Wilson's) of a share of `n`.
pub fn half_interval(share: f64, n: f64) -> f64 {
    Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt()
}

/// Returns half the 95 % interval of a mean.
pub fn half_interval_of_mean(sd: f64, n: f64) -> f64 {
    Z * sd / n.sqrt()
}

/// Returns the mean distance of two curves divided by the mean of the first, if the second may be earlier or later by
/// one entry.
pub fn curve_distance(golden: &[f64], ours: &[f64]) -> f64 {
    let scale = mean(&golden.iter().map(|value| value.abs()).collect::<Vec<_>>()).max(0.5);
    let shifted = |shift: i64| {
        let pairs = (0..golden.len() as i64).filter_map(|i| {
            let j = usize::try_from(i + shift).ok()?;
            Some((golden[i as usize] - ours.get(j)?).abs())
        });
        mean(&pairs.collect::<Vec<_>>())
    };
    [-1, 0, 1].map(shifted).into_iter().fold(f64::INFINITY, f64::min) / scale
}
