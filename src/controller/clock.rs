//! The one place that reads the clocks: the monotonic one for the machine, the wall clock for people.

use crate::model::Moment;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The session's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { started: Instant::now() }
    }

    pub(super) fn now(&self) -> Moment {
        Moment(self.started.elapsed())
    }

    /// The instant at which `moment` is reached.
    pub(super) fn instant(&self, moment: Moment) -> Instant {
        self.started + moment.0
    }

    pub(super) fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A wall-clock time from a shim's milliseconds since the epoch.
pub(super) fn from_epoch_ms(ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms)
}
