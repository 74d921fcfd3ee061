//! How one service stands, in words: for the table of `ovr status` and what goes with it.

use super::count;
use crate::api::messages::{Resources, Service};
use crate::cli::style::{plain, width};
use crate::model::{StateWord, time_text};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// A state in words that is longer takes the rest of the line of a service that does not run.
pub(super) const SHORT_STATE: usize = 24;
/// What stands between two reasons.
const REASONS: &str = " · ";
/// Longer ago, a time of day says too little.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How times and shares are told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner<'a> {
    /// The screen stands for a while, so that ages would become wrong: times of day instead.
    pub clock: Option<Clock>,
    /// The share of a processor that each instance has had since the last look, in percent; without it, since its
    /// start.
    pub cpu: Option<&'a BTreeMap<String, f64>>,
}

/// What time it is, and where.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub now: SystemTime,
    /// What this place is ahead of UTC, in seconds.
    pub offset_s: i32,
}

impl Clock {
    /// `14:03:05`, so long ago.
    fn time_of_day(self, ago: Duration) -> String {
        let then = self.now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH);
        let seconds = i64::try_from(time_text::epoch_millis(then) / 1000).unwrap_or(0);
        let local = (seconds + i64::from(self.offset_s)).rem_euclid(86_400);
        format!("{:02}:{:02}:{:02}", local / 3600, local / 60 % 60, local % 60)
    }
}

impl Manner<'_> {
    /// `12.5%`; nothing where it is not known.
    pub(super) fn cpu_of(self, name: &str, used: &Resources) -> String {
        let percent = match self.cpu {
            Some(cpu) => cpu.get(name).copied(),
            None => used.cpu_percent,
        };
        percent.map_or(String::new(), |percent| format!("{percent:.1}%"))
    }
}

pub(super) fn mark(service: &Service) -> Option<&'static str> {
    match (service.waits_for_input, service.needs_attention) {
        (true, _) => Some("?"),
        (false, true) => Some("!"),
        (false, false) => None,
    }
}

/// Its state in words for the table, and what of its reason is too long for that: the columns behind the state of
/// a service that runs must not be pushed away by it.
pub(super) fn told(service: &Service, manner: Manner<'_>, live: bool) -> (String, Vec<String>) {
    let words = words(service, manner);
    let reason = service.reason.as_deref().map(plain).unwrap_or_default();
    if width(&words) <= SHORT_STATE || reason.is_empty() || service.waits_for_input {
        return (words, Vec::new());
    }
    let parts = reason.split(REASONS).map(str::to_owned);
    if live {
        return match words.strip_suffix(&format!(": {reason}")) {
            Some(state) => (state.to_owned(), parts.collect()),
            None => (words, Vec::new()),
        };
    }
    let mut rest = parts.skip(1).peekable();
    if rest.peek().is_none() || !words.ends_with(&reason) {
        return (words, Vec::new());
    }
    let head = words.split(REASONS).next().unwrap_or_default().to_owned();
    (head, rest.collect())
}

pub(super) fn is_live(state: StateWord) -> bool {
    match state {
        StateWord::Starting
        | StateWord::Running
        | StateWord::Daemonized
        | StateWord::Stopping
        | StateWord::Restarting => true,
        StateWord::Disabled
        | StateWord::Pending
        | StateWord::Backoff
        | StateWord::Stopped
        | StateWord::Exited
        | StateWord::Failed
        | StateWord::Skipped
        | StateWord::Scheduled => false,
    }
}

/// The state in words, with the reason: `failed (3) 12 s ago: KeyError…`.
pub fn words(service: &Service, manner: Manner<'_>) -> String {
    let word = service.state.as_str();
    let ago = match manner.clock {
        None => format!("{} ago", age(service, manner)),
        Some(_) => format!("at {}", age(service, manner)),
    };
    let because = service.reason.as_deref().map(plain);
    let with = |head: String, tail: Option<String>| match tail.filter(|tail| !tail.is_empty()) {
        Some(tail) => format!("{head}: {tail}"),
        None => head,
    };
    if service.waits_for_input {
        let line = service.last_line.as_deref().map(plain).unwrap_or_default();
        return format!("waits for input: \"{line}\"");
    }
    match service.state {
        StateWord::Disabled | StateWord::Starting | StateWord::Stopping | StateWord::Restarting => {
            word.to_owned()
        }
        StateWord::Running | StateWord::Pending | StateWord::Skipped | StateWord::Scheduled => {
            with(word.to_owned(), because)
        }
        // What its command launched runs elsewhere.
        StateWord::Daemonized if service.pids.is_empty() => with(word.to_owned(), because),
        StateWord::Daemonized => format!("{word} ({})", count(service.pids.len(), "process")),
        StateWord::Stopped => format!("{word} {ago}"),
        StateWord::Backoff | StateWord::Exited | StateWord::Failed => {
            let end = end(service).map_or(String::new(), |end| {
                format!(" ({})", end.trim_start_matches("code "))
            });
            let restarts = match service.restarts {
                0 => String::new(),
                n => format!(", {}", count(n as usize, "restart")),
            };
            let last_line = service.last_line.as_deref().map(plain);
            let tail = match service.state {
                StateWord::Exited => because,
                _ => because.or(last_line),
            };
            with(format!("{word}{end} {ago}{restarts}"), tail)
        }
    }
}

/// For how long it has been so; on a screen that stands, since when.
pub(super) fn age(service: &Service, manner: Manner<'_>) -> String {
    let age = Duration::from_millis(service.for_ms);
    match manner.clock {
        Some(clock) if age < DAY => clock.time_of_day(age),
        Some(_) | None => time_text::age(age),
    }
}

/// The end of its last run: `code 3`, `SIGKILL`.
pub(super) fn end(service: &Service) -> Option<String> {
    match (&service.exit_signal, service.exit_code) {
        (Some(signal), _) => Some(plain(signal)),
        (None, Some(code)) => Some(format!("code {code}")),
        (None, None) => None,
    }
}

pub(super) fn state_colour(service: &Service) -> &'static str {
    if service.waits_for_input {
        return "33";
    }
    match service.state {
        StateWord::Running | StateWord::Daemonized if service.ready != Some(false) => "32",
        StateWord::Failed => "1;31",
        StateWord::Disabled | StateWord::Stopped | StateWord::Exited | StateWord::Scheduled => "2",
        StateWord::Running
        | StateWord::Daemonized
        | StateWord::Pending
        | StateWord::Starting
        | StateWord::Stopping
        | StateWord::Restarting
        | StateWord::Backoff
        | StateWord::Skipped => "33",
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_time_of_day_is_that_of_the_place() {
        let clock = Clock {
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(90_000),
            offset_s: -3600,
        };
        assert_eq!(clock.time_of_day(Duration::from_secs(5)), "23:59:55");
    }
}
