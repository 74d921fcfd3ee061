//! Whether an ended run is followed by another one, and when. State and the end in, decision out; it knows
//! nothing of sessions, windows or dependencies.

use crate::model::{RestartPolicy, RestartWhen};
use std::time::Duration;

/// A run that was up this long clears the back-off.
pub(super) const GOOD_RUN: Duration = Duration::from_secs(10);

/// This many restarts come at once, before the back-off begins to grow.
const AT_ONCE: u32 = 3;
const FIRST_DELAY: Duration = Duration::from_millis(250);
const LONGEST_DELAY: Duration = Duration::from_secs(30);

/// How a run ended, as far as restarting cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunEnd {
    pub(super) success: bool,
    pub(super) up: Duration,
    /// It was ended because it no longer answered: it is replaced whatever the policy for ends says.
    pub(super) unhealthy: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Another run, this long after the end.
    Again { after: Duration },
    /// The end is the end.
    Stay,
    /// It would run again, but has used up what it is allowed.
    GiveUp { failures: u32 },
}

/// What is counted between a person's requests.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Restarts decided; the budget of `max` is never refilled by uptime.
    used: u32,
    /// Restarts since the last good run; the growing back-off goes by it.
    streak: u32,
    /// Short, failed runs in a row.
    failures: u32,
}

impl Tally {
    /// Whether its last end that nobody asked for was a failure.
    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Takes in one end that nobody asked for.
    pub(super) fn decide(&mut self, policy: &RestartPolicy, end: RunEnd) -> Decision {
        if end.up >= GOOD_RUN {
            self.streak = 0;
            self.failures = 0;
        }
        if end.success {
            self.failures = 0;
        } else {
            self.failures = self.failures.saturating_add(1);
        }
        let wants_another = end.unhealthy
            || match policy.when {
                RestartWhen::Never => false,
                RestartWhen::OnFailure => !end.success,
                RestartWhen::Always => true,
            };
        if !wants_another {
            return Decision::Stay;
        }
        if policy.max.is_some_and(|max| self.used >= max) {
            return self.exhausted(end);
        }
        if !end.success
            && policy
                .give_up_after
                .is_some_and(|limit| self.failures >= limit.max(1))
        {
            return Decision::GiveUp {
                failures: self.failures,
            };
        }
        let after = policy.delay.unwrap_or_else(|| backoff(self.streak));
        self.used = self.used.saturating_add(1);
        self.streak = self.streak.saturating_add(1);
        Decision::Again { after }
    }

    /// The budget of `max` is spent. A good end is still a good end, and where there never was a budget
    /// there is nothing to give up.
    fn exhausted(self, end: RunEnd) -> Decision {
        if end.success || self.used == 0 {
            Decision::Stay
        } else {
            Decision::GiveUp {
                failures: self.failures,
            }
        }
    }
}

/// 0, 0, 0, 0.25, 0.5, 1, 2, 4, 8, 16, 30, 30 … seconds.
fn backoff(streak: u32) -> Duration {
    match streak.checked_sub(AT_ONCE) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_DELAY
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(LONGEST_DELAY),
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, RunEnd, Tally};
    use crate::model::{RestartPolicy, RestartWhen};
    use std::time::Duration;

    const CRASH: RunEnd = RunEnd {
        success: false,
        up: Duration::from_millis(5),
        unhealthy: false,
    };
    const DONE: RunEnd = RunEnd {
        success: true,
        ..CRASH
    };

    fn again(millis: u64) -> Decision {
        Decision::Again {
            after: Duration::from_millis(millis),
        }
    }

    #[test]
    fn three_restarts_come_at_once_and_then_the_wait_doubles_up_to_thirty_seconds() {
        let mut tally = Tally::default();
        for millis in [0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            assert_eq!(tally.decide(&RestartPolicy::ALWAYS, CRASH), again(millis));
        }
        for _ in 0..1000 {
            assert_eq!(tally.decide(&RestartPolicy::ALWAYS, CRASH), again(30_000));
        }
    }

    #[test]
    fn ten_seconds_up_count_anew_and_a_quick_good_end_does_not() {
        let mut tally = Tally::default();
        for _ in 0..6 {
            tally.decide(&RestartPolicy::ALWAYS, CRASH);
        }
        assert_eq!(tally.decide(&RestartPolicy::ALWAYS, DONE), again(2000));
        let good = RunEnd {
            up: Duration::from_secs(10),
            ..CRASH
        };
        assert_eq!(tally.decide(&RestartPolicy::ALWAYS, good), again(0));
    }

    #[test]
    fn n_restarts_never_make_more_than_n_plus_one_runs() {
        for max in [0, 1, 5] {
            let policy = RestartPolicy {
                max: Some(max),
                delay: Some(Duration::from_secs(1)),
                ..RestartPolicy::ALWAYS
            };
            let mut tally = Tally::default();
            let mut runs = 1;
            let end = RunEnd {
                up: Duration::from_secs(60),
                ..CRASH
            };
            while tally.decide(&policy, end) == again(1000) {
                runs += 1;
            }
            assert_eq!(runs, max + 1);
        }
    }

    #[test]
    fn what_follows_an_end_goes_by_the_policy() {
        let limited = RestartPolicy {
            give_up_after: Some(3),
            ..RestartPolicy::ALWAYS
        };
        let once = RestartPolicy {
            when: RestartWhen::OnFailure,
            max: Some(1),
            ..RestartPolicy::ALWAYS
        };
        let on_failure = RestartPolicy {
            when: RestartWhen::OnFailure,
            ..RestartPolicy::ALWAYS
        };
        let unhealthy = RunEnd {
            unhealthy: true,
            ..CRASH
        };
        for (name, policy, ends, last) in [
            ("never", &RestartPolicy::NEVER, vec![CRASH], Decision::Stay),
            (
                "never, unhealthy",
                &RestartPolicy::NEVER,
                vec![unhealthy],
                again(0),
            ),
            ("on failure, good end", &on_failure, vec![DONE], Decision::Stay),
            ("on failure, bad end", &on_failure, vec![CRASH], again(0)),
            ("always, good end", &RestartPolicy::ALWAYS, vec![DONE], again(0)),
            (
                "budget spent",
                &once,
                vec![CRASH, CRASH],
                Decision::GiveUp { failures: 2 },
            ),
            ("budget spent, good end", &once, vec![CRASH, DONE], Decision::Stay),
            (
                "third failure",
                &limited,
                vec![CRASH; 3],
                Decision::GiveUp { failures: 3 },
            ),
            (
                "a good end between",
                &limited,
                vec![CRASH, CRASH, DONE, CRASH],
                again(250),
            ),
        ] {
            let mut tally = Tally::default();
            let decision = ends.into_iter().map(|end| tally.decide(policy, end)).last();
            assert_eq!(decision, Some(last), "{name}");
        }
    }
}
