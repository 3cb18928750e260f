//! What a person sees while a run goes on.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use phalanx_train::{Observer, Progress, Report, TrainError};

/// A progress bar on a terminal, plain lines elsewhere.
pub(crate) struct Console {
    bar: Option<ProgressBar>,
    /// What the last evaluation brought.
    latest: String,
}

impl Console {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            let style = ProgressStyle::with_template(
                "{bar:30} {percent:>3}% {human_pos}/{human_len} steps | {per_sec} | {msg}left {eta}",
            );
            bar.set_style(style.expect("the template is a constant").progress_chars("=> "));
            bar
        });
        Self { bar, latest: String::new() }
    }
}

impl Observer for Console {
    fn progress(&mut self, progress: &Progress) {
        if let Some(bar) = &self.bar {
            bar.set_length(progress.t_max.max(progress.t_env));
            bar.set_position(progress.t_env);
            if progress.t_env >= progress.t_max {
                bar.finish_and_clear();
            }
        }
    }

    fn report(&mut self, report: &Report) -> Result<(), TrainError> {
        let Some(bar) = &self.bar else {
            eprintln!("{report}");
            return Ok(());
        };
        if let Some(evaluation) = &report.evaluation {
            let won = evaluation.battle_won_mean();
            self.latest = won.map_or_else(String::new, |won| format!("won {:.0}% ", 100.0 * won));
            self.latest += &format!("return {:.2} ", evaluation.return_mean());
        }
        bar.set_message(format!("{}| ", self.latest));
        bar.suspend(|| eprintln!("{report}"));
        Ok(())
    }

    fn warn(&mut self, message: &str) -> Result<(), TrainError> {
        let line = || eprintln!("warning: {message}");
        self.bar.as_ref().map_or_else(line, |bar| bar.suspend(line));
        Ok(())
    }
}
