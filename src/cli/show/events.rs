//! Events in words: one sentence each, without the name and the time that stand before it.

use super::count;
use crate::api::messages::events::{Event, EventKind};
use crate::logs::Tone;
use crate::model::time_text;
use std::time::Duration;

/// What an event says, and how loudly.
pub fn sentence(event: &Event) -> (Tone, String) {
    match event.event {
        EventKind::Failed | EventKind::Skipped | EventKind::PortTaken | EventKind::Gap => {
            (Tone::Alarm, words(event))
        }
        EventKind::Exited if event.exit_code != Some(0) => (Tone::Alarm, words(event)),
        EventKind::Probe if event.ok == Some(false) => (Tone::Alarm, words(event)),
        EventKind::Unready => (Tone::Alarm, words(event)),
        EventKind::Starting | EventKind::Stopping | EventKind::Pending | EventKind::WaitsNoLonger => {
            (Tone::Quiet, words(event))
        }
        EventKind::Running
        | EventKind::Adopted
        | EventKind::Ready
        | EventKind::Daemonized
        | EventKind::Exited
        | EventKind::Backoff
        | EventKind::Stopped
        | EventKind::Probe
        | EventKind::WaitsForInput
        | EventKind::Triggered
        | EventKind::SessionStarted
        | EventKind::SessionAdopted
        | EventKind::SessionUp
        | EventKind::SessionEnding
        | EventKind::SessionEnded
        | EventKind::ControllerLeft
        | EventKind::Reloaded
        | EventKind::Scaled
        | EventKind::Unknown => (Tone::Normal, words(event)),
    }
}

fn words(event: &Event) -> String {
    let reason = event.reason.as_deref().unwrap_or_default();
    let with_reason = |word: &str| match reason {
        "" => word.to_owned(),
        reason => format!("{word}: {reason}"),
    };
    let run = event.run.unwrap_or_default();
    match event.event {
        EventKind::Pending => with_reason("pending"),
        EventKind::Starting => match (event.why.as_deref(), event.attempt) {
            (Some("policy"), Some(attempt)) => format!("starting run {run} (restart {attempt})"),
            (Some("request"), _) => format!("starting run {run} (asked for)"),
            (Some("trigger"), _) => format!("starting run {run} (triggered)"),
            _ => format!("starting run {run}"),
        },
        EventKind::Running => format!("running{}", pid(event)),
        EventKind::Adopted => format!("adopted: still running{}", pid(event)),
        EventKind::Ready if event.why.as_deref() == Some("assumed") => "counts as ready".to_owned(),
        EventKind::Ready => "ready".to_owned(),
        EventKind::Unready => with_reason("no longer ready"),
        EventKind::Daemonized => match event.pids.len() {
            0 => "daemonized: what it launched runs elsewhere".to_owned(),
            left => format!("daemonized: left {} running", count(left, "process")),
        },
        EventKind::Stopping => "stopping".to_owned(),
        EventKind::Exited => exited(event),
        EventKind::Backoff => match event.delay_ms.unwrap_or_default() {
            0 => format!("restart {} at once", event.attempt.unwrap_or_default()),
            delay => format!(
                "restart {} in {}",
                event.attempt.unwrap_or_default(),
                duration(delay)
            ),
        },
        EventKind::Stopped => "stopped".to_owned(),
        EventKind::Failed => with_reason("failed"),
        EventKind::Skipped => with_reason("skipped"),
        EventKind::Probe => {
            let probe = event.probe.as_deref().unwrap_or("?");
            match event.ok {
                Some(true) => format!("{probe} probe succeeds"),
                _ => with_reason(&format!("{probe} probe fails")),
            }
        }
        EventKind::PortTaken => reason.to_owned(),
        EventKind::WaitsForInput => {
            format!("waits for input: {:?}", event.line.as_deref().unwrap_or_default())
        }
        EventKind::WaitsNoLonger => "waits for input no longer".to_owned(),
        EventKind::Triggered => {
            let (by, outcome) = (event.why.as_deref(), event.outcome.as_deref());
            format!(
                "{} by its {}",
                outcome.unwrap_or("called"),
                by.unwrap_or("trigger")
            )
        }
        EventKind::SessionStarted
        | EventKind::SessionAdopted
        | EventKind::SessionUp
        | EventKind::SessionEnding
        | EventKind::SessionEnded
        | EventKind::ControllerLeft
        | EventKind::Reloaded
        | EventKind::Scaled
        | EventKind::Gap
        | EventKind::Unknown => of_session(event),
    }
}

fn of_session(event: &Event) -> String {
    let changes: Vec<&str> = event.changes.iter().map(|change| change.name.as_str()).collect();
    let changes = changes.join(", ");
    match event.event {
        EventKind::SessionStarted => format!("session started{}", pid(event)),
        EventKind::SessionAdopted => format!("session taken over by a new controller{}", pid(event)),
        EventKind::SessionUp => format!(
            "{} of {} up in {}",
            event.up.unwrap_or_default(),
            event.of.unwrap_or_default(),
            duration(event.duration_ms.unwrap_or_default())
        ),
        EventKind::SessionEnding => {
            let why = event.why.as_deref().unwrap_or_default();
            match &event.instance {
                Some(instance) => format!("session ending: {instance} {why}"),
                None => format!("session ending: {why}"),
            }
        }
        EventKind::SessionEnded => "session ended".to_owned(),
        EventKind::ControllerLeft => "the controller left; the services run on".to_owned(),
        EventKind::Reloaded => format!("reloaded: {changes}"),
        EventKind::Scaled => format!("scaled: {changes}"),
        EventKind::Gap => match event.missed {
            Some(missed) => format!("… {missed} events are missing here"),
            None => "… events may be missing here".to_owned(),
        },
        _ => "an event that a later ovr knows; --json shows it".to_owned(),
    }
}

fn exited(event: &Event) -> String {
    let how = match (event.exit_code, event.exit_signal.as_deref()) {
        (Some(code), _) => format!("exited with code {code}"),
        (None, Some(signal)) => format!("killed by {signal}"),
        (None, None) => "exited".to_owned(),
    };
    let after = event
        .duration_ms
        .map(|lived| format!(" after {}", duration(lived)));
    let killed = if event.killed.is_empty() {
        String::new()
    } else {
        format!(" · SIGKILL was needed for {}", event.killed.join(", "))
    };
    format!("{how}{}{killed}", after.unwrap_or_default())
}

fn pid(event: &Event) -> String {
    event.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
}

fn duration(millis: u64) -> String {
    time_text::duration(Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::sentence;
    use crate::api::messages::events::{Event, EventKind};
    use crate::logs::Tone;

    #[test]
    fn every_kind_has_words_of_its_own() {
        let mut all: Vec<String> = EventKind::ALL
            .iter()
            .map(|kind| {
                let event = Event {
                    event: *kind,
                    reason: Some("why".to_owned()),
                    ..Event::default()
                };
                sentence(&event).1
            })
            .collect();
        assert!(all.iter().all(|words| !words.is_empty()));
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn an_exit_says_how_and_after_how_long_and_a_bad_one_is_an_alarm() {
        let exited = |exit_code, exit_signal: Option<&str>| {
            sentence(&Event {
                event: EventKind::Exited,
                exit_code,
                exit_signal: exit_signal.map(str::to_owned),
                duration_ms: Some(1200),
                ..Event::default()
            })
        };
        let (tone, words) = exited(Some(0), None);
        assert_eq!(
            (tone, words.as_str()),
            (Tone::Normal, "exited with code 0 after 1.2 s")
        );
        let (tone, words) = exited(None, Some("SIGKILL"));
        assert_eq!(
            (tone, words.as_str()),
            (Tone::Alarm, "killed by SIGKILL after 1.2 s")
        );
    }
}
