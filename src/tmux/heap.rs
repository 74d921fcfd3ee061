//! How the C library of tmux, and of a window's program, is told to keep its heap. Where it is not glibc, or one that
//! does not know a value, nothing changes.

use super::command::Command;

/// What glibc reads it from when a program begins.
pub(super) const VARIABLE: &str = "GLIBC_TUNABLES";

/// For tmux: small pieces that are freed are kept for the next of their size, however many there are. After each fork
/// the first write to a page of the heap copies it, in the server as in its child, and to join and split free pieces is
/// to write to pages all over it: a third of what a fork copies. Larger pieces, such as the lines of a window, are joined
/// as ever. No program that is started later sees this, see [`kept_back`].
pub(super) const OF_TMUX: &str = "glibc.malloc.tcache_count=65535:glibc.malloc.tcache_max=80";

/// For the program of a window, which is small and lives long: pieces that are kept would double its heap. What it starts
/// gets an environment of its own.
pub(super) const OF_A_SHIM: &str = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0";

/// Takes the variable out of the environment that windows and jobs get. Once, and not in the configuration, which is read
/// again behind the user's: theirs stays.
pub(super) fn kept_back() -> Command {
    Command::new("set-environment").args(["-gu", VARIABLE])
}

/// Takes it out of the environment that this session's windows get.
pub(super) fn kept_back_in(session: &str) -> Command {
    Command::new("set-environment").args(["-u", "-t", &format!("={session}:"), VARIABLE])
}
