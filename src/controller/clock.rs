//! The one place that reads the clocks: the monotonic one for the machine, the wall clock for people.

use crate::model::{Moment, time_text};
use std::time::{Instant, SystemTime};

/// The session's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Moment {
        Moment(self.started.elapsed())
    }

    /// The instant at which `moment` is reached.
    pub(super) fn instant(&self, moment: Moment) -> Instant {
        self.started + moment.0
    }
}

/// The time of day.
pub(super) fn wall() -> SystemTime {
    SystemTime::now()
}

/// The time of day, in milliseconds since the Unix epoch.
pub(super) fn epoch_ms() -> u64 {
    time_text::epoch_millis(wall())
}
