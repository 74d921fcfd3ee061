//! Every deadline the machine can have: one slot for each instance and kind. Setting a slot overwrites it,
//! which is all the cancellation there is.

use crate::model::{InstanceId, Moment};
use std::collections::BTreeSet;

/// What a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The wait before an ended instance starts again.
    Backoff,
    /// The next readiness attempt, or the end of the patience with the one under way.
    Readiness,
    /// The same for liveness.
    Liveness,
    /// The same for the startup probe.
    Startup,
    /// The next look whether it listens, or the time from which it counts as ready without a word.
    Assumed,
    /// The time by which a launcher has left its daemon behind.
    Launch,
}

impl Timer {
    pub(super) const ALL: [Self; 6] = [
        Self::Backoff,
        Self::Readiness,
        Self::Liveness,
        Self::Startup,
        Self::Assumed,
        Self::Launch,
    ];

    fn slot(self) -> usize {
        match self {
            Self::Backoff => 0,
            Self::Readiness => 1,
            Self::Liveness => 2,
            Self::Startup => 3,
            Self::Assumed => 4,
            Self::Launch => 5,
        }
    }
}

/// The table of deadlines, with the earliest at hand.
#[derive(Debug, Default)]
pub(super) struct Timers {
    slots: Vec<[Option<Moment>; Timer::ALL.len()]>,
    queue: BTreeSet<(Moment, InstanceId, Timer)>,
}

impl Timers {
    pub(super) fn new(instances: usize) -> Self {
        Self {
            slots: vec![[None; Timer::ALL.len()]; instances],
            queue: BTreeSet::new(),
        }
    }

    /// Makes room for so many instances.
    pub(super) fn grow(&mut self, instances: usize) {
        self.slots.resize(instances, [None; Timer::ALL.len()]);
    }

    pub(super) fn set(&mut self, instance: InstanceId, timer: Timer, at: Moment) {
        self.stop(instance, timer);
        self.slots[instance.0 as usize][timer.slot()] = Some(at);
        self.queue.insert((at, instance, timer));
    }

    pub(super) fn stop(&mut self, instance: InstanceId, timer: Timer) {
        if let Some(at) = self.slots[instance.0 as usize][timer.slot()].take() {
            self.queue.remove(&(at, instance, timer));
        }
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        self.queue.len()
    }

    /// When it is due, if it is set.
    pub(super) fn at(&self, instance: InstanceId, timer: Timer) -> Option<Moment> {
        self.slots[instance.0 as usize][timer.slot()]
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Moment> {
        self.queue.first().map(|(at, _, _)| *at)
    }

    /// Takes out one deadline that has come, earliest first.
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<(InstanceId, Timer)> {
        let (at, instance, timer) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.stop(instance, timer);
        Some((instance, timer))
    }
}

#[cfg(test)]
mod tests {
    use super::{Timer, Timers};
    use crate::model::{InstanceId, Moment};

    #[test]
    fn a_slot_that_is_set_again_forgets_its_old_deadline() {
        let mut timers = Timers::new(2);
        let (a, b) = (InstanceId(0), InstanceId(1));
        timers.set(a, Timer::Backoff, Moment::from_millis(5));
        timers.set(a, Timer::Backoff, Moment::from_millis(20));
        timers.set(b, Timer::Liveness, Moment::from_millis(10));
        assert_eq!(timers.next(), Some(Moment::from_millis(10)));
        assert_eq!(timers.pop_due(Moment::from_millis(9)), None);
        assert_eq!(
            timers.pop_due(Moment::from_millis(30)),
            Some((b, Timer::Liveness))
        );
        timers.stop(a, Timer::Backoff);
        assert_eq!(timers.next(), None);
        assert_eq!(timers.pop_due(Moment::from_millis(30)), None);
    }
}
