//! The one way in which the program writes to standard output.

use std::io::{self, ErrorKind, Write};
use std::sync::OnceLock;

/// Why nothing more can be printed, once that is so.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line on standard output. After an error nothing more is printed; [`lost`] returns it at the end.
pub(crate) fn print(text: &str) {
    write(|out| writeln!(out, "{text}"));
}

/// Does the same for anything that writes.
pub(crate) fn write(text: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
    if LOST.get().is_some() {
        return;
    }
    if let Err(error) = text(&mut io::stdout().lock()) {
        let _ = LOST.set(error);
    }
}

/// Flushes standard output and returns why it could not be written, if so. A reader that has seen enough
/// (`phalanx list | head`) is no error.
pub(crate) fn lost() -> Option<&'static io::Error> {
    write(|out| out.flush());
    LOST.get().filter(|error| error.kind() != ErrorKind::BrokenPipe)
}
