//! Places in the logs as people type them: `10m` ago, `14:30` today, a date, RFC 3339, a cursor of `ovr logs --json`;
//! `last`, `-1` or the number of a run. Has to be told what time it is.

use super::cursor::Cursor;
use super::query::{RunChoice, Since};
use crate::diag::{Diagnostic, Kind};
use crate::model::RunId;
use crate::model::time_text::epoch_millis;
use cronexpr::jiff::Timestamp;
use cronexpr::jiff::civil::{Date, Time};
use cronexpr::jiff::tz::{Offset, TimeZone};
use std::str::FromStr;
use std::time::SystemTime;

/// The place in the logs that `text` means at the time `now`, where clocks show the time of `zone`.
///
/// # Errors
/// It is none.
pub fn since(text: &str, now: SystemTime, zone: &TimeZone) -> Result<Since, Diagnostic> {
    parse(text, epoch_millis(now), zone).ok_or_else(|| {
        Diagnostic::error(Kind::Usage, format!("{text:?} is no time"))
            .hint("write how long ago (10m, 2h 30m), a time of today (14:30), a date and time")
            .hint("(2026-01-31 08:15:30 or 2026-01-31T08:15:30Z), or a cursor that --json printed")
    })
}

/// The same for an end, which a cursor is not.
///
/// # Errors
/// It is no time.
pub fn until(text: &str, now: SystemTime, zone: &TimeZone) -> Result<u64, Diagnostic> {
    match since(text, now, zone)? {
        Since::Time(at_ms) => Ok(at_ms),
        Since::Cursor(_) | Since::Printed(_) => Err(Diagnostic::error(
            Kind::Usage,
            "the end of a reading is a time, not a cursor",
        )),
    }
}

/// Whether it means another time elsewhere: a time of day, or a date.
pub fn is_of_the_zone(text: &str, now: SystemTime) -> bool {
    let now_ms = epoch_millis(now);
    parse(text, now_ms, &TimeZone::UTC) != parse(text, now_ms, &TimeZone::fixed(Offset::constant(1)))
}

impl FromStr for RunChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let back = text.strip_prefix('-').map(str::parse);
        match (text, back, text.parse()) {
            ("last" | "0", _, _) => Ok(Self::Back(0)),
            (_, Some(Ok(back)), _) => Ok(Self::Back(back)),
            (_, None, Ok(number)) => Ok(Self::Number(RunId(number))),
            _ => Err("write last, -1, -2 …, or the number of a run".to_owned()),
        }
    }
}

fn parse(text: &str, now_ms: u64, zone: &TimeZone) -> Option<Since> {
    let text = text.trim();
    if let Ok(cursor) = text.parse::<Cursor>() {
        return Some(Since::Cursor(cursor));
    }
    if let Some(printed) = Cursor::parse_printed(text) {
        return Some(Since::Printed(printed));
    }
    let time = |time: Timestamp| Since::Time(u64::try_from(time.as_millisecond()).unwrap_or_default());
    if let Ok(rfc3339) = text.parse::<Timestamp>() {
        return Some(time(rfc3339));
    }
    if let Ok(ago) = humantime::parse_duration(text) {
        let ago = u64::try_from(ago.as_millis()).ok()?;
        return Some(Since::Time(now_ms.saturating_sub(ago)));
    }
    let shown = match text.split_once([' ', 'T']) {
        Some((date, time)) => day(date)?.to_datetime(time_of_day(time)?),
        None if text.contains(':') => {
            let now = Timestamp::from_millisecond(i64::try_from(now_ms).ok()?).ok()?;
            let today = now.to_zoned(zone.clone()).date();
            today.to_datetime(time_of_day(text)?)
        }
        None => day(text)?.to_datetime(Time::midnight()),
    };
    // By what the clocks show on that day: summer and winter differ. Of a time that they show twice, the first counts.
    Some(time(shown.to_zoned(zone.clone()).ok()?.timestamp()))
}

/// `2026-01-31`.
fn day(text: &str) -> Option<Date> {
    let is_whole = text.len() == "2026-01-31".len();
    text.parse().ok().filter(|_| is_whole)
}

/// `14:30` or `14:30:05`.
fn time_of_day(time: &str) -> Option<Time> {
    let parts: Option<Vec<i8>> = time.split(':').map(|part| part.parse().ok()).collect();
    match parts?[..] {
        [hours, minutes] => Time::new(hours, minutes, 0, 0).ok(),
        [hours, minutes, seconds] => Time::new(hours, minutes, seconds, 0).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{is_of_the_zone, parse, until};
    use crate::logs::store::{Cursor, RunChoice, Since};
    use crate::model::RunId;
    use crate::model::time_text::{epoch_millis, parse_rfc3339};
    use cronexpr::jiff::tz::{Offset, TimeZone};

    fn at(text: &str) -> u64 {
        epoch_millis(parse_rfc3339(text).unwrap())
    }

    #[test]
    fn runs_are_counted_from_the_last_or_named_by_number() {
        for (text, expected) in [
            ("last", RunChoice::Back(0)),
            ("0", RunChoice::Back(0)),
            ("-2", RunChoice::Back(2)),
            ("7", RunChoice::Number(RunId(7))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "-", "--1", "first", "-x", "1.5"] {
            assert!(text.parse::<RunChoice>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_reading_ends_at_a_time() {
        let now = std::time::SystemTime::now();
        assert_eq!(
            until("2026-01-31T08:15:30Z", now, &TimeZone::UTC),
            Ok(at("2026-01-31T08:15:30Z"))
        );
        assert!(until("c1.7.web=1", now, &TimeZone::UTC).is_err());
    }

    #[test]
    fn times_are_read_as_people_type_them() {
        // 01:15 on the first of February, where people are two hours ahead.
        let (now, zone) = (at("2026-01-31T23:15:30Z"), TimeZone::fixed(Offset::constant(2)));
        for (text, expected) in [
            ("10m", "2026-01-31T23:05:30Z"),
            ("2h 30m", "2026-01-31T20:45:30Z"),
            ("2026-01-31T08:15:30.042Z", "2026-01-31T08:15:30.042Z"),
            ("2026-01-31T08:15:30+05:30", "2026-01-31T02:45:30.000Z"),
            ("01:10", "2026-01-31T23:10:00Z"),
            ("00:00:05", "2026-01-31T22:00:05Z"),
            ("2026-01-31", "2026-01-30T22:00:00Z"),
            ("2026-01-31 08:15", "2026-01-31T06:15:00Z"),
            ("2026-01-31 08:15:30", "2026-01-31T06:15:30Z"),
        ] {
            assert_eq!(parse(text, now, &zone), Some(Since::Time(at(expected))), "{text}");
        }
        assert_eq!(
            parse("c1.7.web=1", now, &zone),
            Some(Since::Cursor("c1.7.web=1".parse::<Cursor>().unwrap()))
        );
        for text in ["", "yesterday", "25:00", "12:60", "1:2:3:4", "2026-13-01", "12"] {
            assert_eq!(parse(text, now, &zone), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_read_by_the_clocks_of_that_day() {
        // Winter, in a place that has summer time.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let now = at("2026-11-26T12:00:00Z");
        for (text, expected) in [
            ("2026-11-25 08:15", "2026-11-25T07:15:00Z"),
            ("2026-07-01 08:15", "2026-07-01T06:15:00Z"),
            ("2026-07-01", "2026-06-30T22:00:00Z"),
            // Shown twice, and not at all.
            ("2026-10-25 02:30", "2026-10-25T00:30:00Z"),
            ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
            ("08:15", "2026-11-26T07:15:00Z"),
        ] {
            assert_eq!(parse(text, now, &zone), Some(Since::Time(at(expected))), "{text}");
        }
    }

    #[test]
    fn times_of_day_and_dates_are_known_to_mean_something_else_elsewhere() {
        let now = std::time::SystemTime::now();
        for text in ["14:30", "2026-01-31", "2026-01-31 08:15"] {
            assert!(is_of_the_zone(text, now), "{text}");
        }
        for text in ["10m", "2026-01-31T08:15:30+01:00", "c1.7.web=1"] {
            assert!(!is_of_the_zone(text, now), "{text}");
        }
    }
}
