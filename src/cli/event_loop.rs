//! The event loop of a command, on the thread that asks for it.

use crate::diag::{Diagnostic, Kind};
use std::fs::File;
use std::io;
use tokio::runtime::{Builder, Runtime};

/// So many file descriptors an event loop takes for itself.
const DESCRIPTORS: usize = 8;

/// Sets one up.
///
/// # Errors
/// `System`: the system has not got what it takes.
pub(super) fn event_loop() -> Result<Runtime, Diagnostic> {
    let failed = |error: io::Error| {
        Diagnostic::error(Kind::System, "cannot set up the event loop").cause(error.to_string())
    };
    // Without enough of them, tokio panics in the middle.
    let spare: io::Result<Vec<File>> = (0..DESCRIPTORS).map(|_| File::open("/dev/null")).collect();
    drop(spare.map_err(failed)?);
    Builder::new_current_thread().enable_all().build().map_err(failed)
}
