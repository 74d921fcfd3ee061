//! The shim's own hold on the pane: an open file description apart from the service's, so that waiting for a
//! full or stopped terminal never blocks the loop and never changes what the service sees. What is written and
//! what a key means is decided elsewhere.

use rustix::fs::{Mode, OFlags, open};
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::stdio;
use rustix::termios::{
    Action, InputModes, LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflow,
    tcflush, tcgetattr, tcsetattr, tcsetpgrp, ttyname,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// More than this is never queued: notes are dropped, marks are few.
const NOTES_UP_TO: usize = 4096;

/// What has come from the keyboard while nothing ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) enter: bool,
}

pub(super) struct Terminal {
    /// `None` once the terminal is gone.
    tty: Option<OwnedFd>,
    /// As tmux made it. Every run begins with this.
    original: Termios,
    queue: Vec<u8>,
    /// Nothing has been written yet.
    is_new: bool,
}

/// Makes the window a terminal like any other: one that tmux has made without a program begins each line at its left
/// edge by itself (`docs/design/control-mode.md`).
const RESET: &[u8] = b"\x1bc";

impl Terminal {
    /// Opens the terminal that is the process's standard input.
    pub(super) fn open() -> io::Result<Self> {
        let original = tcgetattr(stdio::stdin())?;
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let by_name =
            || ttyname(stdio::stdin(), Vec::new()).and_then(|name| open(name, flags, Mode::empty()));
        let own = || open("/dev/tty", flags, Mode::empty());
        // Polling `/dev/tty` does not work everywhere, and the name may be one of another mount.
        let tty = if cfg!(target_os = "linux") {
            own().or_else(|_| by_name())
        } else {
            by_name().or_else(|_| own())
        }?;
        let terminal = Self {
            tty: Some(tty),
            original,
            queue: Vec::new(),
            is_new: true,
        };
        terminal.rest();
        Ok(terminal)
    }

    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.tty.as_ref().map(AsFd::as_fd)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.tty.is_none()
    }

    /// Whether everything queued has been taken by the terminal (or never will be).
    pub(super) fn is_flushed(&self) -> bool {
        self.queue.is_empty()
    }

    /// Queues bytes and writes as much as the terminal takes.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.tty.is_some() {
            if std::mem::take(&mut self.is_new) {
                self.queue.extend_from_slice(RESET);
            }
            self.queue.extend_from_slice(bytes);
            self.flush();
        }
    }

    /// The same for text that nobody misses: dropped if a lot is waiting already.
    pub(super) fn write_note(&mut self, bytes: &[u8]) {
        if self.queue.len() < NOTES_UP_TO {
            self.write(bytes);
        }
    }

    /// Writes what is queued, without waiting.
    pub(super) fn flush(&mut self) {
        while let Some(tty) = &self.tty
            && !self.queue.is_empty()
        {
            match rustix::io::write(tty, &self.queue) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(count) => drop(self.queue.drain(..count)),
                Err(Errno::INTR) => {}
                Err(_) => self.lose(),
            }
        }
        self.queue = Vec::new();
    }

    /// Makes the terminal the next run's: as tmux made it, not stopped, without keys typed before.
    pub(super) fn hand_over(&self) {
        if let Some(tty) = &self.tty {
            let _gone = tcflow(tty, Action::OOn);
            let _gone = tcsetattr(tty, OptionalActions::Now, &self.original);
            let _gone = tcflush(tty, QueueSelector::IFlush);
        }
    }

    /// Takes the terminal back after a run: keys come singly and without echo, Ctrl-S and Ctrl-C mean nothing,
    /// what was typed for the ended service is discarded. Output that Ctrl-S had stopped goes on, since the
    /// system restarts it when flow control is turned off.
    pub(super) fn take_back(&self) {
        let _gone = tcsetpgrp(stdio::stdin(), getpgrp());
        self.rest();
    }

    fn rest(&self) {
        let Some(tty) = &self.tty else { return };
        let _gone = tcflow(tty, Action::OOn);
        // Through the original first: a service that had turned flow control off itself may have left it so
        // after stopping the output, and only the change from on to off starts it again.
        let _gone = tcsetattr(tty, OptionalActions::Now, &self.original);
        let mut idle = self.original.clone();
        idle.input_modes.remove(InputModes::IXON);
        idle.local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        idle.special_codes[SpecialCodeIndex::VMIN] = 1;
        idle.special_codes[SpecialCodeIndex::VTIME] = 0;
        let _gone = tcsetattr(tty, OptionalActions::Now, &idle);
        let _gone = tcflush(tty, QueueSelector::IFlush);
    }

    /// Reads the keys that wait. The terminal may turn out to be gone.
    pub(super) fn read_keys(&mut self) -> Keys {
        let mut keys = Keys::default();
        let mut bytes = [0; 256];
        while let Some(tty) = &self.tty {
            match rustix::io::read(tty, &mut bytes) {
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => self.lose(),
                Ok(count) => {
                    keys.enter |= bytes[..count].iter().any(|byte| matches!(byte, b'\r' | b'\n'));
                }
            }
        }
        keys
    }

    /// The terminal is gone, or to be treated so: nothing is written or read from now on.
    pub(super) fn lose(&mut self) {
        self.tty = None;
        self.queue = Vec::new();
    }
}
