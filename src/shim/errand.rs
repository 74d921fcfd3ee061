//! A command that is no service: run once for somebody who asks from elsewhere, and gone with who asked, with all that
//! it has started. `ovr errand FD` is the parent of it, as the shim is a service's; at the other end of the socket FD is
//! the controller, or whoever else has started it. Whatever becomes of that, the socket's end is the order to end.

use super::engine::HANGUP_GRACE;
use super::live::{Live, Turn};
use super::ready::{self, Ready, Sources};
use super::refuse;
use super::signals::Signals;
use super::supplies::Supplies;
use super::wire::{LineSplitter, encode};
use crate::model::{Exit, Launch, RunId, Signal, StopPlan};
use rustix::event::{PollFlags, Timespec};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::stdio;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, FromRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

/// The hidden subcommand of our program that [`main_from`] is.
pub const SUBCOMMAND: &str = "errand";

/// There is one run, and it is never told.
const THE_RUN: RunId = RunId(1);

/// What the controller says, one JSON a line. Append-only: the program's file may be a later build's than the
/// controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// The first one. All that it starts carries the token.
    Run {
        launch: Launch,
        token: String,
        /// What the command leaves behind does not end with it, but with the socket; or not, after `Release`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        spares: bool,
    },
    /// To the command's process group.
    Signal { signal: Signal },
    /// What runs still is to be left alone.
    Release,
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    Spawned {
        pid: u32,
    },
    /// In words for the user.
    NotSpawned {
        reason: String,
    },
    /// The command itself; what it has left behind is spared.
    Exited {
        exit: Exit,
    },
    /// And nothing is left of it.
    Ended {
        exit: Exit,
    },
}

/// The command's parent, from its command line on: everything after `ovr errand`.
pub fn main_from(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let number = match args.as_slice() {
        [number] => number.to_str().and_then(|number| number.parse().ok()),
        _ => None,
    };
    let Some(number) = number.filter(|number: &RawFd| *number > 2) else {
        return refuse("usage: ovr errand FD (ovr itself runs this)");
    };
    // SAFETY: the number is that of the socket which was handed over for this, and nothing else here has it.
    let socket = unsafe { UnixStream::from_raw_fd(number) };
    match Errand::new(socket).and_then(Errand::serve) {
        Ok(()) => 0,
        Err(error) => refuse(&format!("the command cannot be run: {error}")),
    }
}

struct Errand {
    signals: Signals,
    socket: UnixStream,
    lines: LineSplitter,
    live: Option<Live>,
    /// What the command leaves behind does not end with it.
    spares: bool,
    /// Whoever asked is gone.
    abandoned: bool,
    /// Whoever asked wants no more of it.
    released: bool,
}

impl Errand {
    fn new(socket: UnixStream) -> io::Result<Self> {
        let signals = Signals::install()?;
        #[cfg(target_os = "linux")]
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        // Not for the command.
        fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
        socket.set_nonblocking(true)?;
        Ok(Self {
            signals,
            socket,
            lines: LineSplitter::new(),
            live: None,
            spares: false,
            abandoned: false,
            released: false,
        })
    }

    /// Until nothing runs any more, or nothing ever will.
    fn serve(mut self) -> io::Result<()> {
        loop {
            let ready = self.wait();
            if ready.signal && self.on_signals() {
                return Ok(());
            }
            if ready.stray && self.on_ends(Live::on_stray) {
                return Ok(());
            }
            if ready.link_in {
                self.hear()?;
            }
            if self.released || (self.live.is_none() && self.abandoned) {
                return Ok(());
            }
            if let Some(live) = &mut self.live
                && live.deadline().is_some_and(|due| due <= Instant::now())
            {
                live.on_deadline();
            }
            // What cannot be ended keeps nobody who could end it.
            if self.abandoned && self.live.as_ref().is_some_and(Live::is_out_of_reach) {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> Ready {
        let live = self.live.as_ref();
        let sources = Sources {
            signals: self.signals.fd(),
            link: (!self.abandoned).then(|| (self.socket.as_fd(), PollFlags::IN)),
            terminal: None,
            notify: None,
            stray: live.and_then(Live::strays_fd),
        };
        let left = live.and_then(Live::deadline);
        let left = left.map(|due| due.saturating_duration_since(Instant::now()));
        let timeout = left.and_then(|left| Timespec::try_from(left).ok());
        ready::wait(&sources, timeout.as_ref())
    }

    /// Whether it is over.
    fn on_signals(&mut self) -> bool {
        let caught = self.signals.take();
        if caught.hangup || caught.terminate {
            self.abandon();
        }
        caught.child && self.on_ends(Live::on_children)
    }

    /// Something has ended; `look` takes note of it. Whether it is over.
    fn on_ends(&mut self, look: fn(&mut Live) -> Turn) -> bool {
        let Some(live) = &mut self.live else { return false };
        match look(live) {
            Turn::Nothing => {}
            // The command has ended, and what it has left behind ends, too.
            Turn::Tell(_) if live.is_stopping() => {}
            Turn::Tell(_) if self.spares => {
                if let Some(exit) = live.exit {
                    self.tell(&Report::Exited { exit });
                }
            }
            Turn::Tell(_) => live.cmd_stop(hang_up(), false, None),
            Turn::Over => {
                let live = self.live.take().expect("it was looked at above");
                let (ended, _) = live.conclude();
                self.tell(&Report::Ended { exit: ended.exit });
                return true;
            }
        }
        false
    }

    fn hear(&mut self) -> io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        let is_over = loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => break true,
                Ok(length) => self.lines.push(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break true,
            }
        };
        self.abandoned |= is_over;
        // Also the last words of one who has gone.
        while let Some(line) = self.lines.next_line().map_err(io::Error::other)? {
            let order = serde_json::from_slice(line).map_err(io::Error::other)?;
            self.carry_out(order);
        }
        if self.abandoned && !self.released {
            self.abandon();
        }
        Ok(())
    }

    fn carry_out(&mut self, order: Order) {
        match (order, &self.live) {
            (
                Order::Run {
                    launch,
                    token,
                    spares,
                },
                None,
            ) if !self.abandoned => {
                self.spares = spares;
                self.start(launch, &token);
                if spares {
                    // The end of its output shows when those who print have ended, and not this process.
                    let_go_of_output();
                }
            }
            (Order::Signal { signal }, Some(live)) => live.cmd_signal(signal),
            (Order::Release, _) => self.released = true,
            (Order::Run { .. } | Order::Signal { .. }, _) => {}
        }
    }

    fn start(&mut self, launch: Launch, token: &str) {
        match Live::start(THE_RUN, launch, hang_up(), token, &Supplies::default()) {
            Ok(live) => {
                self.tell(&Report::Spawned { pid: live.pid() });
                self.live = Some(live);
            }
            Err(reason) => {
                self.tell(&Report::NotSpawned { reason });
                self.abandoned = true;
            }
        }
    }

    /// Nobody is there any more who wants it.
    fn abandon(&mut self) {
        self.abandoned = true;
        if let Some(live) = &mut self.live
            && !live.is_stopping()
        {
            live.cmd_stop(hang_up(), false, None);
        }
    }

    fn tell(&mut self, report: &Report) {
        // Reports are few and short: the socket has room for them, or nobody is there.
        drop(self.socket.write_all(&encode(report)));
    }
}

fn let_go_of_output() {
    if let Ok(nothing) = File::options().write(true).open("/dev/null") {
        // Neither can fail with two open descriptors.
        stdio::dup2_stdout(&nothing).ok();
        stdio::dup2_stderr(&nothing).ok();
    }
}

/// As a terminal that is closed does, and then by force.
fn hang_up() -> StopPlan {
    StopPlan {
        signal: Signal::HUP,
        grace: HANGUP_GRACE,
        ..StopPlan::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Order, Report};
    use crate::model::{Exit, Launch, Signal};

    #[test]
    fn orders_and_reports_arrive_as_they_were_sent() {
        let run = |spares| Order::Run {
            launch: Launch {
                argv: vec!["true".into()],
                cwd: "/".into(),
                ..Launch::default()
            },
            token: "t".into(),
            spares,
        };
        for order in [
            run(false),
            run(true),
            Order::Signal { signal: Signal::INT },
            Order::Release,
        ] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order);
        }
        for report in [
            Report::Spawned { pid: 7 },
            Report::NotSpawned { reason: "no".into() },
            Report::Exited { exit: Exit::Code(3) },
            Report::Ended {
                exit: Exit::Signal(Signal::KILL),
            },
        ] {
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
        }
    }
}
