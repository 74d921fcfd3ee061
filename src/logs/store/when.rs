//! Places in the logs as people type them: `10m` ago, `14:30` today, a date, RFC 3339, a cursor of `ovr logs --json`;
//! `last`, `-1` or the number of a run. Has to be told what time it is.

use super::cursor::Cursor;
use super::query::{RunChoice, Since};
use crate::diag::{Diagnostic, Kind};
use crate::model::RunId;
use crate::model::time_text::{epoch_millis, parse_rfc3339};
use std::str::FromStr;
use std::time::SystemTime;

const DAY_S: u64 = 24 * 60 * 60;

/// The place in the logs that `text` means at the time `now`, where clocks are `offset_s` seconds ahead of UTC.
///
/// # Errors
/// It is none.
pub fn since(text: &str, now: SystemTime, offset_s: i32) -> Result<Since, Diagnostic> {
    parse(text, epoch_millis(now), i64::from(offset_s)).ok_or_else(|| {
        Diagnostic::error(Kind::Usage, format!("{text:?} is no time"))
            .hint("write how long ago (10m, 2h 30m), a time of today (14:30), a date and time")
            .hint("(2026-01-31 08:15:30 or 2026-01-31T08:15:30Z), or a cursor that --json printed")
    })
}

/// The same for an end, which a cursor is not.
///
/// # Errors
/// It is no time.
pub fn until(text: &str, now: SystemTime, offset_s: i32) -> Result<u64, Diagnostic> {
    match since(text, now, offset_s)? {
        Since::Time(at_ms) => Ok(at_ms),
        Since::Cursor(_) | Since::Printed(_) => Err(Diagnostic::error(
            Kind::Usage,
            "the end of a reading is a time, not a cursor",
        )),
    }
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

fn parse(text: &str, now_ms: u64, offset_s: i64) -> Option<Since> {
    let text = text.trim();
    if let Ok(cursor) = text.parse::<Cursor>() {
        return Some(Since::Cursor(cursor));
    }
    if let Some(printed) = Cursor::parse_printed(text) {
        return Some(Since::Printed(printed));
    }
    if let Some(time) = parse_rfc3339(text) {
        return Some(Since::Time(epoch_millis(time)));
    }
    if let Ok(ago) = humantime::parse_duration(text) {
        let ago = u64::try_from(ago.as_millis()).ok()?;
        return Some(Since::Time(now_ms.saturating_sub(ago)));
    }
    let local_ms = match text.split_once([' ', 'T']) {
        Some((date, time)) => midnight(date)? + time_of_day(time)?,
        None if text.contains(':') => {
            let now_local = (i64::try_from(now_ms / 1000).ok()? + offset_s).max(0);
            let today = u64::try_from(now_local).ok()? / DAY_S * DAY_S * 1000;
            today + time_of_day(text)?
        }
        None => midnight(text)?,
    };
    let utc_ms = i64::try_from(local_ms).ok()? - offset_s * 1000;
    Some(Since::Time(u64::try_from(utc_ms.max(0)).ok()?))
}

/// `2026-01-31`, as if it were in UTC.
fn midnight(date: &str) -> Option<u64> {
    parse_rfc3339(&format!("{date}T00:00:00Z")).map(epoch_millis)
}

/// `14:30` or `14:30:05`.
fn time_of_day(time: &str) -> Option<u64> {
    let parts: Vec<&str> = time.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    let part = |text: &str, below: u64| text.parse().ok().filter(|number: &u64| *number < below);
    Some((part(hours, 24)? * 3600 + part(minutes, 60)? * 60 + part(seconds, 60)?) * 1000)
}

#[cfg(test)]
mod tests {
    use super::{parse, until};
    use crate::logs::store::{Cursor, RunChoice, Since};
    use crate::model::RunId;
    use crate::model::time_text::{epoch_millis, parse_rfc3339};

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
            until("2026-01-31T08:15:30Z", now, 0),
            Ok(at("2026-01-31T08:15:30Z"))
        );
        assert!(until("c1.7.web=1", now, 0).is_err());
    }

    #[test]
    fn times_are_read_as_people_type_them() {
        // 01:15 on the first of February, where people are two hours ahead.
        let (now, offset) = (at("2026-01-31T23:15:30Z"), 7200);
        for (text, expected) in [
            ("10m", "2026-01-31T23:05:30Z"),
            ("2h 30m", "2026-01-31T20:45:30Z"),
            ("2026-01-31T08:15:30.042Z", "2026-01-31T08:15:30.042Z"),
            ("01:10", "2026-01-31T23:10:00Z"),
            ("00:00:05", "2026-01-31T22:00:05Z"),
            ("2026-01-31", "2026-01-30T22:00:00Z"),
            ("2026-01-31 08:15", "2026-01-31T06:15:00Z"),
            ("2026-01-31 08:15:30", "2026-01-31T06:15:30Z"),
        ] {
            assert_eq!(
                parse(text, now, offset),
                Some(Since::Time(at(expected))),
                "{text}"
            );
        }
        assert_eq!(
            parse("c1.7.web=1", now, offset),
            Some(Since::Cursor("c1.7.web=1".parse::<Cursor>().unwrap()))
        );
        for text in ["", "yesterday", "25:00", "12:60", "1:2:3:4", "2026-13-01", "12"] {
            assert_eq!(parse(text, now, offset), None, "{text}");
        }
    }
}
