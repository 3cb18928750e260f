//! What the library reports through `tracing`, on standard error.

use std::io;
use std::str::FromStr;

use phalanx_envs::arguments::closest_match;
use phalanx_train::note;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Reads the value of `--log-level`: a level, or `target=level`, or several of them with commas.
pub(crate) fn parse_filter(text: &str) -> Result<Targets, String> {
    let mut filter = Targets::new();
    for directive in text.split(',').map(str::trim) {
        let (target, level) = match directive.rsplit_once('=') {
            None => (None, directive),
            Some((target, level)) => (Some(target), level),
        };
        let known = LEVELS.contains(&level.to_lowercase().as_str());
        let level = LevelFilter::from_str(level).ok().filter(|_| known).ok_or_else(|| {
            let similar = closest_match(level, LEVELS.iter().copied()).unwrap_or("info");
            let known = LEVELS.join(", ");
            format!(
                "`{level}` is not a level (did you mean `{similar}`? known: {known}); a level for one \
                 target is written `phalanx::update=debug`"
            )
        })?;
        filter = match target {
            None => filter.with_default(level),
            Some(target) => filter.with_target(target, level),
        };
    }
    Ok(filter)
}

/// Starts logging with the filter of `--log-level` or, without one, of `RUST_LOG`. Without both, nothing is
/// logged.
pub(crate) fn start(option: Option<Targets>) {
    let variable = || {
        let text = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty())?;
        let filter = Targets::from_str(&text);
        if let Err(error) = &filter {
            note(format!("note: RUST_LOG is ignored: {error}"));
        }
        filter.ok()
    };
    let Some(filter) = option.or_else(variable) else { return };
    let layer = fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(io::stderr)
        // It would panic if standard error is lost.
        .log_internal_errors(false)
        .with_filter(filter);
    // A program with a subscriber of its own keeps it.
    let _ = registry().with(layer).try_init();
}

/// Returns whether anything is logged.
pub(crate) fn is_on() -> bool {
    LevelFilter::current() != LevelFilter::OFF
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_is_a_level_for_all_targets_or_for_some() {
        let filter = parse_filter("warn, phalanx::update=debug").expect("valid");
        assert!(filter.would_enable("phalanx::update", &Level::DEBUG));
        assert!(!filter.would_enable("phalanx::rollout", &Level::INFO));
        assert!(filter.would_enable("phalanx::rollout", &Level::WARN));
        let filter = parse_filter("OFF").expect("valid");
        assert!(!filter.would_enable("phalanx::rollout", &Level::ERROR));
        for wrong in ["degub", "phalanx=degub", "", "3", "phalanx::update"] {
            let error = parse_filter(wrong).expect_err("not a level");
            assert!(error.contains("known: off, error, warn, info, debug, trace"), "{error}");
        }
    }
}
