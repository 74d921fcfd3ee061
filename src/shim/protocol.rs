//! What controller and shim say to each other: one JSON object a line over the session's `shim.sock`.
//!
//! The shim connects and speaks first. Append-only: a controller of a later build talks to shims of an
//! earlier one, so fields are added with a default and never change their meaning. Unknown messages are
//! ignored by both sides.

use crate::model::{Exit, InstanceName, Launch, RunId, Signal, StopPlan};
use serde::{Deserialize, Serialize};

/// The version that this build speaks. Raised when a side must know what the other can do.
pub const VERSION: u32 = 1;

/// From the controller to a shim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Order {
    /// The answer to the shim's hello.
    Hello { version: u32, program: String },
    /// Start the process. Refused (`SpawnFailed`) while another run is alive.
    Run {
        run: RunId,
        launch: Launch,
        stop: StopPlan,
    },
    /// Carry out the stop plan, to its end, alone. With `kill`: SIGKILL to the tree at once. A second order
    /// for the same run cuts the grace short.
    Stop { run: RunId, plan: StopPlan, kill: bool },
    /// Deliver a signal to the run's process group.
    Signal { run: RunId, signal: Signal },
    /// Show this text in the window (only while nothing runs).
    Note { text: String },
    /// End the shim, and with it the window. If something runs, its stop plan comes first.
    Close,
}

impl Order {
    /// How a run order of ours begins.
    const RUN: &[u8] = br#"{"do":"run","#;

    /// Reads one line. What a later controller says and this build does not know is an error.
    pub fn read(line: &[u8]) -> serde_json::Result<Self> {
        // A run order carries a whole environment, of which an enum told apart by a tag makes a copy first.
        if line.starts_with(Self::RUN)
            && let Ok(RunOrder { run, launch, stop }) = serde_json::from_slice(line)
        {
            return Ok(Self::Run { run, launch, stop });
        }
        serde_json::from_slice(line)
    }
}

/// [`Order::Run`] without its tag.
#[derive(Deserialize)]
struct RunOrder {
    run: RunId,
    launch: Launch,
    stop: StopPlan,
}

/// From a shim to the controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Report {
    Hello(Box<Hello>),
    Spawned {
        run: RunId,
        pid: u32,
        /// Milliseconds since the Unix epoch.
        at_ms: u64,
    },
    /// The system refused to start it; the text says what and why, without the service's name.
    SpawnFailed {
        run: RunId,
        message: String,
    },
    /// The main process ended with code 0 and left these processes behind; they go on.
    Daemonized {
        run: RunId,
        pids: Vec<u32>,
    },
    /// The main process ended; what it left behind is being ended. `Ended` follows.
    Cleaning {
        run: RunId,
        exit: Exit,
        left: u32,
    },
    /// The run is over: the process was reaped and its tree is empty.
    Ended(Ended),
    /// A person pressed Enter in the window while nothing ran.
    Enter,
    /// The terminal is gone (window closed, tmux server died): the tree is being ended, then the shim ends.
    Hangup,
}

/// A shim's first words to any controller: who it is, what it runs, what ended last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version: u32,
    pub program: String,
    pub instance: InstanceName,
    pub pid: u32,
    /// tmux's id of the pane it lives in (`%5`).
    pub pane: String,
    /// What its marks carry.
    pub nonce: String,
    pub live: Option<LiveRun>,
    pub last: Option<Ended>,
}

/// A run that is alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRun {
    pub run: RunId,
    pub pid: u32,
    pub at_ms: u64,
    /// Not empty if it is daemonized.
    #[serde(default)]
    pub daemons: Vec<u32>,
    /// The stop plan is at work.
    #[serde(default)]
    pub stopping: bool,
    /// What it was started with, so that a new controller can tell whether the configuration has changed.
    pub launch: Launch,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    pub run: RunId,
    pub exit: Exit,
    /// Milliseconds since the Unix epoch.
    pub at_ms: u64,
    /// It was ended by a stop order.
    #[serde(default)]
    pub asked: bool,
    /// The processes that needed SIGKILL, as `pid command`.
    #[serde(default)]
    pub killed: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::{Ended, Order, Report};
    use crate::model::{Exit, Launch, RunId, Signal, StopPlan};

    /// Golden texts, asserted both ways. Append-only: an older peer sends and expects exactly these.
    #[test]
    fn messages_keep_their_text() {
        let run = Order::Run {
            run: RunId(7),
            launch: Launch {
                argv: vec!["/bin/sh".into(), "-c".into(), "echo".into()],
                cwd: "/srv".into(),
                env: [("A".into(), "1".into())].into_iter().collect(),
                ..Launch::default()
            },
            stop: StopPlan::default(),
        };
        let golden = r#"{"do":"run","run":7,"launch":{"argv":["/bin/sh","-c","echo"],"cwd":"/srv","env":[["A","1"]]},"stop":{"signal":2,"grace":{"secs":5,"nanos":0},"command":null}}"#;
        assert_eq!(serde_json::to_string(&run).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Order>(golden).unwrap(), run);
        assert_eq!(Order::read(golden.as_bytes()).unwrap(), run);
        let elsewhere = golden.replace(r#""do":"run","#, "");
        let elsewhere = elsewhere.strip_suffix('}').unwrap().to_owned() + r#","do":"run"}"#;
        assert_eq!(Order::read(elsewhere.as_bytes()).unwrap(), run);
        assert_eq!(Order::read(br#"{"do":"close"}"#).unwrap(), Order::Close);
        assert!(Order::read(br#"{"do":"dance"}"#).is_err());

        let ended = Report::Ended(Ended {
            run: RunId(7),
            exit: Exit::Signal(Signal::KILL),
            at_ms: 5,
            asked: true,
            killed: vec![],
        });
        let golden = r#"{"is":"ended","run":7,"exit":{"signal":9},"at_ms":5,"asked":true,"killed":[]}"#;
        assert_eq!(serde_json::to_string(&ended).unwrap(), golden);
        assert_eq!(serde_json::from_str::<Report>(golden).unwrap(), ended);
        let short = r#"{"is":"ended","run":7,"exit":{"code":3},"at_ms":5}"#;
        assert!(serde_json::from_str::<Report>(short).is_ok());
    }
}
