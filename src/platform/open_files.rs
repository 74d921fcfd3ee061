//! How many files may be open: a session needs some for each service, so the controller takes as many as the system
//! allows; and what it starts gets as many as were given to the controller. Soft limits only: the hard one stays.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::OnceLock;

/// What macOS takes where it says that there is no limit (`OPEN_MAX`).
const AT_LEAST: u64 = 10_240;

/// The limit that this process began with, once it has been raised; `None` in it is no limit.
static GIVEN: OnceLock<Option<u64>> = OnceLock::new();

/// Raises this process's limit as far as it goes.
pub fn raise() {
    let own = getrlimit(Resource::Nofile);
    GIVEN.get_or_init(|| own.current);
    for most in [own.maximum, Some(AT_LEAST)] {
        let is_more = most.is_none_or(|most| own.current.is_some_and(|current| current < most));
        if is_more && allow(most).is_ok() {
            return;
        }
    }
}

/// The limit that this process began with, if it has another one now, or may have.
pub fn given() -> Option<u64> {
    GIVEN.get().copied().flatten()
}

/// Has a child begin with the limit that this process began with.
pub fn give_back(command: &mut Command) {
    if GIVEN.get().is_some() {
        // SAFETY: `restore` makes system calls and reads what was written long before; it does not allocate.
        unsafe {
            command.pre_exec(restore);
        }
    }
}

/// The same from within the child, between fork and exec.
///
/// # Errors
/// The system's.
pub fn restore() -> io::Result<()> {
    match GIVEN.get() {
        Some(given) => allow(*given),
        None => Ok(()),
    }
}

/// Sets this process's limit, as far as the hard one lets it.
///
/// # Errors
/// The system's.
pub fn allow(files: Option<u64>) -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = match (files, maximum) {
        (Some(files), Some(maximum)) => Some(files.min(maximum)),
        (files, maximum) => files.or(maximum),
    };
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}
