//! The one way in which lines reach standard error: a lost reader never ends a run.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// Whether a line could not be written since the process began.
static LOST: AtomicBool = AtomicBool::new(false);
/// The message about it, until it is taken.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

/// Writes a line to standard error. If its reader is gone or its device is full, nothing is written, and a run
/// notes it once in its log.
pub fn note(line: impl Display) {
    let written = writeln!(io::stderr().lock(), "{line}");
    if let Err(error) = written
        && !LOST.swap(true, Ordering::Relaxed)
    {
        let message =
            format!("standard error cannot be written any more ({error}); the run goes on");
        *MESSAGE.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    }
}

/// Returns the message about a lost standard error, once; `None` as long as every line was written.
pub fn take_loss() -> Option<String> {
    if !LOST.load(Ordering::Relaxed) {
        return None;
    }
    MESSAGE.lock().unwrap_or_else(PoisonError::into_inner).take()
}
