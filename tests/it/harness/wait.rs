//! Waiting: the one place that knows how long a test waits, and the only one that looks twice at a condition
//! for which there is no event.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take before the test has failed. Generous: it is no measurement, and a busy machine
/// is no failure, and a debug build is several times slower. `OVR_TEST_DEADLINE_S` sets another one.
pub(crate) fn deadline() -> Duration {
    let seconds = std::env::var("OVR_TEST_DEADLINE_S")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(if cfg!(debug_assertions) { 60 } else { 20 });
    Duration::from_secs(seconds)
}

/// Looks at `condition` until it holds or the time is over; says whether it held. Looks often at first and
/// less often later, so that short waits are short and long ones cost nothing.
pub(crate) fn holds_within(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    let mut pause = Duration::from_millis(2);
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 3 / 2).min(Duration::from_millis(60));
    }
}

/// Whether `condition` stays true for all of `time`. For what must *not* happen; use it sparingly, it costs
/// its time in every good run.
pub(crate) fn stays_true_for(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    !holds_within(time, || !condition())
}
