//! The program of the window that others are made in: it does nothing, until its window is closed.

use std::ffi::OsString;

/// What it is started with as its first word; another follows that tells whose it is.
pub const SUBCOMMAND: &str = "hold";

/// As for every command line that cannot be understood.
const USAGE: u8 = 64;

/// Waits for the hang-up, which ends it. Returns the exit code of a command line that is not ours.
pub fn main_from(words: impl Iterator<Item = OsString>) -> u8 {
    if words.count() != 1 {
        eprintln!("usage: ovr hold SOCKET (ovr itself runs this, in a tmux window that it closes)");
        return USAGE;
    }
    loop {
        std::thread::park();
    }
}
