//! What the server asks of the controller: one message a request, each with the way back for its answer.

use super::messages::events::EventKind;
use super::messages::run::RunRequest;
use super::messages::{
    Checked, Clean, Cleaned, Configuration, Detached, Environment, Graph, Leftovers, Reloaded, Request,
    Results, Sessions, Status, Synced, Wait, Why, Window,
};
use crate::diag::Diagnostic;
pub use crate::model::Verb;
use crate::model::{Exit, Signal};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use tokio::sync::{mpsc, oneshot};

/// The way back for an answer. It is closed (`is_closed`, `closed().await`) once the client has hung up.
pub type Reply<T> = oneshot::Sender<Result<T, Diagnostic>>;

/// One request. Dropping its reply unanswered tells the client that the session has ended.
#[derive(Debug)]
pub enum Call {
    /// Answered at once, or when something has changed since `request.after`.
    Status {
        request: StatusRequest,
        reply: Reply<Status>,
    },
    Graph {
        reply: Reply<Graph>,
    },
    Why {
        name: String,
        reply: Reply<Why>,
    },
    /// Answered when it is done, or at once with `request.no_wait`.
    Action {
        verb: Verb,
        request: Request,
        reply: Reply<Results>,
    },
    /// Answered when everything is gone.
    Quit {
        reply: Reply<Results>,
    },
    /// Take over what the files say now.
    Reload {
        reply: Reply<Reloaded>,
    },
    Scale {
        counts: BTreeMap<String, u32>,
        reply: Reply<Reloaded>,
    },
    Wait {
        request: Wait,
        reply: Reply<Results>,
    },
    Detach {
        reply: Reply<Detached>,
    },
    /// Answered with a channel of lines, framed by [`super::server::encode`]. The stream ends when the sender
    /// is dropped; the sender is closed once the client has hung up.
    Output {
        request: OutputRequest,
        reply: Reply<mpsc::Receiver<Bytes>>,
    },
    /// Answered with a channel of events, framed as the request says, a few at a time. It ends when the sender is
    /// dropped; the sender is closed once the client has hung up.
    Events {
        request: EventsRequest,
        reply: Reply<mpsc::Receiver<Bytes>>,
    },
    /// Answered with a channel of pieces of the answer. The stream ends as that of [`Self::Output`] does.
    Logs {
        request: LogsRequest,
        reply: Reply<mpsc::Receiver<Bytes>>,
    },
    /// Answered when every line printed so far is in its file, or cannot be.
    SyncLogs {
        reply: Reply<Synced>,
    },
    /// Answered when the view is open.
    Terminal {
        request: TerminalRequest,
        reply: Reply<Terminal>,
    },
    /// `None`: the first service.
    Window {
        name: Option<String>,
        reply: Reply<Window>,
    },
    /// Read the session's files, and say what is wrong with them.
    Check {
        reply: Reply<Checked>,
    },
    Config {
        reply: Reply<Configuration>,
    },
    /// `None`: what all services share.
    Environment {
        name: Option<String>,
        reply: Reply<Environment>,
    },
    Sessions {
        reply: Reply<Sessions>,
    },
    Leftovers {
        reply: Reply<Leftovers>,
    },
    Clean {
        clean: Clean,
        reply: Reply<Cleaned>,
    },
    /// Answered when the command runs.
    Run {
        request: RunRequest,
        reply: oneshot::Sender<Result<Running, NotRun>>,
    },
}

/// A command that runs. Dropping it ends the command and all that it has started.
#[derive(Debug)]
pub struct Running {
    pub pid: u32,
    /// What it prints, and at the end how it ended. Nothing of it is lost: the command waits for whoever reads slowly.
    pub output: mpsc::Receiver<RunOutput>,
    /// What it is to get. Whoever sends keeps within [`super::messages::run::INPUT_WINDOW`] of what it has taken.
    pub input: mpsc::UnboundedSender<RunInput>,
}

/// What comes from a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunOutput {
    /// Standard output, or what a terminal shows.
    Out(Bytes),
    Err(Bytes),
    /// So many bytes of input were taken.
    Took(usize),
    Ended(Exit),
}

/// What goes to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunInput {
    Bytes(Bytes),
    End,
    Resize { cols: u16, rows: u16 },
    Signal(Signal),
}

/// Why a command was not run; the exit code is a shell's, where it is the command's own fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    pub error: Diagnostic,
    pub exit_code: Option<u8>,
}

impl From<Diagnostic> for NotRun {
    fn from(error: Diagnostic) -> Self {
        let exit_code = None;
        Self { error, exit_code }
    }
}

/// What a client wants to know of the session, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusRequest {
    /// What the services' processes use.
    pub resources: bool,
    /// Only when the status is another one than that with this revision.
    pub after: Option<u64>,
}

/// Which output a client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputRequest {
    /// Services, instances or patterns; empty means all.
    pub names: Vec<String>,
    /// So many lines of the past first.
    pub lines: usize,
    /// Go on with what is printed from now on.
    pub follow: bool,
    /// Keep SGR sequences.
    pub color: bool,
    /// How the lines are put into the answer.
    pub framing: Framing,
    /// Go on behind this line instead of with `lines` of the past.
    pub after: Option<LinePlace>,
}

/// Whose terminal a client wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalRequest {
    /// `None`: the first service.
    pub name: Option<String>,
    /// What is typed reaches the service.
    pub write: bool,
    pub cols: u16,
    pub rows: u16,
}

/// An open view of a terminal. Dropping it ends the view; the view's end closes both channels.
#[derive(Debug)]
pub struct Terminal {
    /// Bytes for the screen. They are taken from the terminal only as fast as these are.
    pub output: mpsc::Receiver<Bytes>,
    pub input: mpsc::Sender<TerminalInput>,
}

/// What comes from the client of a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TerminalInput {
    Keys(Bytes),
    Resize { cols: u16, rows: u16 },
}

/// Which of the kept lines a client wants. Texts are as the client has sent them: what they mean, the controller knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogsRequest {
    /// Services, instances or patterns; empty means all that anything is kept of.
    pub names: Vec<String>,
    /// The last so many.
    pub lines: Option<usize>,
    /// How long ago, a time, or a cursor.
    pub since: Option<String>,
    pub until: Option<String>,
    /// A regular expression.
    pub grep: Option<String>,
    /// So many lines around each that matches.
    pub context: usize,
    /// `last`, `-1`, or a number.
    pub run: Option<String>,
    /// At most so many bytes of text.
    pub max_bytes: Option<usize>,
    /// Go on with what is printed from now on.
    pub follow: bool,
    /// Only what services printed, without ovr's own words.
    pub printed: bool,
    /// Of that the text alone, instead of JSON.
    pub plain: bool,
}

/// How pieces of JSON follow each other in an answer that streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// One a line.
    #[default]
    Lines,
    /// Server-sent events.
    Events,
}

/// A line's place in the output that one controller has seen; as text, the id of an event (`1769846400000-42`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinePlace {
    /// Tells the controllers of a session apart: when this one began, in milliseconds of the Unix epoch.
    pub controller: u64,
    /// The line's number.
    pub seq: u64,
}

impl fmt::Display for LinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.controller, self.seq)
    }
}

impl LinePlace {
    /// Reads what was printed; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (controller, seq) = text.split_once('-')?;
        Some(Self {
            controller: controller.parse().ok()?,
            seq: seq.parse().ok()?,
        })
    }
}

/// Which events a client wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventsRequest {
    /// Services, instances or patterns; empty means all, and the session's own events.
    pub names: Vec<String>,
    /// Empty means all.
    pub kinds: Vec<EventKind>,
    pub since: EventsSince,
    /// Go on with what happens from now on.
    pub follow: bool,
    pub framing: Framing,
}

/// Where a reading of events begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EventsSince {
    /// With the oldest that is kept.
    #[default]
    Start,
    /// With the next one.
    Now,
    /// With the last so many of those that are wanted.
    Last(usize),
    /// Behind the event of this cursor.
    Cursor(EventCursor),
}

/// An event's place: the number that it has, and in whose counting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCursor {
    pub epoch: String,
    pub seq: u64,
}

impl FromStr for EventCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, seq) = text.rsplit_once('-').ok_or(())?;
        let is_epoch = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match seq.parse() {
            Ok(seq) if is_epoch => Ok(Self {
                epoch: epoch.to_owned(),
                seq,
            }),
            Ok(_) | Err(_) => Err(()),
        }
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::EventCursor;

    #[test]
    fn a_cursor_is_read_as_it_is_written_and_nothing_else_is() {
        let cursor: EventCursor = "19a-7".parse().unwrap();
        assert_eq!((cursor.epoch.as_str(), cursor.seq), ("19a", 7));
        assert_eq!(cursor.to_string(), "19a-7");
        for text in ["", "7", "-7", "19a-", "19a--7", "a b-7", "19a-7x"] {
            assert!(text.parse::<EventCursor>().is_err(), "{text}");
        }
    }
}
