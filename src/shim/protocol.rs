//! What controller and shim say to each other: one JSON object a line over the session's `shim.sock`, and how an order
//! is written and read stands in `order_text.rs`.
//!
//! The shim connects and speaks first. Append-only: a controller of a later build talks to shims of an
//! earlier one, so fields are added with a default and never change their meaning. Unknown messages are
//! ignored by both sides.

use crate::model::{Exit, InstanceName, Launch, RunId, Signal, StopPlan};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The version that this build speaks. Raised when a side must know what the other can do.
///
/// 2: limits, sockets, notifications and commands that launch a daemon elsewhere; stop plans with keys and for
/// the parent only.
/// 3: the watchdog, and what a run is to end for beside the order for it.
/// 4: an order to run may have its environment behind it (`order_text.rs`).
pub const VERSION: u32 = 4;

/// More characters of what a service says of where it stands are not kept.
const MOST_OF_A_STATUS: usize = 200;

/// What a notification says about readiness, if anything: one that reloads or stops is not ready.
pub fn said_ready(text: &str) -> Option<bool> {
    text.lines().rev().find_map(|line| match line.trim_end() {
        "READY=1" => Some(true),
        "RELOADING=1" | "STOPPING=1" => Some(false),
        _ => None,
    })
}

/// What a notification says of where the service stands, without controls; empty where it takes that back.
pub fn status_in(text: &str) -> Option<String> {
    let status = text.lines().rev().find_map(|line| line.strip_prefix("STATUS="))?;
    let shown = status.chars().filter(|c| !c.is_control());
    Some(shown.take(MOST_OF_A_STATUS).collect())
}

/// By how much a notification asks for the time to be extended that its start or its stop may take.
pub fn extension_in(text: &str) -> Option<Duration> {
    let mut lines = text.lines().rev();
    lines.find_map(|line| micros(line.trim_end(), "EXTEND_TIMEOUT_USEC="))
}

/// The value of a line such as `WATCHDOG_USEC=20000000`.
pub(super) fn micros(line: &str, name: &str) -> Option<Duration> {
    line.strip_prefix(name)?.parse().ok().map(Duration::from_micros)
}

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
        /// How many files whatever the shim starts may have open (the soft limit), where `launch` has no word on it.
        /// The tmux server may have more, for its many windows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<u64>,
    },
    /// Carry out the stop plan, to its end, alone. With `kill`: SIGKILL to the tree at once. A second order
    /// for the same run cuts the grace short.
    Stop {
        run: RunId,
        plan: StopPlan,
        kill: bool,
        /// Why, if nobody asked for it: a word of the controller's, kept for the next one. The last order counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// What this run is to end for, or has ended for, is another thing now than the last order has said: a word of
    /// the controller's, kept for the next one; none, if it is to go on. Changes nothing else. A run that could not
    /// be started stands for the one before it.
    Intend {
        run: RunId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        intent: Option<String>,
    },
    /// Deliver a signal to the run's process group.
    Signal { run: RunId, signal: Signal },
    /// Show this text in the window (only while nothing runs).
    Note { text: String },
    /// End the shim, and with it the window. If something runs, its stop plan comes first.
    Close,
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
    /// The main process ended with code 0 and left these processes behind; they go on. None: what it launched
    /// runs elsewhere, and the run goes on without a process.
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
    /// The service said this on its `NOTIFY_SOCKET`.
    Notify {
        run: RunId,
        text: String,
    },
    /// The run has not said that it is alive for too long, or says that it is in trouble; the text says which. Told
    /// once, until it speaks again.
    Silent {
        run: RunId,
        text: String,
    },
    /// Something asked for this run does not hold, or not wholly; the text says what and why.
    Caution {
        run: RunId,
        text: String,
        /// It is being stopped, and only a person can end what is left of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        stuck: bool,
    },
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
    /// Its command has ended well and launched something that runs elsewhere: it has no process.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What it last said about its readiness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_ready: Option<bool>,
    /// Where it stands, as it last said (`STATUS=`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_status: Option<String>,
    /// Its silence, if it has been too long and it has not spoken since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<String>,
    /// The stop plan is at work.
    #[serde(default)]
    pub stopping: bool,
    /// And nobody has ordered it: what a process that ended by itself has left behind is being ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
    /// What the last order said that it is to end for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
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
    /// When its process was started, in the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_ms: Option<u64>,
    /// It was ended by a stop order.
    #[serde(default)]
    pub asked: bool,
    /// The processes that needed SIGKILL, as `pid command`.
    #[serde(default)]
    pub killed: Vec<String>,
    /// What the last order said that it is to end for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its silence, if it ended while that was too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent: Option<String>,
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
