//! The schedule of one probe of one run: when to try, what the tries add up to. State and `now` in, decision
//! out; the attempts themselves are made elsewhere.

use crate::model::{Moment, ProbeSchedule};
use std::time::Duration;

/// How much later than the attempt's own timeout the machine stops waiting for its report.
const PATIENCE: Duration = Duration::from_secs(1);

/// The shortest pause between attempts, so that a period of zero is not a busy loop.
const SHORTEST_PERIOD: Duration = Duration::from_millis(10);

/// Until its first success a probe that is waited for is tried again after this, then after twice as long, and so on
/// up to its period: what comes up within a second is not to be waited for for ten.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// What a probe thinks after an attempt, once enough attempts agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opinion {
    Good,
    Bad,
    /// Neither threshold is reached: whatever was thought before still holds.
    Undecided,
}

/// What to do when the probe's deadline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Make an attempt, and wait for it until `deadline`.
    Attempt { deadline: Moment },
    /// The attempt's report never came, which is a failure; the next one is at `next`.
    Silent { opinion: Opinion, next: Moment },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Waiting,
    Attempting,
}

/// Where one probe stands.
#[derive(Clone, Debug)]
pub(super) struct Track {
    schedule: ProbeSchedule,
    step: Step,
    successes: u32,
    failures: u32,
    early: Option<Early>,
}

/// Tries between those at the period, until the first success.
#[derive(Clone, Copy, Debug)]
struct Early {
    pause: Duration,
    /// When the next failure counts: thresholds mean so many periods, however often it is tried.
    counts_from: Moment,
}

impl Track {
    /// Tried at its period.
    pub(super) fn new(schedule: ProbeSchedule) -> Self {
        Self {
            schedule,
            step: Step::Waiting,
            successes: 0,
            failures: 0,
            early: None,
        }
    }

    /// Tried more often until it succeeds for the first time.
    pub(super) fn waited_for(schedule: ProbeSchedule) -> Self {
        Self {
            early: Some(Early {
                pause: FIRST_PAUSE,
                counts_from: Moment::START,
            }),
            ..Self::new(schedule)
        }
    }

    /// Whether a failure at `now` is one of those that a threshold counts.
    pub(super) fn counts(&self, now: Moment) -> bool {
        self.early.is_none_or(|early| now >= early.counts_from)
    }

    pub(super) fn due(&mut self, now: Moment) -> Due {
        match self.step {
            Step::Waiting => {
                self.step = Step::Attempting;
                Due::Attempt {
                    deadline: now + self.schedule.timeout + PATIENCE,
                }
            }
            Step::Attempting => {
                let (opinion, next) = self.count(now, false);
                Due::Silent { opinion, next }
            }
        }
    }

    /// Takes in a report; `None` if no attempt is under way (its report comes too late to count).
    pub(super) fn done(&mut self, now: Moment, ok: bool) -> Option<(Opinion, Moment)> {
        match self.step {
            Step::Waiting => None,
            Step::Attempting => Some(self.count(now, ok)),
        }
    }

    fn count(&mut self, now: Moment, ok: bool) -> (Opinion, Moment) {
        self.step = Step::Waiting;
        let counts = self.counts(now);
        let next = self.next(now, ok);
        let opinion = if ok {
            self.failures = 0;
            self.successes = self.successes.saturating_add(1);
            decided(self.successes, self.schedule.success_threshold, Opinion::Good)
        } else if !counts {
            Opinion::Undecided
        } else {
            self.successes = 0;
            self.failures = self.failures.saturating_add(1);
            decided(self.failures, self.schedule.failure_threshold, Opinion::Bad)
        };
        (opinion, next)
    }

    /// When it is tried again.
    fn next(&mut self, now: Moment, ok: bool) -> Moment {
        let at_period = now + self.schedule.period.max(SHORTEST_PERIOD);
        let Some(early) = self.early.as_mut().filter(|_| !ok) else {
            self.early = None;
            return at_period;
        };
        if now >= early.counts_from {
            early.counts_from = at_period;
        }
        let next = (now + early.pause).min(early.counts_from);
        early.pause = early.pause.saturating_mul(2);
        next
    }
}

fn decided(count: u32, threshold: u32, opinion: Opinion) -> Opinion {
    if count >= threshold.max(1) {
        opinion
    } else {
        Opinion::Undecided
    }
}

#[cfg(test)]
mod tests {
    use super::{Due, Opinion, Track};
    use crate::model::{Moment, ProbeSchedule};
    use std::time::Duration;

    fn schedule(successes: u32, failures: u32) -> ProbeSchedule {
        ProbeSchedule {
            initial_delay: Duration::ZERO,
            period: Duration::from_secs(1),
            timeout: Duration::from_secs(2),
            success_threshold: successes,
            failure_threshold: failures,
        }
    }

    fn opinions(track: &mut Track, results: &[bool]) -> Vec<Opinion> {
        let now = Moment::START;
        results
            .iter()
            .map(|ok| {
                track.due(now);
                track.done(now, *ok).expect("an attempt is under way").0
            })
            .collect()
    }

    #[test]
    fn both_thresholds_count_results_in_a_row() {
        use Opinion::{Bad, Good, Undecided};
        let mut track = Track::new(schedule(2, 3));
        assert_eq!(
            opinions(&mut track, &[true, false, true, true, true]),
            [Undecided, Undecided, Undecided, Good, Good]
        );
        assert_eq!(
            opinions(&mut track, &[false, false, true, false, false, false]),
            [Undecided, Undecided, Undecided, Undecided, Undecided, Bad]
        );
    }

    #[test]
    fn an_attempt_that_never_reports_has_failed_and_its_late_report_is_dropped() {
        let mut track = Track::new(schedule(1, 1));
        let Due::Attempt { deadline } = track.due(Moment::START) else {
            panic!("the first step is an attempt");
        };
        assert_eq!(deadline, Moment::from_millis(3000));
        assert_eq!(
            track.due(deadline),
            Due::Silent {
                opinion: Opinion::Bad,
                next: Moment::from_millis(4000)
            }
        );
        assert_eq!(track.done(Moment::from_millis(3500), true), None);
    }

    #[test]
    fn a_million_attempts_are_counted_as_the_first_were() {
        let mut track = Track::new(schedule(2, 3));
        let results: Vec<bool> = [true, true, false, false, false].repeat(200_000);
        let opinions = opinions(&mut track, &results);
        for row in opinions.chunks(5) {
            use Opinion::{Bad, Good, Undecided};
            assert_eq!(row, [Undecided, Good, Undecided, Undecided, Bad]);
        }
    }

    #[test]
    fn what_is_waited_for_is_tried_soon_and_its_failures_count_at_the_period() {
        use Opinion::{Bad, Good, Undecided};
        let mut track = Track::waited_for(schedule(1, 2));
        let mut now = Moment::START;
        let mut told = Vec::new();
        for ok in [false, false, false, false, false, false, false, true, false] {
            track.due(now);
            let (opinion, next) = track.done(now, ok).unwrap();
            told.push((now.0.as_millis(), opinion));
            now = next;
        }
        assert_eq!(
            told,
            [
                (0, Undecided),
                (50, Undecided),
                (150, Undecided),
                (350, Undecided),
                (750, Undecided),
                (1000, Bad),
                (2000, Bad),
                (3000, Good),
                // The first success was the last early one.
                (4000, Undecided),
            ]
        );
    }

    #[test]
    fn a_period_of_zero_is_no_busy_loop() {
        let mut track = Track::new(ProbeSchedule {
            period: Duration::ZERO,
            ..schedule(0, 0)
        });
        track.due(Moment::START);
        let (opinion, next) = track.done(Moment::START, true).unwrap();
        assert_eq!(opinion, Opinion::Good);
        assert!(next > Moment::START);
    }
}
