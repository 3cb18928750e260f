//! The signals that stop a run.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::program::STOPPED;

/// Returns a flag that the first SIGINT, SIGTERM or SIGHUP raises; a second one ends the program. SIGHUP, with which a
/// terminal is closed, is left alone if the program was started with it ignored (`nohup`).
pub(crate) fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut signals = vec![SIGINT, SIGTERM];
    #[cfg(unix)]
    if !hangup::is_ignored() {
        signals.push(signal_hook::consts::SIGHUP);
    }
    for signal in signals {
        // In this order, the first signal finds the flag still down.
        flag::register_conditional_shutdown(signal, STOPPED.into(), stop.clone())?;
        flag::register(signal, stop.clone())?;
    }
    Ok(stop)
}

#[cfg(unix)]
mod hangup {
    use std::io::{IsTerminal, stderr};

    use signal_hook::consts::SIGHUP;

    /// Returns whether this process ignores SIGHUP. Where the system does not state it, a process without a terminal is
    /// taken for one that `nohup` has started.
    pub(super) fn is_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").ok();
        status.as_deref().and_then(ignored_by).unwrap_or_else(|| !stderr().is_terminal())
    }

    /// Returns whether the `status` of a process on Linux has the signal among those that are ignored.
    fn ignored_by(status: &str) -> Option<bool> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
        Some(mask >> (SIGHUP - 1) & 1 == 1)
    }

    #[cfg(test)]
    mod tests {
        use super::ignored_by;

        #[test]
        fn the_mask_of_ignored_signals_is_read() {
            let status = |mask: &str| format!("Name:\tx\nSigIgn:\t{mask}\nSigCgt:\t0\n");
            assert_eq!(ignored_by(&status("0000000000000001")), Some(true));
            assert_eq!(ignored_by(&status("0000000000001000")), Some(false));
            assert_eq!(ignored_by("Name:\tx\n"), None);
        }
    }
}
