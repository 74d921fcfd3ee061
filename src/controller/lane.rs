//! One open lane: its pipe, and how it is read. Which panes have lanes, and what is done with one that is behind, is
//! in `lanes.rs`.

use crate::model::InstanceId;
use crate::tmux::PaneId;
use std::io;
use std::task::Context;
use tokio::net::UnixStream;

/// What one lane may say before others have their turn.
const TURN: usize = 512 * 1024;

/// An open lane.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) pane: PaneId,
    pub(super) instance: InstanceId,
    stream: UnixStream,
    /// Bytes at its beginning that control mode has brought already.
    skip: usize,
    /// Read since it was last found empty.
    pub(super) unbroken: usize,
    /// Its pane's output is in the control stream as well, which is read only when the lane is empty: so tmux
    /// reads the pane no faster than we read the lane.
    pub(super) held: bool,
}

/// What reading a lane came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Empty,
    More,
    Ended,
}

impl Lane {
    /// One whose first `skip` bytes control mode has brought already.
    pub(super) fn new(pane: PaneId, instance: InstanceId, stream: UnixStream, skip: usize) -> Self {
        Self {
            pane,
            instance,
            stream,
            skip,
            unbroken: 0,
            held: false,
        }
    }

    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> bool {
        self.stream.poll_read_ready(context).is_ready()
    }

    /// Reads a bounded amount, and gives it to `feed`.
    pub(super) fn read(&mut self, buffer: &mut [u8], feed: &mut impl FnMut(InstanceId, &[u8])) -> Read {
        let mut budget = TURN;
        while budget > 0 {
            match self.stream.try_read(buffer) {
                Ok(0) => return Read::Ended,
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.unbroken += count;
                    self.pass_on(&buffer[..count], feed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unbroken = 0;
                    return Read::Empty;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Read::Ended,
            }
        }
        Read::More
    }

    /// Reads what is left, when the other end is closed.
    pub(super) fn read_rest(&mut self, buffer: &mut [u8], feed: &mut impl FnMut(InstanceId, &[u8])) {
        while let Ok(count @ 1..) = rustix::io::read(&self.stream, &mut *buffer) {
            self.pass_on(&buffer[..count], feed);
        }
    }

    fn pass_on(&mut self, bytes: &[u8], feed: &mut impl FnMut(InstanceId, &[u8])) {
        let known = self.skip.min(bytes.len());
        self.skip -= known;
        if known < bytes.len() {
            feed(self.instance, &bytes[known..]);
        }
    }
}
