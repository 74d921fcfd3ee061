//! Schedules: when each instance that has one is due next, by the time of day or by time that passes. What a
//! due one does is the machine's business. One deadline for all of them; a run that was missed (the machine
//! slept, the clock was put forward) is made up for once.

use super::alarm::Alarm;
use super::clock;
use super::core::Controller;
use crate::cron::Cron;
use crate::diag::{Diagnostic, Kind};
use crate::logs::Tone;
use crate::model::{InstanceId, InstanceSpec, Moment, RunId, ScheduleWhen, time_text};
use crate::supervisor::{Event, Trigger, Triggered};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

#[derive(Debug)]
enum When {
    Cron(Box<Cron>),
    Every(Duration),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    At(SystemTime),
    In(Moment),
}

#[derive(Debug)]
struct Entry {
    instance: InstanceId,
    when: When,
    run_on_start: bool,
    /// `None` while its schedule is paused, and when it is never due.
    next: Option<Due>,
    /// Whether `next` is to be worked out.
    is_paused: bool,
}

impl Entry {
    fn plan(&mut self, now: Moment, wall: SystemTime) {
        self.next = match &self.when {
            When::Cron(cron) => cron.next_after(wall).map(Due::At),
            When::Every(interval) => Some(Due::In(now + *interval)),
        };
    }

    fn is_due(&self, now: Moment, wall: SystemTime) -> bool {
        match self.next {
            Some(Due::At(at)) => at <= wall,
            Some(Due::In(at)) => at <= now,
            None => false,
        }
    }

    /// The one after a run that is due: beats that were missed are left out, and the beat is kept.
    fn plan_next(&mut self, now: Moment, wall: SystemTime) {
        match (&self.when, self.next) {
            (When::Every(interval), Some(Due::In(at))) => {
                let beats = now.since(at).as_nanos() / interval.as_nanos().max(1);
                let late = interval.saturating_mul(u32::try_from(beats + 1).unwrap_or(u32::MAX));
                self.next = Some(Due::In(at + late));
            }
            (When::Every(_) | When::Cron(_), _) => self.plan(now, wall),
        }
    }
}

/// Every schedule of a session.
#[derive(Debug, Default)]
pub(super) struct Schedules {
    entries: Vec<Entry>,
    alarm: Alarm,
    /// The alarm cannot be had: the loop's deadline stands in for it.
    without_alarm: bool,
    /// The runs that were said to stand in the way of the next one.
    in_the_way: BTreeMap<InstanceId, Option<RunId>>,
}

impl Schedules {
    pub(super) fn new(instances: &[(InstanceId, &InstanceSpec)]) -> Result<Self, Diagnostic> {
        let mut entries = Vec::new();
        for (instance, spec) in instances.iter().copied() {
            let Some(schedule) = &spec.schedule else { continue };
            let when = match &schedule.when {
                ScheduleWhen::Every(interval) => When::Every(*interval),
                ScheduleWhen::Cron { expression, timezone } => {
                    let cron = Cron::parse(expression, timezone.as_deref()).map_err(|error| {
                        let message = format!("the schedule of {} cannot be read: {error}", spec.name);
                        Diagnostic::error(Kind::Config, message)
                    })?;
                    When::Cron(Box::new(cron))
                }
            };
            entries.push(Entry {
                instance,
                when,
                run_on_start: schedule.run_on_start,
                next: None,
                is_paused: true,
            });
        }
        Ok(Self {
            entries,
            ..Self::default()
        })
    }

    /// The configuration is another one: what is said of these instances is as it was, so their beat is kept.
    pub(super) fn renew(&mut self, new: Self, is_kept: impl Fn(InstanceId) -> bool) {
        let mut old = std::mem::replace(&mut self.entries, new.entries);
        for entry in &mut self.entries {
            let place = old.iter().position(|old| old.instance == entry.instance);
            if let Some(place) = place.filter(|_| is_kept(entry.instance)) {
                *entry = old.swap_remove(place);
            }
        }
    }

    /// Heeds the schedules that are not paused, from now on.
    fn heed(&mut self, now: Moment, wall: SystemTime, is_heeded: impl Fn(InstanceId) -> bool) {
        for entry in &mut self.entries {
            let is_paused = !is_heeded(entry.instance);
            if is_paused {
                entry.next = None;
            } else if entry.is_paused {
                entry.plan(now, wall);
            }
            entry.is_paused = is_paused;
        }
    }

    /// Takes out what is due, in the order of the file.
    fn take_due(&mut self, now: Moment, wall: SystemTime) -> Vec<InstanceId> {
        let mut due = Vec::new();
        for entry in &mut self.entries {
            if entry.is_due(now, wall) {
                due.push(entry.instance);
                entry.plan_next(now, wall);
            } else if let Some(Due::At(_)) = entry.next {
                // The clock may have been put back.
                entry.plan(now, wall);
            }
        }
        due
    }

    fn has_due(&self, now: Moment, wall: SystemTime) -> bool {
        self.entries.iter().any(|entry| entry.is_due(now, wall))
    }

    fn next_at(&self) -> Option<SystemTime> {
        let times = self.entries.iter().filter_map(|entry| match entry.next {
            Some(Due::At(at)) => Some(at),
            Some(Due::In(_)) | None => None,
        });
        times.min()
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        let moments = self.entries.iter().filter_map(|entry| match entry.next {
            Some(Due::In(at)) => Some(at),
            Some(Due::At(_)) | None => None,
        });
        moments.min()
    }

    pub(super) fn is_without_alarm(&self) -> bool {
        self.without_alarm
    }

    /// When the instance is due next, by the clock on the wall.
    fn next_run(&self, instance: InstanceId, now: Moment, wall: SystemTime) -> Option<SystemTime> {
        let entry = self.entries.iter().find(|entry| entry.instance == instance)?;
        Some(match entry.next? {
            Due::At(at) => at,
            Due::In(at) => wall + at.since(now),
        })
    }

    /// Waits for the alarm.
    pub(super) async fn rang(&self) {
        self.alarm.rang().await;
    }
}

impl Controller {
    /// Before the loop waits: schedules may have been paused or resumed.
    pub(super) fn wind_schedules(&mut self) {
        if self.schedules.entries.is_empty() {
            return;
        }
        let (now, wall) = (self.clock.now(), clock::wall());
        let (machine, begun) = (&self.machine, self.adopted.begun);
        self.schedules
            .heed(now, wall, |id| begun && machine.is_on_schedule(id));
        let next = self.schedules.next_at();
        self.schedules.without_alarm = !self.schedules.alarm.set(next);
    }

    /// The deadline that stands in for an alarm that cannot be had.
    pub(super) fn deadline_for_alarm(&self) -> Option<Moment> {
        let next = self
            .schedules
            .next_at()
            .filter(|_| self.schedules.is_without_alarm())?;
        let wait = next.duration_since(clock::wall()).unwrap_or_default();
        Some(self.clock.now() + wait)
    }

    /// The session begins, and is no earlier one's.
    pub(super) fn run_on_start(&mut self) {
        let entries = self.schedules.entries.iter();
        let wanted: Vec<InstanceId> = entries
            .filter(|entry| entry.run_on_start)
            .map(|entry| entry.instance)
            .collect();
        for instance in wanted {
            let by = Trigger::Schedule;
            self.feed(Event::Due { instance, by });
        }
    }

    pub(super) fn on_alarm(&mut self) {
        self.schedules.alarm.note_rang();
        self.call_due();
    }

    /// Calls for what is due by the loop's deadline.
    pub(super) fn look_at_schedules(&mut self) {
        if self.schedules.has_due(self.clock.now(), clock::wall()) {
            self.call_due();
        }
    }

    fn call_due(&mut self) {
        let due = self.schedules.take_due(self.clock.now(), clock::wall());
        for instance in due {
            let by = Trigger::Schedule;
            self.feed(Event::Due { instance, by });
        }
    }

    /// What came of a due run, in words.
    pub(super) fn say_scheduled(&mut self, instance: InstanceId, outcome: Triggered) {
        match outcome {
            Triggered::Starts => {
                self.schedules.in_the_way.remove(&instance);
                self.say_quietly(instance, "starts by its schedule");
            }
            Triggered::Busy => {
                // Once for each run, however many it outlasts.
                let run = self.machine.state(instance).live_run();
                if self.schedules.in_the_way.insert(instance, run) == Some(run) {
                    return;
                }
                let word = self.machine.word(instance);
                let text = format!("due by its schedule, and left out: the run before is not over ({word})");
                self.say_at(instance, None, Tone::Normal, &text);
            }
            // A schedule restarts nothing.
            Triggered::Restarts | Triggered::Suspended => {}
        }
    }

    pub(super) fn next_run(&self, instance: InstanceId) -> Option<SystemTime> {
        self.schedules
            .next_run(instance, self.clock.now(), clock::wall())
            .filter(|_| self.machine.is_on_schedule(instance))
    }
}

/// `next run in 5 min`.
pub(super) fn next_run_words(next: SystemTime, wall: SystemTime) -> String {
    let wait = next.duration_since(wall).unwrap_or_default();
    format!("next run in {}", time_text::age(wait))
}

#[cfg(test)]
mod tests {
    use super::{Due, Entry, Schedules, When};
    use crate::cron::Cron;
    use crate::model::{InstanceId, Moment};
    use std::time::{Duration, SystemTime};

    const WEB: InstanceId = InstanceId(0);
    const MINUTE: Duration = Duration::from_secs(60);

    fn schedules(when: When) -> Schedules {
        Schedules {
            entries: vec![Entry {
                instance: WEB,
                when,
                run_on_start: false,
                next: None,
                is_paused: true,
            }],
            ..Schedules::default()
        }
    }

    fn hourly() -> When {
        When::Cron(Box::new(Cron::parse("0 * * * *", Some("UTC")).unwrap()))
    }

    /// A full hour, and some minutes.
    fn wall(minutes: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + MINUTE * u32::try_from(minutes).unwrap()
    }

    fn at(millis: u64) -> Moment {
        Moment::from_millis(millis)
    }

    #[test]
    fn an_interval_keeps_its_beat_and_makes_up_for_what_was_missed_once() {
        let mut schedules = schedules(When::Every(Duration::from_secs(1)));
        schedules.heed(at(500), wall(0), |_| true);
        assert_eq!(schedules.next_deadline(), Some(at(1500)));
        assert!(schedules.take_due(at(1499), wall(0)).is_empty());
        assert_eq!(schedules.take_due(at(1510), wall(0)), [WEB]);
        assert_eq!(schedules.next_deadline(), Some(at(2500)));
        assert_eq!(schedules.take_due(at(9700), wall(0)), [WEB]);
        assert!(schedules.take_due(at(9700), wall(0)).is_empty());
        assert_eq!(schedules.next_deadline(), Some(at(10_500)));
    }

    #[test]
    fn a_paused_schedule_is_never_due_and_begins_anew_when_it_is_resumed() {
        let mut schedules = schedules(When::Every(Duration::from_secs(1)));
        schedules.heed(at(0), wall(0), |_| true);
        schedules.heed(at(700), wall(0), |_| false);
        assert_eq!(schedules.next_deadline(), None);
        assert!(schedules.take_due(at(5000), wall(0)).is_empty());
        schedules.heed(at(5200), wall(0), |_| true);
        assert_eq!(schedules.next_deadline(), Some(at(6200)));
        // Heeding what is heeded already moves nothing.
        schedules.heed(at(5900), wall(0), |_| true);
        assert_eq!(schedules.next_deadline(), Some(at(6200)));
    }

    #[test]
    fn a_machine_that_slept_through_several_runs_gets_one() {
        let mut schedules = schedules(hourly());
        schedules.heed(at(0), wall(5), |_| true);
        assert_eq!(schedules.next_at(), Some(wall(60)));
        assert_eq!(schedules.take_due(at(10), wall(200)), [WEB]);
        assert!(schedules.take_due(at(20), wall(200)).is_empty());
        assert_eq!(schedules.next_at(), Some(wall(240)));
    }

    #[test]
    fn a_clock_that_is_put_back_brings_the_next_run_back_with_it() {
        let mut schedules = schedules(hourly());
        schedules.heed(at(0), wall(125), |_| true);
        assert_eq!(schedules.next_at(), Some(wall(180)));
        assert!(schedules.take_due(at(10), wall(5)).is_empty());
        assert_eq!(schedules.next_at(), Some(wall(60)));
    }

    #[test]
    fn the_next_run_is_told_by_the_clock_on_the_wall() {
        let mut by_interval = schedules(When::Every(MINUTE));
        by_interval.heed(at(0), wall(0), |_| true);
        assert_eq!(by_interval.next_run(WEB, at(0), wall(0)), Some(wall(1)));
        assert_eq!(by_interval.entries[0].next, Some(Due::In(Moment(MINUTE))));
        assert_eq!(by_interval.next_run(InstanceId(7), at(0), wall(0)), None);
    }
}
