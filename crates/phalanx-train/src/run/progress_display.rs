//! The progress display of a run.

use std::fmt::Write;
use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::observer::{Observer, Progress, Report};
use crate::error::TrainError;
use phalanx_core::terminal::note;

/// Shows a run on standard error: a progress bar on a terminal, plain lines elsewhere.
pub struct ProgressDisplay {
    bar: Option<ProgressBar>,
    /// The result of the last evaluation.
    latest: String,
}

impl ProgressDisplay {
    /// Creates the display. It shows nothing before a run begins.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template =
                "{bar:30} {percent:>3}% {human_pos}/{human_len} steps | {rate} | {msg}{eta} left";
            let style = ProgressStyle::with_template(template)
                .expect("the template is a constant")
                .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
                    let _ = write!(out, "{:.0} steps/s", state.per_sec());
                })
                .progress_chars("=> ");
            ProgressBar::new(0).with_style(style)
        });
        Self { bar, latest: String::new() }
    }

    /// Creates a display that prints lines on a terminal too, for programs that print other lines.
    pub fn lines() -> Self {
        Self { bar: None, latest: String::new() }
    }
}

impl Default for ProgressDisplay {
    fn default() -> Self {
        Self::new()
    }
}

impl Observer for ProgressDisplay {
    fn progress(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            // Another run begins.
            if bar.is_finished() || progress.t_env < bar.position() {
                bar.reset();
                self.latest.clear();
                bar.set_message("");
            }
            bar.set_length(progress.t_max.max(progress.t_env));
            bar.set_position(progress.t_env);
            if progress.t_env >= progress.t_max {
                bar.finish_and_clear();
            }
        }
    }

    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        let Some(bar) = &self.bar else {
            note(report);
            return Ok(());
        };
        if let Some(evaluation) = &report.evaluation {
            let won = evaluation.battle_won_mean();
            self.latest = won.map_or_else(String::new, |won| format!("won {:.0}%, ", 100.0 * won));
            self.latest += &format!("return {:.2} | ", evaluation.return_mean());
        }
        bar.set_message(self.latest.clone());
        bar.suspend(|| note(report));
        Ok(())
    }

    fn info(&mut self, message: &str) -> Result<(), TrainError> {
        let line = || note(message);
        self.bar.as_ref().map_or_else(line, |bar| bar.suspend(line));
        Ok(())
    }

    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        let line = || note(format!("warning: {message}"));
        self.bar.as_ref().map_or_else(line, |bar| bar.suspend(line));
        Ok(())
    }
}
