//! The pane's process: spawns, signals, waits, cleans up the tree, reports. Mechanism without policy; small
//! and synchronous (no async runtime, no configuration). `protocol.rs` is what it and the controller say,
//! `wire.rs` how that is framed, `tree.rs` how process trees are found and ended, `cgroup.rs` which control groups
//! are left: these the controller uses too. `errand.rs` is the same mechanism for a command that is no service. The
//! rest is the shim's own; `engine.rs` is its loop, `docs/design/shim.md` its reasons.

mod background;
mod birth;
pub mod cgroup;
mod elevated;
mod engine;
mod environment_block;
pub mod errand;
mod groups;
mod limits;
mod link;
mod live;
pub mod note;
mod notify;
mod order_text;
mod orders;
mod plain_line;
pub mod protocol;
mod ready;
mod signals;
mod spawn;
mod stopping;
mod strays;
mod supplies;
mod terminal;
pub mod tree;
mod watchdog;
pub mod wire;

use crate::model::InstanceName;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// What a pane's process is started with as its first word.
pub const SUBCOMMAND: &str = "shim";

/// The exit code of a shim that could not begin its work.
const COULD_NOT_BEGIN: u8 = 71;

/// What a shim is started with: `ovr shim SOCKET INSTANCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShimArgs {
    /// The session's `shim.sock`, absolute.
    pub socket: PathBuf,
    pub instance: InstanceName,
}

impl ShimArgs {
    /// Reads what stands after `ovr shim`. The error is for the person who typed it by hand.
    pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let args: Vec<OsString> = args.into_iter().collect();
        let [socket, instance] = args.as_slice() else {
            return Err(
                "usage: ovr shim SOCKET INSTANCE (ovr itself runs this, in a tmux window)".to_owned(),
            );
        };
        let name = instance.to_string_lossy();
        Ok(Self {
            socket: socket.into(),
            instance: name.parse().map_err(|error| format!("{name}: {error}"))?,
        })
    }
}

/// The pane's process, from its command line on: everything after `ovr shim`. Returns its exit code.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> u8 {
    match ShimArgs::parse(args) {
        Ok(args) => run(args),
        Err(message) => refuse(&message),
    }
}

/// Serves the pane until it is closed. Must be called first thing in the process, and from its only thread:
/// it closes every inherited file but the terminal, and takes over all signals.
pub fn run(args: ShimArgs) -> u8 {
    close_inherited();
    match engine::Engine::new(args) {
        Ok(engine) => engine.serve(),
        Err(error) => refuse(&format!("the window cannot be used: {error}")),
    }
}

/// Closes whatever the tmux server, or what started it, has left open: no service may inherit it.
fn close_inherited() {
    #[cfg(target_os = "linux")]
    // SAFETY: the process has just begun and owns nothing but standard input, output and error.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) } == 0;
    #[cfg(not(target_os = "linux"))]
    let closed = false;
    if !closed {
        let listed = std::fs::read_dir("/dev/fd").into_iter().flatten();
        let open: Vec<i32> = listed
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .collect();
        for fd in open.into_iter().filter(|fd| *fd > 2) {
            // SAFETY: as above; the listing's own file is closed already.
            unsafe { libc::close(fd) };
        }
    }
}

/// Sixteen hexadecimal digits that nobody can guess.
fn nonce() -> io::Result<String> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{:016x}", u64::from_le_bytes(bytes)))
}

/// Returns the allocator's free pages to the system. With many services they add up.
fn give_memory_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: releases memory that nobody holds; the process has one thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// An error without Rust's `(os error 2)`, in lower case as the middle of a sentence.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

fn refuse(message: &str) -> u8 {
    eprintln!("ovr shim: {message}");
    COULD_NOT_BEGIN
}

#[cfg(test)]
mod tests {
    use super::ShimArgs;

    #[test]
    fn a_shim_takes_socket_and_instance() {
        let parse = |args: &[&str]| ShimArgs::parse(args.iter().map(Into::into));
        let args = parse(&["/run/x/shim.sock", "web#2"]).unwrap();
        assert_eq!(args.socket.to_str(), Some("/run/x/shim.sock"));
        assert_eq!(args.instance.number, Some(2));
        assert!(parse(&["/run/x/shim.sock"]).is_err());
        assert!(parse(&["/run/x/shim.sock", "a b"]).is_err());
    }
}
