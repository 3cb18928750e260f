//! A row of the report.

use std::fmt;

use super::statistics::{half_interval, half_interval_of_mean};

/// A number with half its 95 % interval.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Half its interval; 0 if it is exact or unknown.
    pub half: f64,
}

impl Estimate {
    /// Returns a number whose interval is unknown.
    pub fn exact(value: f64) -> Self {
        Self { value, half: 0.0 }
    }

    /// Returns a share of `n`, in percent.
    pub fn share(share: f64, n: f64) -> Self {
        Self { value: 100.0 * share, half: 100.0 * half_interval(share, n) }
    }

    /// Returns the mean of `n` values.
    pub fn mean(mean: f64, sd: f64, n: f64) -> Self {
        Self { value: mean, half: half_interval_of_mean(sd, n) }
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.value.abs() < 10.0 { 2 } else { 1 };
        write!(f, "{:.digits$}", self.value)?;
        if self.half > 0.0 { write!(f, " ± {:.digits$}", self.half) } else { Ok(()) }
    }
}

/// Whether two numbers agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They differ by no more than the tolerance.
    Agrees,
    /// They differ by more, but by no more than tolerance and intervals together.
    Unsure,
    /// They differ.
    Differs,
}

/// A quantity on both sides.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is measured, where.
    pub what: String,
    /// In the original engine.
    pub engine: Estimate,
    /// In our football.
    pub ours: Estimate,
    /// The difference that is allowed, in the same unit.
    pub tolerance: f64,
}

impl Comparison {
    /// Returns whether the numbers agree.
    pub fn verdict(&self) -> Verdict {
        let difference = (self.engine.value - self.ours.value).abs();
        if difference <= self.tolerance {
            Verdict::Agrees
        } else if difference <= self.tolerance + self.engine.half.hypot(self.ours.half) {
            Verdict::Unsure
        } else {
            Verdict::Differs
        }
    }

    /// Returns the heading of the table.
    pub fn heading() -> &'static str {
        "| quantity | engine | ours | tolerance | |\n|---|---|---|---|---|"
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.verdict() {
            Verdict::Agrees => "",
            Verdict::Unsure => "(off)",
            Verdict::Differs => "**off**",
        };
        let Self { what, engine, ours, tolerance, .. } = self;
        write!(f, "| {what} | {engine} | {ours} | {tolerance:.2} | {mark} |")
    }
}
