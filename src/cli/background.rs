//! The two halves of a start in the background: the parent that waits in the terminal, and the session that
//! tells it when it is up. They speak one line of JSON over the child's standard output.

use super::listen::Served;
use crate::controller::Up;
use crate::diag::{Diagnostic, Kind, exit_code};
use crate::platform::open_files;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use tokio::sync::oneshot;

/// The hidden flag of the background half.
const FLAG: &str = "--background";

/// What the session says when it is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub pid: u32,
    pub started: usize,
    /// Services that could not be started, with the reason.
    pub failed: Vec<(String, String)>,
    /// Those that wait for others, in sentences.
    #[serde(default)]
    pub waiting: Vec<String>,
    /// What was taken over from an earlier controller, in sentences.
    #[serde(default)]
    pub found: Vec<String>,
    /// What else to tell, each with what to do about it.
    #[serde(default)]
    pub warnings: Vec<(String, String)>,
    /// Where it is served on TCP, if it is.
    #[serde(default)]
    pub served: Option<Served>,
    /// The session ends again: a service that it cannot be without could not be started.
    #[serde(default)]
    pub ending: bool,
}

/// Starts this command once more, with `flags` besides, in a session of its own without this terminal, and waits
/// until it is up.
/// `Err(code)` inside: it failed and has said why on standard error.
pub fn spawn(flags: &[&str]) -> Result<Result<Ready, u8>, Diagnostic> {
    let system = |what: &str, error: std::io::Error| {
        Diagnostic::error(Kind::System, what.to_owned()).cause(error.to_string())
    };
    let program =
        std::env::current_exe().map_err(|error| system("cannot find this program's file", error))?;
    let mut command = Command::new(program);
    // A controller may be what it takes over from.
    open_files::give_back(&mut command);
    command
        .args(with_flags(std::env::args_os().skip(1).collect(), flags))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    // SAFETY: setsid is async-signal-safe and touches no memory of ours.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
    let mut child = command
        .spawn()
        .map_err(|error| system("cannot start the background session", error))?;
    let out = child
        .stdout
        .take()
        .expect("its standard output was asked to be a pipe");
    let mut line = String::new();
    let read = BufReader::new(out).read_line(&mut line);
    if read.is_ok()
        && let Ok(ready) = serde_json::from_str::<Ready>(&line)
    {
        if ready.ending {
            // Who types the next command is to find it ended.
            child
                .wait()
                .map_err(|error| system("cannot wait for the background session", error))?;
        }
        return Ok(Ok(ready));
    }
    let status = child
        .wait()
        .map_err(|error| system("cannot wait for the background session", error))?;
    let code = status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .filter(|code| *code != 0);
    Ok(Err(code.unwrap_or(exit_code::FAILURE)))
}

/// The words of this command with the flags of its background half, where they are read as flags.
fn with_flags(mut words: Vec<OsString>, flags: &[&str]) -> Vec<OsString> {
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let flags = std::iter::once(&FLAG).chain(flags).map(OsString::from);
    words.splice(end..end, flags);
    words
}

/// In the background half: tells the parent when everything is up, then lets go of its terminal.
pub async fn tell_parent(up: oneshot::Receiver<Up>, served: Option<Served>) {
    // Without an answer the session has ended before it was up; standard error has said why.
    let Ok(up) = up.await else { return };
    let ready = Ready {
        pid: std::process::id(),
        started: up.started,
        failed: up.failed,
        waiting: up.waiting,
        found: up.found,
        warnings: up.warnings,
        served,
        ending: up.ending,
    };
    let mut line = serde_json::to_vec(&ready).expect("plain data");
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    // A parent that was killed meanwhile changes nothing for the session.
    drop(out.write_all(&line).and_then(|()| out.flush()));
    if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        // Neither can fail with two open descriptors; if it did, the old ones would stay, which does no harm.
        rustix::stdio::dup2_stdout(&null).ok();
        rustix::stdio::dup2_stderr(&null).ok();
    }
}

/// Local time minus UTC, in seconds, now.
pub fn utc_offset_s() -> i32 {
    // SAFETY: both calls write only to what they are given; `tm` is plain data, for which zeros are valid.
    unsafe {
        let now = libc::time(std::ptr::null_mut());
        let mut local: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&raw const now, &raw mut local).is_null() {
            return 0;
        }
        i32::try_from(local.tm_gmtoff).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::with_flags;

    #[test]
    fn the_flags_of_the_background_half_stand_before_what_is_no_flag_any_more() {
        let words = |line: &str| line.split(' ').map(Into::into).collect::<Vec<_>>();
        for (typed, run) in [
            ("start -D web", "start -D web --background --take-over"),
            ("up -D -- web", "up -D --background --take-over -- web"),
        ] {
            assert_eq!(with_flags(words(typed), &["--take-over"]), words(run));
        }
    }
}
