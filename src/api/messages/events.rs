//! What happened in a session, one object an event (`docs/events.md`). Append-only, as all messages: words and
//! fields are added, never renamed.

use super::Change;
use crate::model::StateWord;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event. Which fields an event has, besides the first five, its word decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub schema: u32,
    /// Counted from 1 in each session, without holes, over every controller that it has.
    pub seq: u64,
    /// Where the next reading begins: `since=CURSOR` gives what comes after this event.
    pub cursor: String,
    pub at: String,
    pub event: EventKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<u64>,
    /// Where the instance stands, of an event about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateWord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pids: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_signal: Option<String>,
    /// How long the run lived, or the start of the session took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
    /// The processes that needed SIGKILL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub killed: Vec<String>,
    /// Who wanted it: `session`, `request`, `policy`, `trigger`; of a session's end, what caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The how manieth restart by its policy this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// `readiness`, `liveness`, `startup` or `port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<bool>,
    /// A sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The line that waits for input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// `starts`, `restarts`, `busy` or `suspended`: what came of a trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// What a reload or a scaling changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// How many services are up, and of how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// So many events are missing here; `null` where nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
}

/// The words for what can happen.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    // of an instance
    Pending,
    Starting,
    Running,
    Adopted,
    Ready,
    Unready,
    Daemonized,
    Stopping,
    Exited,
    Backoff,
    Stopped,
    Failed,
    Skipped,
    Probe,
    PortTaken,
    WaitsForInput,
    WaitsNoLonger,
    Triggered,
    // of the session
    SessionStarted,
    SessionAdopted,
    SessionUp,
    SessionEnding,
    SessionEnded,
    ControllerLeft,
    Reloaded,
    Scaled,
    /// Of the reading: events are missing.
    Gap,
    /// A word of a later build.
    #[default]
    #[serde(other)]
    Unknown,
}

impl EventKind {
    /// All words that this build tells, in the order of the documentation.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Starting,
        Self::Running,
        Self::Adopted,
        Self::Ready,
        Self::Unready,
        Self::Daemonized,
        Self::Stopping,
        Self::Exited,
        Self::Backoff,
        Self::Stopped,
        Self::Failed,
        Self::Skipped,
        Self::Probe,
        Self::PortTaken,
        Self::WaitsForInput,
        Self::WaitsNoLonger,
        Self::Triggered,
        Self::SessionStarted,
        Self::SessionAdopted,
        Self::SessionUp,
        Self::SessionEnding,
        Self::SessionEnded,
        Self::ControllerLeft,
        Self::Reloaded,
        Self::Scaled,
        Self::Gap,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Adopted => "adopted",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Daemonized => "daemonized",
            Self::Stopping => "stopping",
            Self::Exited => "exited",
            Self::Backoff => "backoff",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Probe => "probe",
            Self::PortTaken => "port_taken",
            Self::WaitsForInput => "waits_for_input",
            Self::WaitsNoLonger => "waits_no_longer",
            Self::Triggered => "triggered",
            Self::SessionStarted => "session_started",
            Self::SessionAdopted => "session_adopted",
            Self::SessionUp => "session_up",
            Self::SessionEnding => "session_ending",
            Self::SessionEnded => "session_ended",
            Self::ControllerLeft => "controller_left",
            Self::Reloaded => "reloaded",
            Self::Scaled => "scaled",
            Self::Gap => "gap",
            Self::Unknown => "unknown",
        }
    }

    /// The kind of this word, if there is one.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, EventKind};

    const EXITED: &str = concat!(
        r#"{"schema":1,"seq":7,"cursor":"19a-7","at":"2026-01-31T08:15:30.042Z","event":"exited","#,
        r#""service":"web","instance":"web#2","run":3,"state":"backoff","exit_signal":"SIGKILL","#,
        r#""duration_ms":1200,"killed":["sh (42)"]}"#
    );

    #[test]
    fn an_event_keeps_its_text_and_has_no_field_that_is_not_its_own() {
        for golden in [
            EXITED,
            r#"{"schema":1,"seq":1,"cursor":"19a-1","at":"2026-01-31T08:15:30.042Z","event":"session_started","pid":4,"project":"shop"}"#,
            r#"{"schema":1,"seq":9,"cursor":"19a-9","at":"2026-01-31T08:15:30.042Z","event":"gap","missed":2}"#,
        ] {
            let event: Event = serde_json::from_str(golden).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), golden);
        }
    }

    #[test]
    fn every_kind_is_documented_and_the_examples_are_events() {
        let document = include_str!("../../../docs/events.md");
        for kind in EventKind::ALL {
            assert!(document.contains(&format!("`{}`", kind.as_str())), "{kind:?}");
        }
        let examples = document
            .split("`{\"seq\"")
            .skip(1)
            .filter_map(|rest| rest.split('`').next());
        let read = examples.map(|rest| {
            let text = format!("{{\"schema\":1,\"cursor\":\"a-1\",\"at\":\"\",\"seq\"{rest}");
            serde_json::from_str::<Event>(&text).unwrap_or_else(|error| panic!("{rest}: {error}"))
        });
        assert!(read.filter(|event| event.event != EventKind::Unknown).count() >= EventKind::ALL.len() - 1);
    }

    #[test]
    fn every_kind_is_told_by_its_word_and_a_word_of_a_later_build_is_read() {
        for kind in EventKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(EventKind::of_word(kind.as_str()), Some(*kind));
        }
        assert_eq!(EventKind::of_word("unknown"), None);
        let later = EXITED.replace("exited", "levitated");
        assert_eq!(
            serde_json::from_str::<Event>(&later).unwrap().event,
            EventKind::Unknown
        );
    }
}
