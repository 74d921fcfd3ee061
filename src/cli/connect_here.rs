//! A view in this terminal: the tmux client that draws it, from its start to its end. It goes with this process,
//! however that ends.

use crate::diag::{Diagnostic, Kind};
use crate::platform::parent_death::die_with_us;
use crate::platform::process_end::ProcessEnd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::thread;

/// A client that has been told to leave has put the screen away within this, or never will.
const LEAVING: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// How a view ended.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) client: ExitStatus,
    /// The signal that ended this process's part in it.
    pub(super) signal: Option<i32>,
}

/// Runs the view's client on this terminal until it is over. A signal that would end this process ends the client
/// first: it has the terminal, and would go on reading what is typed.
pub(super) fn show(mut command: Command) -> Result<Shown, Diagnostic> {
    let failed = |error: io::Error| {
        Diagnostic::error(Kind::Tmux, "cannot run tmux to show the window").cause(error.to_string())
    };
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]).map_err(failed)?;
    let over = signals.handle();
    // For SIGKILL, which nobody can pass on. On SIGTERM it tidies the screen up.
    die_with_us(&mut command, Signal::TERM);
    let child = command.spawn().map_err(failed)?;
    let client = ProcessEnd::watch(child.id()).map_err(|errno| failed(errno.into()))?;
    let listener = thread::spawn(move || {
        let signal = signals.forever().next()?;
        take_along(&client);
        Some(signal)
    });
    let status = wait(child.id()).map_err(failed)?;
    over.close();
    Ok(Shown {
        client: status,
        signal: listener.join().unwrap_or_default(),
    })
}

/// Has the client leave; by force if it does not, as one does whose server is stopped.
fn take_along(client: &ProcessEnd) {
    // One that has ended meanwhile needs no telling.
    client.signal(Signal::TERM).ok();
    let ended = poll(&mut [PollFd::new(client, PollFlags::IN)], Some(&LEAVING));
    if !matches!(ended, Ok(1..)) {
        client.signal(Signal::KILL).ok();
    }
}

/// Waits for the client's end. When it stops (tmux's `suspend-client`), so does this process: the shell waits for
/// this one, and wakes both.
fn wait(client: u32) -> io::Result<ExitStatus> {
    let client = i32::try_from(client).ok().and_then(Pid::from_raw);
    loop {
        match waitpid(client, WaitOptions::UNTRACED) {
            Ok(Some((_, status))) if status.stopped() => kill_process(getpid(), Signal::STOP)?,
            Ok(Some((_, status))) => return Ok(ExitStatus::from_raw(status.as_raw())),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}
