//! The connection to the controller. Never waits: a controller that is stopped or gone must not hold up the
//! shim. What is said over it is decided elsewhere.

use super::order_text::Orders;
use super::protocol::{Order, Report};
use super::wire::{self, Unreadable};
use crate::platform::peer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// A controller that leaves this much unread is given up; it learns the state from the next hello. A hello
/// with a whole environment fits.
const MOST_UNREAD: usize = wire::MAX_LINE + 64 * 1024;

/// With more unread than this, small talk is left out.
const SMALL_TALK_UP_TO: usize = 64 * 1024;

/// Orders that a later controller sends and this build does not know are skipped.
#[derive(Debug)]
pub(super) struct Link {
    socket: UnixStream,
    /// Device and inode of the listener's file.
    listener: Option<(u64, u64)>,
    incoming: Orders,
    outgoing: Vec<u8>,
}

impl Link {
    /// Connects, or says at once why not; `WouldBlock` means that the controller's queue is full.
    pub(super) fn connect(path: &Path) -> io::Result<Self> {
        // Before connecting: one that is replaced in between is then taken for another, and connected to again.
        let listener = listener_at(path);
        let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
        rustix::io::ioctl_fionbio(&socket, true)?;
        connect(&socket, &SocketAddrUnix::new(path)?)?;
        Ok(Self {
            socket: socket.into(),
            listener,
            incoming: Orders::default(),
            outgoing: Vec::new(),
        })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether it stands, and whoever listens at `path` now is its other end. A file keeps its number for as long as
    /// its listener lives, and every controller makes one of its own.
    pub(super) fn leads_to(&self, path: &Path) -> bool {
        self.stands() && self.listener.is_some() && self.listener == listener_at(path)
    }

    fn stands(&self) -> bool {
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        let mut ends = [PollFd::new(&self.socket, PollFlags::empty())];
        poll(&mut ends, Some(&at_once)) == Ok(0)
    }

    /// Whether it stands, and `other` is a second one to the same controller, which then listens anew: from here on this
    /// one leads there.
    pub(super) fn is_with_the_same(&mut self, other: &Self) -> bool {
        let of = peer::pid(&self.socket);
        let is_same = self.stands() && of.is_some() && of == peer::pid(&other.socket);
        if is_same {
            self.listener = other.listener;
        }
        is_same
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether so little is unread that there is room for what nobody would miss.
    pub(super) fn takes_small_talk(&self) -> bool {
        self.outgoing.len() < SMALL_TALK_UP_TO
    }

    /// Queues a report and sends what can be sent. After an error the link is of no use any more.
    pub(super) fn send(&mut self, report: &Report) -> io::Result<()> {
        self.outgoing.extend(wire::encode(report));
        self.flush()?;
        if self.outgoing.len() > MOST_UNREAD {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Sends what is queued, without waiting.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.outgoing = Vec::new();
        Ok(())
    }

    /// Reads what has arrived. `false` at the end of the connection; orders before it still count.
    pub(super) fn receive(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        loop {
            match self.socket.read(&mut bytes) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.incoming.push(&bytes[..count]);
                    if count < bytes.len() {
                        return Ok(true);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The next order that has arrived whole.
    pub(super) fn next_order(&mut self) -> Result<Option<Order>, Unreadable> {
        self.incoming.next()
    }
}

fn listener_at(path: &Path) -> Option<(u64, u64)> {
    let file = path.symlink_metadata().ok()?;
    Some((file.dev(), file.ino()))
}
