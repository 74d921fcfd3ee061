//! What an instance's probes and its own words said of its current run: the attempts under way, the last
//! failures, and how they are told. Facts and words; what follows from them is the machine's business.

use crate::api::messages::ProbeFailure;
use crate::model::{RunId, time_text};
use crate::supervisor::ProbeKind;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use tokio::task::AbortHandle;

/// Of one run; another run has another one.
#[derive(Debug, Default)]
pub(super) struct Health {
    pub(super) run: Option<RunId>,
    attempts: BTreeMap<ProbeKind, Attempt>,
    failures: BTreeMap<ProbeKind, Failure>,
    /// What the run before was ended for.
    ended_by: Option<(ProbeKind, Failure)>,
    /// Those that have succeeded in this run.
    passed: BTreeSet<ProbeKind>,
    /// What each probe last found, where that was told: `None` is nothing wrong.
    found: BTreeMap<ProbeKind, Option<String>>,
    /// Its own word, where that was that it is not ready.
    pub(super) complaint: Option<String>,
    /// Where it stands, in its own words (`STATUS=`).
    pub(super) said: Option<String>,
    /// The listener that its probes reach is known to be its own, or nobody's that could be told.
    pub(super) vouched: bool,
    last_attempt: u64,
}

/// An attempt under way; it is cancelled with this.
#[derive(Debug)]
struct Attempt {
    number: u64,
    task: AbortHandle,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The last failure of one probe.
#[derive(Clone, Debug)]
struct Failure {
    reason: String,
    /// In a row, up to now; 0 if it has succeeded since.
    count: u32,
    at: SystemTime,
}

impl Health {
    /// For a run that nothing is known of yet. What the last one had under way is cancelled.
    pub(super) fn of(run: RunId) -> Self {
        Self {
            run: Some(run),
            ..Self::default()
        }
    }

    /// The same behind the run that this one is about. What that was ended for stays known.
    pub(super) fn followed_by(&self, run: RunId) -> Self {
        let fatal = [ProbeKind::Startup, ProbeKind::Liveness, ProbeKind::Watchdog];
        let fatal = fatal
            .into_iter()
            .find_map(|probe| Some((probe, self.failures.get(&probe).filter(|it| it.count > 0)?)));
        let ended_by = fatal.map(|(probe, failure)| {
            let failure = Failure {
                count: 0,
                ..failure.clone()
            };
            (probe, failure)
        });
        Self {
            ended_by,
            ..Self::of(run)
        }
    }

    /// Whether the run is, or was, to end because of its watchdog.
    pub(super) fn is_silent(&self) -> bool {
        self.trouble_of(ProbeKind::Watchdog).is_some()
    }

    /// The number of the next attempt.
    pub(super) fn next_attempt(&mut self) -> u64 {
        self.last_attempt += 1;
        self.last_attempt
    }

    pub(super) fn begun(&mut self, probe: ProbeKind, number: u64, task: AbortHandle) {
        self.attempts.insert(probe, Attempt { number, task });
    }

    /// Whether this attempt was still awaited; it is not from here on.
    pub(super) fn is_done(&mut self, probe: ProbeKind, number: u64) -> bool {
        let awaited = self.attempts.get(&probe).is_some_and(|it| it.number == number);
        if awaited {
            self.attempts.remove(&probe);
        }
        awaited
    }

    pub(super) fn cancel_attempts(&mut self) {
        self.attempts.clear();
    }

    pub(super) fn succeeded(&mut self, probe: ProbeKind) {
        self.passed.insert(probe);
        if let Some(failure) = self.failures.get_mut(&probe) {
            failure.count = 0;
        }
    }

    /// Whether the last attempt of this probe was a good one; not before the first is over.
    pub(super) fn passes(&self, probe: ProbeKind) -> bool {
        let fails = self.failures.get(&probe).is_some_and(|failure| failure.count > 0);
        self.passed.contains(&probe) && !fails
    }

    /// Whether its last attempt did not fail for this very reason.
    pub(super) fn is_news(&self, probe: ProbeKind, reason: &str) -> bool {
        let failure = self.failures.get(&probe);
        failure.is_none_or(|failure| failure.count == 0 || failure.reason != reason)
    }

    /// Takes in what a probe found; whether that is another thing than the last time.
    pub(super) fn is_other(&mut self, probe: ProbeKind, failure: Option<&str>) -> bool {
        if self
            .found
            .get(&probe)
            .is_some_and(|last| last.as_deref() == failure)
        {
            return false;
        }
        self.found.insert(probe, failure.map(str::to_owned));
        true
    }

    /// Notes a failure, and says the how manieth in a row it is.
    pub(super) fn failed(&mut self, probe: ProbeKind, reason: String, at: SystemTime) -> u32 {
        self.vouched = false;
        let before = self.failures.get(&probe).map_or(0, |failure| failure.count);
        let count = before.saturating_add(1);
        self.failures.insert(probe, Failure { reason, count, at });
        count
    }

    /// The same of a try that no threshold counts.
    pub(super) fn failed_between(&mut self, probe: ProbeKind, reason: String, at: SystemTime) -> u32 {
        self.vouched = false;
        let count = self
            .failures
            .get(&probe)
            .map_or(1, |failure| failure.count.max(1));
        self.failures.insert(probe, Failure { reason, count, at });
        count
    }

    /// What is wrong now, in words: `connection refused on 127.0.0.1:5432 (readiness probe, 3 failures)`.
    pub(super) fn trouble(&self) -> Option<String> {
        if let Some(complaint) = &self.complaint {
            return Some(complaint.clone());
        }
        // Liveness last: it says why a run ends, the others why it does not count yet.
        let probes = [
            ProbeKind::Startup,
            ProbeKind::Readiness,
            ProbeKind::Liveness,
            ProbeKind::Watchdog,
        ];
        let mut probes = probes.into_iter();
        probes
            .find_map(|probe| self.trouble_of(probe))
            .or_else(|| self.said.clone())
    }

    /// What was wrong with a run that was ended for it.
    pub(super) fn verdict(&self) -> Option<String> {
        self.trouble_of(ProbeKind::Watchdog).or_else(|| self.trouble())
    }

    pub(super) fn trouble_of(&self, probe: ProbeKind) -> Option<String> {
        let failure = self.failures.get(&probe).filter(|failure| failure.count > 0)?;
        if probe == ProbeKind::Watchdog {
            return Some(format!("watchdog: {}", failure.reason));
        }
        let failures = match failure.count {
            1 => "1 failure".to_owned(),
            count => format!("{count} failures"),
        };
        Some(format!("{} ({} probe, {failures})", failure.reason, word(probe)))
    }

    /// The latest failure of any probe, over or not.
    pub(super) fn last_failure(&self) -> Option<ProbeFailure> {
        let before = self.ended_by.iter().map(|(probe, failure)| (probe, failure));
        let all = before.chain(&self.failures);
        let (probe, failure) = all.max_by_key(|(_, failure)| failure.at)?;
        Some(ProbeFailure {
            probe: word(*probe).to_owned(),
            reason: failure.reason.clone(),
            failures: failure.count,
            at: time_text::rfc3339(failure.at),
        })
    }
}

pub(super) fn word(probe: ProbeKind) -> &'static str {
    match probe {
        ProbeKind::Readiness => "readiness",
        ProbeKind::Liveness => "liveness",
        ProbeKind::Startup => "startup",
        ProbeKind::Listening => "port",
        ProbeKind::Watchdog => "watchdog",
    }
}

#[cfg(test)]
mod tests {
    use super::Health;
    use crate::model::RunId;
    use crate::supervisor::ProbeKind;
    use std::time::{Duration, SystemTime};

    #[test]
    fn the_last_failure_is_kept_with_how_often_it_came_and_is_no_trouble_once_it_is_over() {
        let mut health = Health::of(RunId(1));
        assert_eq!(health.trouble(), None);
        let now = SystemTime::UNIX_EPOCH;
        health.failed(ProbeKind::Readiness, "exit 1".to_owned(), now);
        let count = health.failed(ProbeKind::Readiness, "exit 2".to_owned(), now);
        assert_eq!(count, 2);
        assert_eq!(health.trouble().unwrap(), "exit 2 (readiness probe, 2 failures)");
        health.succeeded(ProbeKind::Readiness);
        assert_eq!(health.trouble(), None);
        assert!(health.passes(ProbeKind::Readiness) && !health.passes(ProbeKind::Liveness));
        let last = health.last_failure().unwrap();
        assert_eq!((last.reason.as_str(), last.failures), ("exit 2", 0));
        let later = now + Duration::from_secs(1);
        health.failed(ProbeKind::Liveness, "no answer".to_owned(), later);
        assert_eq!(health.last_failure().unwrap().probe, "liveness");
        health.complaint = Some("failure line: \"EADDRINUSE\"".to_owned());
        assert_eq!(health.trouble().unwrap(), "failure line: \"EADDRINUSE\"");
    }

    #[test]
    fn what_a_service_says_of_where_it_stands_is_told_while_nothing_else_is_wrong() {
        let mut health = Health {
            said: Some("loading 3 of 7".to_owned()),
            ..Health::of(RunId(1))
        };
        assert_eq!(health.trouble().unwrap(), "loading 3 of 7");
        health.failed(ProbeKind::Startup, "exit 1".to_owned(), SystemTime::UNIX_EPOCH);
        assert_eq!(health.trouble().unwrap(), "exit 1 (startup probe, 1 failure)");
    }

    #[test]
    fn what_a_run_was_ended_for_is_known_in_the_next_one_until_that_has_a_failure_of_its_own() {
        let mut health = Health::of(RunId(1));
        let now = SystemTime::UNIX_EPOCH;
        health.failed(ProbeKind::Readiness, "exit 1".to_owned(), now);
        health.failed(ProbeKind::Watchdog, "no WATCHDOG=1 for 2 s".to_owned(), now);
        assert!(health.is_silent());
        let mut next = health.followed_by(RunId(2));
        assert_eq!((next.trouble(), next.is_silent()), (None, false));
        let last = next.last_failure().unwrap();
        assert_eq!((last.probe.as_str(), last.failures), ("watchdog", 0));
        let later = now + Duration::from_secs(1);
        next.failed(ProbeKind::Readiness, "exit 2".to_owned(), later);
        assert_eq!(next.last_failure().unwrap().reason, "exit 2");
        assert_eq!(next.followed_by(RunId(3)).last_failure(), None);
    }

    #[test]
    fn a_million_failures_are_kept_as_one() {
        let mut health = Health::of(RunId(1));
        for _ in 0..1_000_000 {
            health.failed(ProbeKind::Readiness, String::new(), SystemTime::UNIX_EPOCH);
        }
        assert_eq!(health.failures.len(), 1);
        assert_eq!(health.last_failure().unwrap().failures, 1_000_000);
    }
}
