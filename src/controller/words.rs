//! What the controller says about a service, in the merged output and in status: one place for the wording.
//! Pure text from facts.

use super::host::Host;
use crate::logs::Tone;
use crate::model::{Exit, FailureReason, Moment, PendingWhy, State, StateWord, time_text};
use crate::tmux::WindowId;
use crate::tmux::command::Command;
use crate::tmux::view::WindowStatus;
use std::time::Duration;

/// The clock that programs ask for whole seconds may lag by so much.
const COARSE_MS: u64 = 10;

/// When a sentence about a run is due in the merged output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    /// In front of the first byte of the run that begins.
    Beginning,
    /// Behind the last byte of the run that ended.
    End,
}

/// The sentence for a change of state, if it is worth one.
pub(super) fn change(host: &Host, from: &State, to: &State, now: Moment) -> Option<(Due, Tone, String)> {
    match to {
        State::Running { run, pid, .. } if matches!(from, State::Starting { .. }) => {
            (run.0 > 1).then(|| (Due::Beginning, Tone::Quiet, format!("── run {run}, pid {pid} ──")))
        }
        State::Running {
            ready: Some(true), ..
        } => {
            let said = !host.spec.policy.assumes_readiness();
            said.then(|| (Due::Now, Tone::Quiet, "ready".to_owned()))
        }
        State::Running {
            ready: Some(false), ..
        } if is_ready(from) && host.health.complaint.is_none() => {
            let trouble = host.health.trouble();
            let trouble = trouble.map_or_else(String::new, |trouble| format!(": {trouble}"));
            Some((Due::Now, Tone::Alarm, format!("no longer ready{trouble}")))
        }
        // A change of what was left behind.
        State::Daemonized { .. } if matches!(from, State::Daemonized { .. }) => None,
        State::Daemonized { pids, .. } if pids.is_empty() => {
            let text = "its command ended well; what it launched runs elsewhere".to_owned();
            Some((Due::Now, Tone::Normal, text))
        }
        State::Daemonized { pids, .. } => {
            let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
            let text = format!("its command ended and left pid {} running", pids.join(", "));
            Some((Due::Now, Tone::Normal, text))
        }
        State::Backoff { last, until } => {
            let wait = until.since(now);
            let again = if wait.is_zero() {
                "restarting".to_owned()
            } else {
                format!("restarts in {}", time_text::duration(planned(wait)))
            };
            Some((
                Due::End,
                Tone::Normal,
                format!("{} · {again}", ended(host, *last)),
            ))
        }
        State::Stopped { last } => from.is_live().then(|| {
            let exit = last.map(|exit| format!(" ({exit})")).unwrap_or_default();
            (Due::End, Tone::Normal, format!("stopped{exit}{}", forced(host)))
        }),
        State::Exited { exit, .. } => Some((Due::End, Tone::Normal, ended(host, *exit))),
        State::Failed { reason, .. } => {
            let due = match reason {
                FailureReason::Exit(_)
                | FailureReason::Unhealthy { .. }
                | FailureReason::GaveUp { .. }
                | FailureReason::NoDaemon { .. } => Due::End,
                FailureReason::Spawn(_) | FailureReason::Lost => Due::Now,
            };
            Some((due, Tone::Alarm, failure(host, reason)))
        }
        // What these have to do with others is told by `waiting`.
        State::Skipped { .. }
        | State::Pending(PendingWhy::Dependency { .. } | PendingWhy::Window)
        | State::Disabled
        | State::Starting { .. }
        | State::Running { .. }
        | State::Stopping { .. } => None,
    }
}

fn is_ready(state: &State) -> bool {
    matches!(
        state,
        State::Running {
            ready: Some(true),
            ..
        }
    )
}

/// The wait as it was planned: some of it has passed by the time that it is told.
pub(super) fn planned(left: Duration) -> Duration {
    let step = Duration::from_millis(50);
    let steps = left.as_millis().div_ceil(step.as_millis());
    step.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX))
}

/// `exited with code 3 after 12 s`, `killed by SIGKILL after 2 min`, `ended after 2 s: its window was closed`.
pub(super) fn ended(host: &Host, exit: Exit) -> String {
    let after = host
        .lived()
        .map(|lived| format!(" after {}", time_text::duration(lived)))
        .unwrap_or_default();
    // What it ended with is how it took that, and no reason of its own.
    if host.last_exit().is_some_and(|end| end.window_closed) {
        return format!("ended{after}: its window was closed");
    }
    match exit {
        Exit::Code(code) => format!("exited with code {code}{after}"),
        Exit::Signal(signal) => format!("killed by {signal}{after}"),
    }
}

/// The same behind its name: `migrate exited with code 1`.
pub(super) fn failure_of(host: &Host, reason: &FailureReason) -> String {
    match reason {
        FailureReason::Lost => "lost its terminal and its processes".to_owned(),
        FailureReason::NoDaemon { .. } => "left no daemon behind in time".to_owned(),
        FailureReason::GaveUp { last, .. } => format!("gave up ({last})"),
        FailureReason::Unhealthy { .. } if host.health.is_silent() => "was silent for too long".to_owned(),
        FailureReason::Unhealthy { .. } => "failed its probe too often".to_owned(),
        FailureReason::Exit(_) | FailureReason::Spawn(_) => failure(host, reason),
    }
}

/// Why it failed, as `status` gives it.
pub(super) fn failure(host: &Host, reason: &FailureReason) -> String {
    match reason {
        FailureReason::Exit(exit) => ended(host, *exit),
        FailureReason::Unhealthy { exit } => {
            let trouble = host.health.verdict();
            let why = trouble.unwrap_or_else(|| "its probe failed too often".to_owned());
            format!("{why}, so it was ended: {}", ended(host, *exit))
        }
        FailureReason::Spawn(message) => format!("could not start: {message} ({})", host.spec.origin),
        FailureReason::GaveUp { last, failures } => {
            let silent = host.health.verdict().filter(|_| host.health.is_silent());
            let silent = silent.map_or_else(String::new, |silent| format!(" ({silent})"));
            format!(
                "gave up after {}; the last one {}{silent} · ovr start {} tries again",
                failures_words(*failures),
                ended(host, *last),
                host.name()
            )
        }
        FailureReason::NoDaemon { within } => {
            let within = time_text::duration(*within);
            format!("its command left no daemon behind within {within}, and was stopped")
        }
        FailureReason::Lost => "its terminal and its processes are gone".to_owned(),
    }
}

fn failures_words(failures: u32) -> String {
    match failures {
        0 | 1 => "a failure".to_owned(),
        more => format!("{more} failures in a row"),
    }
}

fn forced(host: &Host) -> String {
    let killed = host
        .last_exit()
        .map(|end| end.killed.as_slice())
        .unwrap_or_default();
    if killed.is_empty() {
        String::new()
    } else {
        format!(" · SIGKILL was needed for {}", killed.join(", "))
    }
}

/// The command that makes the views of an instance's window say how it stands.
pub(super) fn window_status(host: &Host, state: &State, word: StateWord, window: WindowId) -> Command {
    let (text, hint) = match state {
        State::Exited { exit, .. }
        | State::Failed {
            reason: FailureReason::Exit(exit),
            ..
        } => (short_end(*exit), Some("Enter restarts it")),
        State::Failed { .. } | State::Stopped { .. } | State::Disabled => {
            (word.to_string(), Some("Enter starts it"))
        }
        State::Backoff { .. } => (word.to_string(), Some("Enter restarts it now")),
        State::Pending(_)
        | State::Starting { .. }
        | State::Running { .. }
        | State::Daemonized { .. }
        | State::Stopping { .. }
        | State::Skipped { .. } => (word.to_string(), None),
    };
    let started = host
        .run
        .as_ref()
        .filter(|_| matches!(state, State::Running { .. } | State::Daemonized { .. }));
    let status = WindowStatus {
        name: &host.name(),
        state: &text,
        // tmux must not count from -1.
        since: started
            .and_then(|run| run.started)
            .map(|started| time_text::epoch_millis(started).saturating_sub(COARSE_MS) / 1000),
        port: host.spec.port.as_ref().map(|(port, _)| *port),
        hint,
    };
    status.command(window)
}

fn short_end(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal(signal) => format!("killed by {signal}"),
    }
}
