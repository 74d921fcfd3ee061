//! The end of a controller, with its session or without: why it leaves, who is answered, and what is put away.

use super::core::{Controller, Outlets};
use super::ending::{Cause, Outcome, end_tmux};
use super::session::DetachReply;
use crate::api;
use crate::diag::Diagnostic;
use crate::model::Signal;
use std::time::Duration;

/// Orders that are under way when the session ends are written within this.
const LAST_ORDERS: Duration = Duration::from_millis(200);

/// Lines that are on their way to the disk when the session ends are written within this.
const LAST_LINES: Duration = Duration::from_secs(2);

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
    /// After the loop: answers who waits, lets the console finish, and removes what was the session's.
    pub(super) async fn put_away(mut self, outlets: Outlets) -> Outcome {
        self.flush_output();
        let leave = self.leave.take();
        self.tell_end_of_loop(leave.as_ref());
        let at_once = matches!(leave, Some(Leave::AtOnce(_)));
        drop(outlets);
        if let Some(console) = &self.console {
            if at_once {
                console.abort();
            } else {
                console.flush().await;
            }
        }
        // A disk that hangs must not keep the session from its end.
        if let Some(store) = self.hub.store().filter(|_| !at_once) {
            let flushed = store.flushed();
            drop(tokio::time::timeout(LAST_LINES, flushed).await);
        }
        let quit_results = self.quit_results();
        let first = self.first_end();
        let cause = self.cause();
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
        match leave {
            Some(Leave::Detach(reply)) => {
                if let Some(publishing) = self.publishing {
                    publishing.finish().await;
                }
                self.lanes.close_all(&mut self.windows);
                self.windows.let_go().await;
                self.lock.leave();
                self.api.iter_mut().for_each(api::server::Server::leave_port);
                // Servers and their connections live on until the asker has its answer.
                Outcome::Detach {
                    reply,
                    servers: self.api,
                }
            }
            leave => {
                // Who is told that all is gone may serve there the next moment.
                self.api.iter_mut().for_each(api::server::Server::leave_port);
                self.hooks.end_now();
                self.links.finish(LAST_ORDERS).await;

                match &leave {
                    Some(Leave::Deposed) => self.lock.leave(),
                    Some(Leave::NoAnswer(_)) => {
                        // For the next one to find it by. A disk that is full does not take that either.
                        self.info.write(&self.lock).ok();
                        self.lock.leave();
                    }
                    Some(Leave::AtOnce(_)) => self.lock.end(),
                    _ => {
                        end_tmux(&self.windows.site.server, self.info.tmux_pid).await;
                        self.lock.end();
                    }
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
                match leave {
                    Some(Leave::NoTmux(error) | Leave::NoAnswer(error)) => Outcome::NoTmux(error),
                    Some(Leave::Deposed) => Outcome::Ended {
                        cause: Cause::Deposed,
                        first,
                    },
                    Some(Leave::AtOnce(signal)) => Outcome::Ended {
                        cause: Cause::Signal(signal),
                        first,
                    },
                    Some(Leave::Detach(_) | Leave::Suspend) | None => Outcome::Ended { cause, first },
                }
            }
        }
    }
}
