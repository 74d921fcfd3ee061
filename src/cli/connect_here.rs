//! A view in this terminal: whether the terminal is fit for one, and the tmux client that draws it, from its start to
//! its end. It goes with this process, however that ends.

use super::report;
use crate::diag::{Diagnostic, Kind};
use crate::platform::parent_death::die_with_us;
use crate::platform::process_end::ProcessEnd;
use crate::tmux::terminfo::{self, Known};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use std::env;
use std::io::{self, IsTerminal, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

/// A client that has been told to leave has put the screen away within this, or never will.
const LEAVING: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// What tmux says on standard error is kept up to here.
const MAX_ERRORS: u64 = 4096;

/// Where a view is to be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen<'a> {
    /// The service's, for what to type.
    pub(super) name: &'a str,
    /// Control mode is text, and draws nothing.
    pub(super) control_mode: bool,
    /// The bytes are drawn elsewhere, for a terminal like xterm.
    pub(super) drawn_elsewhere: bool,
}

impl Screen<'_> {
    /// The type to take this terminal for, where its own is not known on this machine; that is said.
    ///
    /// # Errors
    /// `NoTerminal`: there is none, it can draw nothing, or it is not known what it can.
    pub(super) fn stand_in(self) -> Result<Option<&'static str>, Diagnostic> {
        // The reader of control mode may be a pipe, but tmux makes the keyboard raw for it.
        if !io::stdin().is_terminal() || !(self.control_mode || io::stdout().is_terminal()) {
            let error = Diagnostic::error(
                Kind::NoTerminal,
                "connect needs a terminal to show the service in",
            );
            return Err(error.hint(self.to_read()));
        }
        let terminal = env::var("TERM").unwrap_or_default();
        match terminfo::find(&terminal) {
            _ if terminal == "dumb" && !self.control_mode => {
                Err(self.unfit("this terminal cannot show a window (TERM=dumb)"))
            }
            _ if terminal.is_empty() => Err(self.unfit("this terminal does not say what it is (no TERM)")),
            Known::AsItself => Ok(None),
            _ if self.drawn_elsewhere => Ok(None),
            Known::As(stand_in) => {
                report::print_aside(&format!(
                    "{terminal} is not known here, and is taken for {stand_in}\n"
                ));
                Ok(Some(stand_in))
            }
            Known::Not => Err(self.unfit(&format!(
                "this terminal's type is not known here (TERM={terminal})"
            ))),
        }
    }

    fn unfit(self, what: &str) -> Diagnostic {
        let control = if self.control_mode { "-c " } else { "" };
        Diagnostic::error(Kind::NoTerminal, what)
            .hint(format!(
                "where it is like xterm, as most are: TERM=xterm-256color ovr connect {control}{}",
                self.name
            ))
            .hint(self.to_read())
    }

    fn to_read(self) -> String {
        format!("to read its output: ovr logs {}", self.name)
    }
}

/// How a view ended.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) client: ExitStatus,
    /// The signal that ended this process's part in it.
    pub(super) signal: Option<i32>,
    /// What tmux said on standard error: why it shows nothing.
    errors: String,
}

impl Shown {
    /// Why there was nothing to see, if that is so.
    pub(super) fn refusal(&self, screen: Screen<'_>) -> Option<Diagnostic> {
        let said = self.errors.trim();
        if said.is_empty() || self.client.success() || self.signal.is_some() {
            return None;
        }
        let refusal = if said.contains("terminal") {
            screen.unfit("tmux cannot draw on this terminal")
        } else {
            Diagnostic::error(Kind::Tmux, "tmux does not show the window")
                .hint("to see how the session is: ovr status")
        };
        Some(refusal.cause(said.to_owned()))
    }
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
    let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
    let client = ProcessEnd::watch(child.id()).map_err(|errno| failed(errno.into()))?;
    let listener = thread::spawn(move || {
        let signal = signals.forever().next()?;
        take_along(&client);
        Some(signal)
    });
    let status = wait(child.id()).map_err(failed)?;
    over.close();
    let mut errors = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        stderr.take(MAX_ERRORS).read_to_end(&mut errors).map_err(failed)?;
    }
    Ok(Shown {
        client: status,
        signal: listener.join().unwrap_or_default(),
        errors: String::from_utf8_lossy(&errors).into_owned(),
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
