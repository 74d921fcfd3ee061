//! What `ovr` starts for itself, without what only a person asks for: a program of a tenth of the size, which the system
//! has loaded and dropped in half the time. One runs for each service. Where it is not installed, `ovr` does its work.
//!
//! It begins where the C library does, without Rust's own beginning: that reads the process's memory map for the sake of
//! a message about stacks that overflow, which is a twentieth of what a shim takes until its service runs.

#![no_main]

use std::ffi::{CStr, OsString, c_char, c_int};
use std::io::Write;
use std::os::unix::ffi::OsStringExt;

/// As for every command line that cannot be understood.
const USAGE: u8 = 64;

/// # Safety
/// Called once, by the C library, with its `argc` and `argv`.
// SAFETY: the one symbol of this name, as every C library asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn main(count: c_int, words: *const *const c_char) -> c_int {
    // As Rust would: a reader that is gone is an error, not an end.
    // SAFETY: no other thread is there yet.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
    let count = usize::try_from(count).unwrap_or_default();
    // SAFETY: there are so many, each a C string, and they live as long as the process.
    let words = (1..count).map(|index| unsafe { CStr::from_ptr(*words.add(index)) });
    let words = words.map(|word| OsString::from_vec(word.to_bytes().to_vec()));
    let code = ovr::started_by_ovr(words).unwrap_or_else(|| {
        // Nobody to tell it to: then the code says it.
        let _unread = writeln!(
            std::io::stderr(),
            "ovr-shim: ovr itself starts this, for each service; for you there is `ovr`"
        );
        USAGE
    });
    c_int::from(code)
}
