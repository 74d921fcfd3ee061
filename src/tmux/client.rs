//! The control client: one `tmux -C` process and its pipes. It never
//! waits for tmux to take a command, and reads in bounded steps, so that one loop can serve it among others.

use super::command::{Command, sequence};
use super::descriptors::keep_to_ourselves;
use super::heap;
use super::outset::Outset;
use super::reply::{ClientEvent, CommandNumber, GREETING, Pairing};
use super::server::Server;
use super::setup::Setup;
use super::wire::Wire;
use crate::diag::{Diagnostic, Kind};
use crate::platform::parent_death::die_with_us;
use rustix::process::Signal;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Stdio};
use tokio::net::unix::pipe::{Receiver, Sender};

/// The name of our session. Commands say `=ovr:` or an id, never the bare name.
pub const SESSION: &str = "ovr";

/// One read; also the most that a service can have printed between two looks of tmux.
const READ: usize = 64 * 1024;
/// What one [`Client::drain`] reads at most.
const DRAIN: usize = 1024 * 1024;
/// What tmux says on its standard error is kept up to here.
const MAX_ERRORS: u64 = 4096;
/// The size we ask for the pipe, so that tmux is seldom held up by our schedule.
#[cfg(target_os = "linux")]
const PIPE: usize = 1024 * 1024;

/// What tmux and a window that somebody opens in it need of our environment: whose it is, and how to reach
/// screen, keyboard and clipboard. The rest is the services' (their secrets too), and comes to them by the shim.
const OF_THE_DESK: &[&str] = &[
    "COLORTERM",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "EDITOR",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "SSH_AUTH_SOCK",
    "TERM",
    "TERMINFO",
    "TERMINFO_DIRS",
    "TMPDIR",
    "TMUX_TMPDIR",
    "TZ",
    "USER",
    "VISUAL",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
];

fn is_of_the_desk(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    OF_THE_DESK.contains(&&*name) || name.starts_with("LC_") || name.starts_with("XDG_")
}

/// How a [`Client::drain`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// All that was there has been read.
    Empty,
    /// There is more; others may have their turn first.
    More,
    /// The client has ended and said so.
    Gone,
}

/// A running control client.
#[derive(Debug)]
pub struct Client {
    child: Child,
    input: Option<Sender>,
    output: Receiver,
    errors: ChildStderr,
    wire: Wire,
    pairing: Pairing,
    outbox: Vec<u8>,
    /// How much of `outbox` tmux has taken.
    taken: usize,
    buffer: Vec<u8>,
    ended: bool,
}

impl Client {
    /// Starts a server with our configuration that begins like this. Returns at once; [`ClientEvent::Ready`] or
    /// [`ClientEvent::Gone`] follows. Commands may be sent before that.
    ///
    /// To be called inside a tokio runtime.
    ///
    /// # Errors
    /// Kind `Tmux` or `System`: the socket's path is too long, or the program cannot be run.
    pub fn start(server: &Server, setup: &Setup, outset: &Outset) -> Result<Self, Diagnostic> {
        setup.write(&server.config)?;
        Self::spawn(server, &[], &outset.commands)
    }

    /// Attaches to our session in a running server; never starts one. As [`Client::start`] otherwise.
    pub fn attach(server: &Server) -> Result<Self, Diagnostic> {
        let session = Command::new("attach-session")
            .arg("-t")
            .arg(format!("={SESSION}"))
            .args(["-f", "ignore-size"]);
        Self::spawn(server, &["-N"], &[session])
    }

    fn spawn(server: &Server, flags: &[&str], begin: &[Command]) -> Result<Self, Diagnostic> {
        server.check_socket()?;
        keep_to_ourselves();
        let mut command = server.command();
        command
            .args(flags)
            // UTF-8 whatever the locale says, and control mode.
            .args(["-u", "-C"])
            .args(sequence(begin))
            // The server keeps its first client's directory and environment for good.
            .current_dir("/")
            .env_clear()
            .envs(std::env::vars_os().filter(|(name, _)| is_of_the_desk(name)))
            .env(heap::VARIABLE, heap::OF_TMUX)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C and Ctrl-Z of our terminal are for us alone.
            .process_group(0);
        // A client whose reader is gone keeps what it could not write for ever: tmux then neither reads the panes, so
        // that the services block, nor ever ends (seen on 3.3a). So the client has to go with its reader, also when
        // that is killed; the server, which the first client forks, stays. Where the system cannot do that, the next
        // controller ends it, if a pipe without a reader has not.
        die_with_us(&mut command, Signal::KILL);
        let child = command.spawn().map_err(|error| {
            Diagnostic::error(Kind::Tmux, format!("cannot run {}", server.binary.display()))
                .cause(error.to_string())
        })?;
        let mut client = Self::over(child).map_err(|error| {
            Diagnostic::error(Kind::System, "cannot talk to tmux").cause(error.to_string())
        })?;
        client.greet();
        Ok(client)
    }

    fn over(mut child: Child) -> io::Result<Self> {
        let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("a pipe is missing"));
        };
        #[cfg(target_os = "linux")]
        if rustix::pipe::fcntl_setpipe_size(&output, PIPE).is_err() {
            // The user's share of pipe memory is used up; the usual size works as well.
        }
        rustix::io::ioctl_fionbio(&errors, true)?;
        Ok(Self {
            child,
            input: Some(Sender::from_owned_fd(input.into())?),
            output: Receiver::from_owned_fd(output.into())?,
            errors,
            wire: Wire::new(),
            pairing: Pairing::new(),
            outbox: Vec::new(),
            taken: 0,
            buffer: vec![0; READ],
            ended: false,
        })
    }

    fn greet(&mut self) {
        let number = self.send(&Command::display_message(GREETING));
        self.pairing.expect_greeting(number);
    }

    /// Queues a command; it is written by [`Client::flush`] or while waiting in [`Client::readable`]. Of a
    /// client that has ended, the reply never comes.
    pub fn send(&mut self, command: &Command) -> CommandNumber {
        command.write_line(&mut self.outbox);
        self.pairing.expect_reply()
    }

    /// Whether tmux has carried out what it was started with.
    pub fn has_begun(&self) -> bool {
        self.pairing.has_begun()
    }

    /// Writes what is queued, as far as tmux takes it now. Many commands are one write. Nothing is written
    /// before the client has its session.
    pub fn flush(&mut self) {
        if !self.pairing.has_begun() {
            return;
        }
        let Some(input) = &self.input else {
            self.outbox.clear();
            self.taken = 0;
            return;
        };
        while self.taken < self.outbox.len() {
            let rest = &self.outbox[self.taken..];
            match input.try_write(rest) {
                Ok(0) => return,
                Ok(written) => self.taken += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    // tmux has closed its end; what it said last is still to be read.
                    self.input = None;
                    break;
                }
            }
        }
        self.outbox.clear();
        self.taken = 0;
    }

    /// Waits until tmux has said something, writing what is queued meanwhile. Can be dropped and called again
    /// without loss.
    pub async fn readable(&mut self) {
        loop {
            self.flush();
            let writable = async {
                match &self.input {
                    Some(input) if !self.outbox.is_empty() && self.pairing.has_begun() => {
                        input.writable().await
                    }
                    Some(_) | None => std::future::pending().await,
                }
            };
            // An error here is met by the next read or write as well, which deals with it.
            tokio::select! {
                _ = self.output.readable() => return,
                _ = writable => {}
            }
        }
    }

    /// Reads what is there, a bounded amount, and tells `sink` what tmux said. Never waits.
    pub fn drain(&mut self, sink: &mut dyn FnMut(ClientEvent<'_>)) -> Drained {
        let mut budget = DRAIN;
        while !self.ended {
            match self.output.try_read(&mut self.buffer) {
                Ok(0) => break,
                Ok(length) => {
                    let pairing = &mut self.pairing;
                    self.wire
                        .feed(&self.buffer[..length], &mut |n| pairing.take(n, sink));
                    if self.pairing.wants_greeting() {
                        self.greet();
                    }
                    budget = budget.saturating_sub(length);
                    if budget == 0 {
                        return Drained::More;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Drained::Empty,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        if !self.ended {
            self.ended = true;
            self.end(sink);
        }
        Drained::Gone
    }

    /// Leaves the session to itself: asks tmux to let this client go, and reads to the end, so that no output
    /// is lost. The last event is [`ClientEvent::Gone`]. To be done before the controller is suspended: a
    /// client that does not read makes tmux stop reading the panes.
    pub async fn detach(mut self, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        self.send(&Command::detach_client());
        loop {
            self.readable().await;
            if self.drain(sink) == Drained::Gone {
                return;
            }
        }
    }

    /// The pid of the `tmux -C` process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn end(&mut self, sink: &mut dyn FnMut(ClientEvent<'_>)) {
        self.input = None;
        self.reap();
        let mut errors = Vec::new();
        if let Err(error) = (&mut self.errors).take(MAX_ERRORS).read_to_end(&mut errors)
            && error.kind() != io::ErrorKind::WouldBlock
        {
            errors.extend_from_slice(error.to_string().as_bytes());
        }
        self.pairing.end(&String::from_utf8_lossy(&errors), sink);
    }

    /// Its output has ended, so the process has or is about to: this does not wait for anything else.
    fn reap(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if self.child.kill().is_ok() && self.child.wait().is_err() {
            // Somebody else reaped it.
        }
    }
}

impl Drop for Client {
    /// Ends the client's process; the session goes on.
    fn drop(&mut self) {
        if !self.ended {
            self.reap();
        }
    }
}
