//! The session's way down: who ended it, what is said about it, and when nothing of it is left.

use super::actions::LAST_WORDS;
use super::core::Controller;
use super::left_over::is_tmux;
use super::session::DetachReply;
use super::words;
use crate::api::server::Server as ApiServer;
use crate::diag::Diagnostic;
use crate::logs::Tone;
use crate::model::{Exit, FailureReason, InstanceId, RunId, Signal, State};
use crate::shim::protocol::Order;
use crate::supervisor::{EndCause, QuitWhy};
use crate::tmux::command::Command;
use crate::tmux::server::{Server, ServerProcess};
use std::fmt;
use std::time::Duration;

/// How a controller ended.
#[derive(Debug)]
pub enum Outcome {
    /// The session is over.
    Ended {
        cause: Cause,
        first: Option<FirstEnd>,
        /// So many lines the terminal did not take any more.
        unwritten: u64,
    },
    /// The session lives; a background controller is to take it over, and `reply` waits for its pid. The
    /// servers are to be finished after that.
    Detach {
        reply: DetachReply,
        servers: Vec<ApiServer>,
    },
    /// tmux could not be started, or is too old.
    NoTmux(Diagnostic),
}

/// Why a session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The end of a service that may not end; [`FirstEnd`] tells of it.
    Service(Exit),
    CouldNotStart,
    /// A service that may not be skipped was; [`FirstEnd`] tells of it.
    Skipped,
    /// Everything in it has ended; these failed, each with how.
    Completed {
        failed: Vec<(String, String)>,
    },
    /// `ovr quit`.
    Quit,
    Signal(Signal),
    TmuxLost,
    /// Somebody removed the session's files and another session took its place.
    Deposed,
}

impl Cause {
    /// Whether the session ended by itself: nobody asked for it, and nothing broke.
    pub fn is_its_own(&self) -> bool {
        match self {
            Self::Service(_) | Self::CouldNotStart | Self::Skipped | Self::Completed { .. } => true,
            Self::Quit | Self::Signal(_) | Self::TmuxLost | Self::Deposed => false,
        }
    }
}

type Note = dyn FnOnce(&Cause, Option<&FirstEnd>) + Send;

/// What is done when a session is over and still holds its lock.
pub struct AtEnd(Box<Note>);

impl AtEnd {
    pub fn new(note: impl FnOnce(&Cause, Option<&FirstEnd>) + Send + 'static) -> Self {
        Self(Box::new(note))
    }

    pub(super) fn note(self, cause: &Cause, first: Option<&FirstEnd>) {
        (self.0)(cause, first);
    }
}

impl fmt::Debug for AtEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtEnd")
    }
}

/// The service that ended first, where that ended the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstEnd {
    pub name: String,
    /// `exited with code 3 after 12 s`.
    pub how: String,
    pub last_lines: Vec<String>,
}

/// A view leaves within milliseconds; one that is stopped must not keep the session from its end.
const VIEWS_LEAVE: Duration = Duration::from_secs(1);

/// How long tmux may take to end by itself.
const TMUX_ENDS: Duration = Duration::from_secs(1);

/// Sees to it that the tmux server is gone. It waits for its clients before it ends, and for ever for one whose
/// output has no reader any more: that of a controller that was killed at a bad moment.
pub(super) async fn end_tmux(server: &Server, pid: Option<u32>) {
    if let Some(pid) = pid.filter(|pid| is_tmux(*pid))
        && let Ok(process) = ServerProcess::open(pid)
    {
        // If it is not ours to end, nobody else is here to do it.
        process.end(server, TMUX_ENDS).await.ok();
    }
}

impl Controller {
    pub(super) fn on_ending(&mut self, cause: EndCause) {
        self.ending = Some(cause);
        self.note_ending(true);
        self.tell_ending(cause);
        let text = match cause {
            EndCause::Service { instance, .. } | EndCause::CouldNotStart { instance } => {
                format!(
                    "{} ended; stopping the other services",
                    self.host(instance).name()
                )
            }
            EndCause::Skipped { instance, .. } => {
                let name = self.host(instance).name();
                format!("{name} cannot be started; stopping the other services")
            }
            EndCause::Completed | EndCause::Quit(_) => return,
        };
        if self.live_count() > 0 {
            self.say_session(Tone::Quiet, &text);
        }
    }

    /// Nothing runs any more: what is left of the output passes, then tmux ends, and its windows with it.
    pub(super) fn on_finish(&mut self, cause: EndCause) {
        self.finished = Some(cause);
        self.limit_hooks();
        self.begin_way_down();
        if self.viewers > 0 {
            self.windows.tell(&Command::detach_others());
            self.views_deadline = Some(self.clock.now() + VIEWS_LEAVE);
        }
        self.advance_finish();
    }

    /// Takes the next step of the way down, whenever something has happened that may allow it.
    pub(super) fn advance_finish(&mut self) {
        if self.finished.is_none() {
            return;
        }
        if self.has_views() {
            return;
        }
        if !self.kill_sent {
            // A shim that ends takes what tmux has not read along, so its last words must be here first.
            if self.ids().any(|id| self.owes_output(id)) {
                return;
            }
            // tmux ends before its windows do: it dies of the last of several that close in one of its turns (seen on
            // 3.3a; the code is the same in 3.5a), and each takes it longer than all of them at once.
            self.kill_sent = true;
            self.await_tmux();
            self.windows.tell(&Command::kill_server());
            self.windows.flush();
        }
        if !self.windows.is_connected() {
            self.close_shims();
        }
    }

    /// tmux is gone, which has ended the shims with their windows; one that has not heard of it is told.
    fn close_shims(&mut self) {
        for instance in self.ids() {
            let has_come = self.host(instance).shim.is_some();
            if has_come && self.close_sent.insert(instance) {
                self.order(instance, &Order::Close);
            }
        }
        self.await_shims();
    }

    /// Whether somebody's view has yet to leave. tmux 3.3a dies of windows that go while a view of them is
    /// leaving, and a view whose server dies leaves its terminal as it was.
    fn has_views(&self) -> bool {
        self.viewers > 0 && self.windows.is_up() && self.views_deadline.is_some()
    }

    /// Whether output of the last run is still on its way through tmux.
    pub(super) fn owes_output(&self, instance: InstanceId) -> bool {
        let run = self.host(instance).run.as_ref().map(|run| run.id);
        run.is_some_and(|run| self.owes_output_of(instance, run))
    }

    /// The same for any of its runs that has ended.
    pub(super) fn owes_output_of(&self, instance: InstanceId, run: RunId) -> bool {
        let has_terminal = self
            .host(instance)
            .shim
            .as_ref()
            .is_some_and(|shim| shim.pane.is_some());
        has_terminal
            && self.windows.is_up()
            && !self.way_down.is_speechless
            && !self.hub.is_complete(instance, run)
    }

    pub(super) fn live_count(&self) -> usize {
        self.ids().filter(|id| self.machine.state(*id).is_live()).count()
    }

    pub(super) fn cause(&self) -> Cause {
        match self.finished.or(self.ending) {
            Some(EndCause::Service { instance, exit, .. }) => Cause::Service(self.counted(instance, exit)),
            Some(EndCause::Skipped { .. }) => Cause::Skipped,
            Some(EndCause::Completed) => Cause::Completed {
                failed: self.failed(),
            },
            Some(EndCause::CouldNotStart { .. }) => Cause::CouldNotStart,
            Some(EndCause::Quit(QuitWhy::Asked)) | None => Cause::Quit,
            Some(EndCause::Quit(QuitWhy::Signal(signal))) => Cause::Signal(signal),
            Some(EndCause::Quit(QuitWhy::TmuxLost)) => Cause::TmuxLost,
        }
    }

    pub(super) fn first_end(&self) -> Option<FirstEnd> {
        let (instance, how) = match self.finished.or(self.ending)? {
            EndCause::Service { instance, exit, .. } => (instance, self.end_words(instance, exit)),
            EndCause::CouldNotStart { instance } => (instance, self.start_failure(instance)),
            EndCause::Skipped { instance, .. } => {
                let why = self.host(instance).skipped.as_deref();
                (
                    instance,
                    format!("was skipped: {}", why.unwrap_or("what it needs cannot come up")),
                )
            }
            EndCause::Completed | EndCause::Quit(_) => return None,
        };
        let last_lines = self.last_lines(instance, LAST_WORDS);
        Some(FirstEnd {
            name: self.host(instance).name(),
            how,
            last_lines,
        })
    }

    /// An end as the session passes it on: a code that counts as success is one, unless it was ended for having
    /// failed.
    fn counted(&self, instance: InstanceId, exit: Exit) -> Exit {
        let good = |code| code == 0 || self.host(instance).spec.policy.success_codes.contains(&code);
        match exit {
            Exit::Code(code) if good(code) => {
                let has_failed = matches!(self.machine.state(instance), State::Failed { .. });
                Exit::Code(i32::from(has_failed))
            }
            Exit::Code(_) | Exit::Signal(_) => exit,
        }
    }

    /// Who has failed, and how.
    fn failed(&self) -> Vec<(String, String)> {
        let failed = self.ids().filter_map(|id| match self.machine.state(id) {
            State::Failed { reason, .. } => {
                let host = self.host(id);
                Some((host.name(), words::failure_of(host, reason)))
            }
            _ => None,
        });
        failed.collect()
    }

    fn end_words(&self, instance: InstanceId, exit: Exit) -> String {
        let host = self.host(instance);
        match self.machine.state(instance) {
            // Its exit alone would not say what was wrong.
            State::Failed {
                reason: reason @ (FailureReason::Unhealthy { .. } | FailureReason::NoDaemon { .. }),
                ..
            } => words::failure(host, reason),
            State::Failed {
                reason: reason @ FailureReason::Lost,
                ..
            } => words::failure_of(host, reason),
            _ => words::ended(host, exit),
        }
    }

    fn start_failure(&self, instance: InstanceId) -> String {
        match self.machine.state(instance) {
            State::Failed { reason, .. } => words::failure(self.host(instance), reason),
            _ => "could not be started".to_owned(),
        }
    }
}
