//! The end of a controller, with its session or without: why it leaves, who is answered, and what is put away.

use super::core::{Controller, Outlets};
use super::ending::{Cause, Outcome, end_tmux};
use super::left_over::LeftOver;
use super::session::DetachReply;
use super::stalls;
use crate::api;
use crate::diag::Diagnostic;
use crate::logs::Console;
use crate::logs::store::Troubles;
use crate::model::Signal;
use crate::workspace::{SessionInfo, SessionLock};
use std::time::Duration;

/// Orders that are under way when the session ends are written within this.
const LAST_ORDERS: Duration = Duration::from_millis(200);

/// A disk that takes nothing for so long counts as stuck.
const DISK_STALLS: Duration = Duration::from_secs(2);

/// A terminal that takes nothing for so long counts as stopped.
const STALLS: Duration = Duration::from_secs(1);

/// Why the loop ends before its services have.
#[derive(Debug)]
pub(super) enum Leave {
    /// A third Ctrl-C: whatever is left, leave.
    AtOnce(Signal),
    /// A background controller takes over.
    Detach(DetachReply),
    /// Another session took the lock after somebody had removed its file.
    Deposed,
    /// Ctrl-Z: not for good.
    Suspend,
    /// tmux cannot be started.
    NoTmux(Diagnostic),
    /// What an earlier session has left cannot be taken over: all of it is left as it is.
    NoAnswer(Diagnostic),
}

impl Leave {
    /// Whether the session is over with this controller.
    pub(super) fn ends_session(&self) -> bool {
        match self {
            Self::NoTmux(_) => true,
            Self::AtOnce(_) | Self::Detach(_) | Self::Deposed | Self::Suspend | Self::NoAnswer(_) => false,
        }
    }
}

impl Controller {
    /// Has the lines that are on their way to the disk be written, as long as it takes any: one that hangs must not keep
    /// the session from its end.
    async fn write_last_lines(&mut self, signals: &mut signal_hook_tokio::Signals) {
        let Some(store) = self.hub.store() else {
            return;
        };
        let (flushed, writing) = (store.flushed(), store.flushing());
        let is_written = stalls::wait(flushed, || writing.written(), Some(DISK_STALLS), signals).await;
        if is_written.is_none() {
            let lines = writing.unwritten();
            self.say_alarm(&format!(
                "logs were not written to their end: {lines} lines are missing there"
            ));
        }
    }

    /// What the last lines met on their way to the disk: a short session may be over before the loop has heard of it.
    fn tell_last_troubles(&mut self, troubles: Option<Troubles>) {
        for sentence in troubles.into_iter().flat_map(Troubles::rest) {
            self.say_alarm(&sentence);
        }
        self.flush_output();
    }

    /// After the loop: answers who waits, removes what was the session's, and lets the console finish.
    pub(super) async fn put_away(mut self, outlets: Outlets) -> Outcome {
        self.flush_output();
        let leave = self.leave.take();
        self.tell_end_of_loop(leave.as_ref());
        let at_once = matches!(leave, Some(Leave::AtOnce(_)));
        let Outlets {
            mut signals,
            log_troubles,
            ..
        } = outlets;
        self.facts.desk.close();
        if !at_once {
            self.write_last_lines(&mut signals).await;
        }
        self.tell_last_troubles(log_troubles);
        let console = self.console.take().map(|console| LastWrite { console, signals });
        let quit_results = self.quit_results();
        let first = self.first_end();
        let cause = self.cause_of(leave.as_ref());
        // Whoever follows the output gets the rest of it, and then its end; where no controller comes any more, with a
        // word on it.
        if leave.as_ref().is_none_or(Leave::ends_session) {
            self.hub.end_session();
        }
        drop(self.hub);
        self.events.close_journal();
        drop(self.events);
        if let Some(door) = self.shim_door.take() {
            door.abort();
        }
        self.lane_door.close();
        // Who runs a command here is told before the connection goes.
        if !at_once {
            self.errands.finish().await;
        }
        if let Some(Leave::Detach(reply)) = leave {
            if let Some(publishing) = self.publishing {
                publishing.finish().await;
            }
            self.lanes.close_all(&mut self.windows);
            self.windows.let_go().await;
            step_back(&mut self.info, &self.lock);
            self.lock.leave();
            self.api.iter_mut().for_each(api::server::Server::leave_port);
            if let Some(console) = console {
                console.finish(Reader::Hurried).await;
            }
            // Servers and their connections live on until the asker has its answer.
            return Outcome::Detach {
                reply,
                servers: self.api,
            };
        }
        // Who is told that all is gone may serve there the next moment.
        self.api.iter_mut().for_each(api::server::Server::leave_port);
        self.hooks.end_now();
        self.links.finish(LAST_ORDERS).await;
        let is_over = match &leave {
            Some(Leave::Deposed | Leave::NoAnswer(_)) => false,
            Some(Leave::AtOnce(_)) => true,
            // Our client ended before it was told which server it had started.
            Some(Leave::NoTmux(_)) if self.info.tmux_pid.is_none() => {
                let site = &self.windows.site;
                let started = LeftOver::find(&site.server, &site.shim_socket, None).await;
                started.end().await;
                true
            }
            Some(Leave::NoTmux(_) | Leave::Detach(_) | Leave::Suspend) | None => {
                end_tmux(&self.windows.site.server, self.info.tmux_pid).await;
                true
            }
        };
        // Whoever finds no session any more finds how it ended.
        if let Some(at_end) = self
            .at_end
            .take()
            .filter(|_| is_over && !is_without_tmux(leave.as_ref()))
        {
            at_end.note(&cause, first.as_ref());
        }
        if is_over {
            self.lock.end();
        } else {
            if matches!(leave, Some(Leave::NoAnswer(_))) {
                step_back(&mut self.info, &self.lock);
            }
            self.lock.leave();
        }
        // Only now is everything gone.
        for reply in self.quitters {
            drop(reply.send(Ok(quit_results.clone())));
        }
        // Who still waits for something else is told by its connection's end.
        drop((self.waits, self.lookers, self.looks));
        if let Some(publishing) = self.publishing {
            publishing.finish().await;
        }
        for server in self.api {
            server.finish().await;
        }
        let reader = Reader::after(at_once, &cause);
        let unwritten = match console {
            Some(console) => console.finish(reader).await,
            None => 0,
        };
        match leave {
            Some(Leave::NoTmux(error) | Leave::NoAnswer(error)) => Outcome::NoTmux(error),
            Some(Leave::Deposed | Leave::AtOnce(_) | Leave::Detach(_) | Leave::Suspend) | None => {
                Outcome::Ended {
                    cause,
                    first,
                    unwritten,
                }
            }
        }
    }

    fn cause_of(&self, leave: Option<&Leave>) -> Cause {
        match leave {
            Some(Leave::Deposed) => Cause::Deposed,
            Some(Leave::AtOnce(signal)) => Cause::Signal(*signal),
            Some(Leave::NoTmux(_) | Leave::NoAnswer(_) | Leave::Detach(_) | Leave::Suspend) | None => {
                self.cause()
            }
        }
    }
}

/// Says where the next controller finds the session, and that this one is not to be called back to it. A disk that is
/// full does not take that either.
fn step_back(info: &mut SessionInfo, lock: &SessionLock) {
    info.pid_started = None;
    info.write(lock).ok();
}

/// Told by its error instead.
fn is_without_tmux(leave: Option<&Leave>) -> bool {
    matches!(leave, Some(Leave::NoTmux(_)))
}

/// Whether a terminal that does not read (Ctrl-S) is waited for when its session is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// Whoever ended the session is somewhere else, or wants to be rid of it.
    Hurried,
    /// The session has ended by itself: what it ended with is to be read when somebody comes back.
    Awaited,
    /// Not even for a moment.
    Left,
}

impl Reader {
    fn after(at_once: bool, cause: &Cause) -> Self {
        match cause {
            _ if at_once => Self::Left,
            cause if cause.is_its_own() => Self::Awaited,
            _ => Self::Hurried,
        }
    }
}

/// The console, and the signals that end waiting for it.
struct LastWrite {
    console: Console,
    signals: signal_hook_tokio::Signals,
}

impl LastWrite {
    /// Has all be written, as long as the terminal takes anything, or is waited for; says how many lines it was not
    /// given. Nothing is left that a signal could stop, so the first one ends it.
    async fn finish(mut self, reader: Reader) -> u64 {
        if reader == Reader::Left {
            return self.console.abort();
        }
        let patience = (reader == Reader::Hurried).then_some(STALLS);
        let console = &self.console;
        let flushed = stalls::wait(console.flush(), || console.written(), patience, &mut self.signals);
        match flushed.await {
            Some(()) => 0,
            None => self.console.abort(),
        }
    }
}
