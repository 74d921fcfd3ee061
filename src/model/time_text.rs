//! Times and durations as text: RFC 3339 for machines, short words for people. Pure; nothing here reads a clock.

use std::time::{Duration, SystemTime};

/// The last second that RFC 3339 can write: the end of the year 9999.
const LAST_SECOND: u64 = 253_402_300_799;

/// `2026-01-31T08:15:30.042Z`: UTC with milliseconds. Times outside of the years 1970 to 9999 are written as
/// the nearest one inside.
pub fn rfc3339(time: SystemTime) -> String {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let inside = since_epoch.min(Duration::from_secs(LAST_SECOND));
    humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + inside).to_string()
}

/// Reads what [`rfc3339`] writes (`None` for anything but UTC in that form).
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

/// When something was that is written so, in milliseconds since the Unix epoch; 0 where it makes no sense.
pub fn millis_of(text: &str) -> u64 {
    parse_rfc3339(text).map_or(0, epoch_millis)
}

/// The time that is `millis` milliseconds after the Unix epoch.
pub fn from_epoch_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

/// Milliseconds since the Unix epoch; 0 for a time before it.
pub fn epoch_millis(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// How long something took: `12 ms`, `2.3 s`, `12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`. Always rounded down.
pub fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        0 if duration.as_millis() == 0 && !duration.is_zero() => "<1 ms".to_owned(),
        0 => format!("{} ms", duration.subsec_millis()),
        seconds @ 1..=9 => match duration.subsec_millis() / 100 {
            0 => format!("{seconds} s"),
            tenths => format!("{seconds}.{tenths} s"),
        },
        _ => age(duration),
    }
}

/// How old something is, in whole seconds at the finest: `0 s`, `12 s`, `3 min`, `2 h 5 min`, `3 d 4 h`.
pub fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if minutes == 0 {
        format!("{seconds} s")
    } else if hours == 0 {
        format!("{minutes} min")
    } else if days == 0 {
        two_units(hours, "h", minutes % 60, "min")
    } else {
        two_units(days, "d", hours % 24, "h")
    }
}

fn two_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large} {large_unit}")
    } else {
        format!("{large} {large_unit} {small} {small_unit}")
    }
}

/// How long ago `then` was at `now`: `just now`, `12 s ago`, `2 min ago`. A clock that was set back does not
/// make it negative.
pub fn ago(then: SystemTime, now: SystemTime) -> String {
    let passed = now.duration_since(then).unwrap_or_default();
    if passed < Duration::from_secs(1) {
        "just now".to_owned()
    } else {
        format!("{} ago", age(passed))
    }
}

#[cfg(test)]
mod tests {
    use super::{age, ago, duration, epoch_millis, from_epoch_millis, parse_rfc3339, rfc3339};
    use std::time::{Duration, SystemTime};

    #[test]
    fn times_are_written_in_utc_with_milliseconds_and_read_back() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_042, "2000-02-29T00:00:00.042Z"),
            (1_769_847_330_999, "2026-01-31T08:15:30.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(from_epoch_millis(millis)), text);
            assert_eq!(epoch_millis(parse_rfc3339(text).unwrap()), millis);
        }
        assert_eq!(parse_rfc3339("yesterday"), None);
    }

    #[test]
    fn times_out_of_range_do_no_harm() {
        let before = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339(before), "1970-01-01T00:00:00.000Z");
        assert_eq!(epoch_millis(before), 0);
        let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 40);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn durations_are_short_words() {
        for (millis, text) in [
            (0, "0 ms"),
            (12, "12 ms"),
            (999, "999 ms"),
            (1_000, "1 s"),
            (2_345, "2.3 s"),
            (9_999, "9.9 s"),
            (12_900, "12 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (200_000, "3 min"),
            (3_600_000, "1 h"),
            (7_500_000, "2 h 5 min"),
            (86_400_000, "1 d"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(duration(Duration::from_micros(300)), "<1 ms");
        assert_eq!(age(Duration::from_millis(2_345)), "2 s");
        assert_eq!(age(Duration::from_millis(10)), "0 s");
    }

    #[test]
    fn the_past_is_told_from_now() {
        let now = from_epoch_millis(1_000_000_000);
        assert_eq!(ago(now - Duration::from_secs(125), now), "2 min ago");
        assert_eq!(ago(now - Duration::from_millis(300), now), "just now");
        assert_eq!(ago(now + Duration::from_secs(9), now), "just now");
    }
}
