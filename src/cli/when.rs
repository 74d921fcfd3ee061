//! Times as people type them: `10m` ago, `14:30` today, a date, RFC 3339, or a cursor of `ovr logs --json`. Needs
//! to be told what time it is.

use super::background::utc_offset_s;
use crate::diag::{Diagnostic, Kind};
use crate::logs::store::{Cursor, Since};
use crate::model::time_text::{epoch_millis, parse_rfc3339};
use std::time::SystemTime;

const DAY_S: u64 = 24 * 60 * 60;

/// The place in the logs that `text` means now.
pub(super) fn since(text: &str) -> Result<Since, Diagnostic> {
    parse(text, epoch_millis(SystemTime::now()), i64::from(utc_offset_s())).ok_or_else(|| {
        Diagnostic::error(Kind::Usage, format!("{text:?} is no time"))
            .hint("write how long ago (10m, 2h 30m), a time of today (14:30), a date and time")
            .hint("(2026-01-31 08:15:30 or 2026-01-31T08:15:30Z), or a cursor that --json printed")
    })
}

fn parse(text: &str, now_ms: u64, offset_s: i64) -> Option<Since> {
    let text = text.trim();
    if let Ok(cursor) = text.parse::<Cursor>() {
        return Some(Since::Cursor(cursor));
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
    use super::parse;
    use crate::logs::store::{Cursor, Since};
    use crate::model::time_text::{epoch_millis, parse_rfc3339};

    fn at(text: &str) -> u64 {
        epoch_millis(parse_rfc3339(text).unwrap())
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
