//! Times in words: how long something took or is ago, and the time stamps of the API as numbers.

/// A length of time as people say it: `12 ms`, `1.2 s`, `45 s`, `3 min`, `2 h 5 min`, `3 d`.
pub fn span(millis: u64) -> String {
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..10 => format!("{seconds}.{} s", millis % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 if (seconds / 60).is_multiple_of(60) => format!("{} h", seconds / 3600),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The same without fractions, for what is shown again and again: `0 s`, `1 s`.
pub fn whole(millis: u64) -> String {
    match millis / 1000 {
        seconds @ 0..10 => format!("{seconds} s"),
        _ => span(millis),
    }
}

/// Milliseconds since 1970 of an RFC 3339 time in UTC, as the API writes them; `None` for anything else.
pub fn unix_millis(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    if year < 1970 || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let days = days_since_1970(year, month, day)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let parts: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

/// Counted in years that begin in March, so that a leap day is the last of its year.
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let since_year_0 = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
    since_year_0.checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::{span, unix_millis, whole};

    #[test]
    fn spans_are_said_in_one_or_two_units() {
        for (millis, text) in [
            (0, "0 ms"),
            (12, "12 ms"),
            (999, "999 ms"),
            (1200, "1.2 s"),
            (45_000, "45 s"),
            (185_000, "3 min"),
            (7_200_000, "2 h"),
            (7_500_000, "2 h 5 min"),
            (300_000_000, "3 d"),
        ] {
            assert_eq!(span(millis), text);
        }
        assert_eq!(
            (whole(12), whole(1900), whole(61_000)),
            ("0 s".into(), "1 s".into(), "1 min".into())
        );
    }

    #[test]
    fn time_stamps_become_numbers() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:01.5Z", 1500),
            ("2000-02-29T12:00:00.000Z", 951_825_600_000),
            ("2000-03-01T00:00:00.000Z", 951_868_800_000),
            ("2025-11-21T23:59:59.123Z", 1_763_769_599_123),
        ] {
            assert_eq!(unix_millis(text), Some(millis), "{text}");
        }
        for text in [
            "",
            "now",
            "2025-11-21",
            "2025-13-01T00:00:00Z",
            "2025-11-21T23:59:59",
            "1969-12-31T00:00:00Z",
        ] {
            assert_eq!(unix_millis(text), None, "{text}");
        }
    }
}
