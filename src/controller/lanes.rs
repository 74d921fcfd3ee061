//! Which panes have a lane: the raw output of a busy pane, beside control mode. Every pane begins in control
//! mode; one that prints much in a short time gets a lane, and loses it without harm: the way back is control
//! mode and the scrollback. Decides when, opens, reads and closes; what the bytes mean is the hub's business.

use super::lane::{Lane, Read};
use super::lane_attempt::{Attempt, Next};
use super::windows::Windows;
use crate::logs::Hub;
use crate::model::{InstanceId, Moment};
use crate::tmux::command::Command;
use crate::tmux::{PaneId, Reply};
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::task::Poll;
use std::time::Duration;
use tokio::net::UnixStream;

/// A pane that prints this much over control mode within [`WHILE`] is busy.
const BUSY: u64 = 256 * 1024;
const WHILE: Duration = Duration::from_secs(2);
/// How long a pane goes without another attempt when it cannot have a lane: somebody else pipes it, or the
/// helper did not come.
const REST: Duration = Duration::from_secs(30);
/// Each lane is a descriptor.
const MOST: usize = 64;
/// One read.
const READ: usize = 64 * 1024;
/// A lane of which this much was read without once finding it empty is behind tmux, which keeps in its memory
/// what a pipe does not take: its pane must wait for us until the lane is empty.
const BEHIND: usize = 8 * 1024 * 1024;

/// How a pane's output comes here.
#[derive(Clone, Copy, Debug)]
enum Road {
    Control {
        /// When what is counted began.
        since: Moment,
        bytes: u64,
        not_before: Moment,
    },
    Lane,
}

impl Road {
    const NEW: Self = Self::Control {
        since: Moment(Duration::ZERO),
        bytes: 0,
        not_before: Moment(Duration::ZERO),
    };

    fn resting_until(not_before: Moment) -> Self {
        Self::Control {
            since: not_before,
            bytes: 0,
            not_before,
        }
    }
}

/// The lanes of a session.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// By pane number.
    roads: Vec<Road>,
    open: Vec<Lane>,
    attempt: Option<Attempt>,
    /// The pane that is to have a lane next.
    wanted: Option<PaneId>,
    tokens: u64,
    /// Who is first in the next turn.
    first: usize,
    buffer: Vec<u8>,
}

impl Lanes {
    // ── what control mode says ──

    /// A pane's output came over control mode. Whether it is to be used; if not, its lane has it.
    #[inline]
    pub(super) fn on_output(&mut self, now: Moment, pane: PaneId, length: usize) -> bool {
        if let Some(attempt) = &mut self.attempt {
            attempt.on_output(pane, length);
        }
        let index = pane.0 as usize;
        if index >= self.roads.len() {
            self.roads.resize(index + 1, Road::NEW);
        }
        let Road::Control {
            since,
            bytes,
            not_before,
        } = &mut self.roads[index]
        else {
            return false;
        };
        if now.since(*since) > WHILE {
            (*since, *bytes) = (now, 0);
        }
        *bytes += length as u64;
        if *bytes >= BUSY && *not_before <= now {
            self.wanted = Some(pane);
        }
        true
    }

    /// Whether the reply was to a command of ours; to be told of it in its place among the output.
    pub(super) fn on_reply(&mut self, reply: &Reply) -> bool {
        self.attempt
            .as_mut()
            .is_some_and(|attempt| attempt.on_reply(reply))
    }

    /// Something changed among tmux's windows or clients.
    pub(super) fn on_notice(&mut self) {
        self.spoil_attempt();
    }

    fn spoil_attempt(&mut self) {
        if let Some(attempt) = &mut self.attempt {
            attempt.spoil();
        }
    }

    // ── opening ──

    /// A helper has handed a pane's pipe over.
    pub(super) fn on_pipe(&mut self, token: u64, pipe: OwnedFd) {
        // The pipe of an attempt that was given up is closed by being dropped.
        if let Some(attempt) = &mut self.attempt
            && attempt.token() == token
        {
            let stream = StdStream::from(pipe);
            attempt.stream = stream
                .set_nonblocking(true)
                .and_then(|()| UnixStream::from_std(stream))
                .ok();
        }
    }

    /// Whether there is an attempt in hand, or one to begin.
    pub(super) fn has_work(&self) -> bool {
        self.attempt.is_some() || self.wanted.is_some()
    }

    /// Takes the attempt in hand a step further, or begins one. `socket`: where helpers are to go.
    pub(super) fn advance(&mut self, now: Moment, windows: &mut Windows, socket: &str) {
        if self.attempt.is_none() && !self.begin_attempt(windows) {
            return;
        }
        while let Some(attempt) = &mut self.attempt {
            match attempt.next() {
                Next::Wait => break,
                Next::Ask => {
                    let number = windows.send(&Command::has_pipe(attempt.pane));
                    attempt.asked(number);
                }
                Next::Open => {
                    let program = &windows.site.program;
                    let command = Command::open_lane(attempt.pane, program, socket, attempt.token());
                    let number = windows.send(&command);
                    attempt.opening(number);
                }
                Next::Confirm => {
                    let number = windows.send(&Command::nothing());
                    attempt.confirming(number);
                }
                Next::Use => self.use_pipe(windows),
                Next::GiveUp { close, rest } => {
                    let pane = attempt.pane;
                    if close {
                        windows.tell(&Command::close_lane(pane));
                    }
                    let not_before = if rest { now + REST } else { now };
                    self.set_road(pane, Road::resting_until(not_before));
                    self.attempt = None;
                }
            }
        }
        windows.flush();
    }

    fn begin_attempt(&mut self, windows: &Windows) -> bool {
        let Some(pane) = self.wanted.take() else {
            return false;
        };
        let Some(Some(instance)) = windows.panes().get(pane.0 as usize) else {
            return false;
        };
        let is_busy =
            matches!(self.roads.get(pane.0 as usize), Some(Road::Control { bytes, .. }) if *bytes >= BUSY);
        if !is_busy || self.open.len() >= MOST || !windows.is_up() {
            return false;
        }
        self.tokens += 1;
        self.attempt = Some(Attempt::new(pane, *instance, self.tokens));
        true
    }

    fn use_pipe(&mut self, windows: &mut Windows) {
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        let Some(stream) = attempt.stream else { return };
        self.set_road(attempt.pane, Road::Lane);
        self.open
            .push(Lane::new(attempt.pane, attempt.instance, stream, attempt.after));
        windows.tell(&Command::pause_output(attempt.pane));
    }

    fn set_road(&mut self, pane: PaneId, road: Road) {
        if let Some(place) = self.roads.get_mut(pane.0 as usize) {
            *place = road;
        }
    }

    // ── reading ──

    /// Waits until a lane has something to read; for ever if there is none.
    pub(super) async fn readable(&self) {
        poll_fn(|context| {
            let ready = self.open.iter().any(|lane| lane.poll_readable(context));
            if ready { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Reads what the lanes have, a bounded amount of each, and gives it to the hub. Says which have ended: by
    /// the pane's end, or because somebody else pipes the pane now.
    pub(super) fn read(
        &mut self,
        now: Moment,
        at_ms: u64,
        hub: &mut Hub,
        windows: &mut Windows,
    ) -> Vec<(PaneId, InstanceId)> {
        if self.open.is_empty() {
            return Vec::new();
        }
        self.buffer.resize(READ, 0);
        let mut ended = BTreeSet::new();
        let count = self.open.len();
        self.first = (self.first + 1) % count;
        for turn in 0..count {
            let index = (self.first + turn) % count;
            let lane = &mut self.open[index];
            let read = lane.read(&mut self.buffer, &mut |instance, bytes| {
                hub.feed(now, at_ms, instance, bytes);
            });
            match read {
                Read::Ended => {
                    ended.insert(index);
                }
                Read::Empty if lane.held => {
                    lane.held = false;
                    windows.tell(&Command::pause_output(lane.pane));
                    self.spoil_attempt();
                }
                Read::More if !lane.held && lane.unbroken > BEHIND => {
                    lane.held = true;
                    windows.tell(&Command::continue_output(lane.pane));
                }
                Read::Empty | Read::More => {}
            }
        }
        let mut gone = Vec::new();
        for index in ended.into_iter().rev() {
            let lane = self.open.swap_remove(index);
            self.set_road(lane.pane, Road::resting_until(now + REST));
            gone.push((lane.pane, lane.instance));
        }
        gone
    }

    /// Whether the control stream has to wait, so that tmux waits with the panes that are ahead of us.
    pub(super) fn hold_control_back(&self) -> bool {
        self.open.iter().any(|lane| lane.held)
    }

    // ── endings ──

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    pub(super) fn has(&self, instance: InstanceId) -> bool {
        self.open.iter().any(|lane| lane.instance == instance)
    }

    /// A new control client came after a lost one: it is not to bring what the lanes bring.
    pub(super) fn on_new_client(&mut self, windows: &mut Windows) {
        for lane in &mut self.open {
            lane.held = false;
            windows.tell(&Command::pause_output(lane.pane));
        }
    }

    /// The control client is gone, and with it the answers that an attempt waits for.
    pub(super) fn lost_client(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.set_road(attempt.pane, Road::NEW);
        }
        self.wanted = None;
    }

    /// Has tmux end all pipes. What they still hold is for [`Self::finish`], when the client has been let go.
    pub(super) fn close_all(&mut self, windows: &mut Windows) {
        let attempted = self.attempt.take().filter(Attempt::may_have_pipe);
        for pane in self
            .open
            .iter()
            .map(|lane| lane.pane)
            .chain(attempted.map(|attempt| attempt.pane))
        {
            windows.tell(&Command::close_lane(pane));
        }
    }

    /// Reads what is left in the lanes, whose other ends are closed, and forgets all panes.
    pub(super) fn finish(&mut self, mut feed: impl FnMut(InstanceId, &[u8])) {
        self.buffer.resize(READ, 0);
        for mut lane in std::mem::take(&mut self.open) {
            lane.read_rest(&mut self.buffer, &mut feed);
        }
        self.forget();
    }

    /// All panes are gone, or are somebody else's to read.
    pub(super) fn forget(&mut self) {
        self.open.clear();
        self.roads.clear();
        self.attempt = None;
        self.wanted = None;
    }
}
