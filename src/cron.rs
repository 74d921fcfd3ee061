//! When a cron expression comes due. Parses it, with its time zone, for `config` to check and for the controller
//! to go by. Looks up time zones in the system's database; the time is an argument.

use cronexpr::jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use std::fmt;
use std::time::SystemTime;

/// A valid expression in its time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    zone: TimeZone,
    kind: Kind,
}

/// What a clock that is put forward or back means to an expression.
#[derive(Clone, Debug)]
enum Kind {
    /// It names hours of the day. One that does not exist is made up for, one that comes twice counts once: a
    /// day has each run exactly once. The table is in terms of what a clock on the wall shows.
    OfTheDay(Crontab),
    /// It runs in every hour, or every few: by time that really passes.
    Steady(Crontab),
}

/// What is wrong with an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CronError {
    /// Not five fields. The text says what is missing, and where in the expression.
    Expression {
        message: String,
        column: usize,
    },
    UnknownTimezone(String),
}

impl fmt::Display for CronError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression { message, .. } => f.write_str(message),
            Self::UnknownTimezone(name) => write!(f, "no time zone is called `{name}`"),
        }
    }
}

impl std::error::Error for CronError {}

/// `@daily` and the like.
const ALIASES: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

/// No clock is put forward by more at once.
const MOST_SKIPPED: SignedDuration = SignedDuration::from_hours(2);

impl Cron {
    /// Five fields or an alias; `timezone` is an IANA name, `None` the local time.
    ///
    /// # Errors
    /// The expression is none, or the time zone is not known.
    pub fn parse(expression: &str, timezone: Option<&str>) -> Result<Self, CronError> {
        let zone = match timezone {
            Some(name) => TimeZone::get(name).map_err(|_| CronError::UnknownTimezone(name.to_owned()))?,
            None => TimeZone::system(),
        };
        let written = expression.trim();
        let fields: Vec<&str> = expand(written)?.split_ascii_whitespace().collect();
        if fields.len() > 5 {
            return Err(CronError::Expression {
                message: format!("a cron expression has five fields, this one has {}", fields.len()),
                column: expression
                    .trim_end()
                    .rfind(char::is_whitespace)
                    .map_or(0, |at| at + 1),
            });
        }
        let is_steady = fields.get(1).is_some_and(|hours| hours.starts_with('*'));
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let fields = fields.join(" ");
        let parse = |text: &str| {
            cronexpr::parse_crontab_with(text, options).map_err(|error| in_one_line(&error.to_string()))
        };
        let table = parse(&fields)?;
        let kind = match (is_steady, timezone) {
            (false, _) => Kind::OfTheDay(table),
            (true, Some(name)) => Kind::Steady(parse(&format!("{fields} {name}"))?),
            (true, None) => {
                options.fallback_timezone_option = FallbackTimezoneOption::System;
                let local = cronexpr::parse_crontab_with(&fields, options);
                Kind::Steady(local.map_err(|error| in_one_line(&error.to_string()))?)
            }
        };
        Ok(Self { zone, kind })
    }

    /// The first due time after `now`; `None` if there is none in years (30 February).
    pub fn next_after(&self, now: SystemTime) -> Option<SystemTime> {
        let now = Timestamp::try_from(now).ok()?;
        let next = match &self.kind {
            Kind::Steady(table) => table.find_next(now).ok()?.timestamp(),
            Kind::OfTheDay(table) => self.next_on_the_wall(table, now)?,
        };
        Some(next.into())
    }

    fn next_on_the_wall(&self, table: &Crontab, now: Timestamp) -> Option<Timestamp> {
        // What the clock has skipped may still be to come: it comes later than it shows.
        let before = now.checked_sub(MOST_SKIPPED).ok()?;
        let mut shown = before.to_zoned(self.zone.clone()).datetime();
        loop {
            shown = next_shown(table, shown)?;
            // A time that the clock skips comes as much later as it skips; of two equal ones, the first counts.
            let due = shown.to_zoned(self.zone.clone()).ok()?.timestamp();
            if due > now {
                return Some(due);
            }
        }
    }
}

/// The next match by the face of the clock alone.
fn next_shown(table: &Crontab, after: civil::DateTime) -> Option<civil::DateTime> {
    let after = after.to_zoned(TimeZone::UTC).ok()?;
    Some(table.find_next(after.timestamp()).ok()?.datetime())
}

fn expand(written: &str) -> Result<&str, CronError> {
    if !written.starts_with('@') {
        return Ok(written);
    }
    let known = ALIASES.iter().find(|(alias, _)| *alias == written);
    known.map(|(_, fields)| *fields).ok_or_else(|| {
        let names: Vec<&str> = ALIASES.iter().map(|(alias, _)| *alias).collect();
        CronError::Expression {
            message: format!("`{written}` is none of {}", names.join(", ")),
            column: 0,
        }
    })
}

/// The library draws a caret of its own: its column and its words, for ours.
fn in_one_line(drawn: &str) -> CronError {
    let last = drawn.lines().last().unwrap_or_default();
    let (column, message) = match last.find('^') {
        Some(at) => (at, last[at + 1..].trim()),
        None => (0, last),
    };
    CronError::Expression {
        message: message.to_owned(),
        column,
    }
}

#[cfg(test)]
mod tests {
    use super::{Cron, CronError};
    use cronexpr::jiff::Timestamp;
    use std::time::SystemTime;

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().into()
    }

    /// The next due times after `start`, in UTC.
    fn due(expression: &str, zone: Option<&str>, start: &str, count: usize) -> Vec<String> {
        let cron = Cron::parse(expression, zone).unwrap();
        let mut now = at(start);
        let mut times = Vec::new();
        for _ in 0..count {
            now = cron.next_after(now).unwrap();
            times.push(Timestamp::try_from(now).unwrap().to_string());
        }
        times
    }

    #[test]
    fn the_next_due_time_is_strictly_after_now() {
        assert_eq!(
            due("*/15 * * * *", Some("UTC"), "2026-11-25T10:15:00Z", 2),
            ["2026-11-25T10:30:00Z", "2026-11-25T10:45:00Z"]
        );
        assert_eq!(
            due("0 9 * * MON-FRI", Some("UTC"), "2026-11-27T09:00:00Z", 2),
            ["2026-11-30T09:00:00Z", "2026-12-01T09:00:00Z"]
        );
        assert_eq!(
            due("0 0 29 2 *", Some("UTC"), "2026-11-25T00:00:00Z", 1),
            ["2028-02-29T00:00:00Z"]
        );
    }

    #[test]
    fn an_alias_means_its_fields() {
        assert_eq!(
            due("@hourly", Some("UTC"), "2026-11-25T10:15:00Z", 1),
            ["2026-11-25T11:00:00Z"]
        );
        assert_eq!(
            due("@weekly", Some("UTC"), "2026-11-25T10:15:00Z", 1),
            ["2026-11-29T00:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_the_clock_skips_in_spring_is_made_up_for() {
        // In Berlin, 2:00 to 3:00 does not exist on 29 March 2026: 2:30 is taken as 3:30 (1:30 UTC).
        assert_eq!(
            due("30 2 * * *", Some("Europe/Berlin"), "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
        // Asked when the clock has skipped it already, it is still to come; once it has come, it is over.
        assert_eq!(
            due("30 2 * * *", Some("Europe/Berlin"), "2026-03-29T01:10:00Z", 2),
            ["2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn a_time_that_comes_twice_in_autumn_counts_once() {
        // On 25 October 2026, 2:30 comes at 0:30 UTC and again at 1:30 UTC.
        assert_eq!(
            due("30 2 * * *", Some("Europe/Berlin"), "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
        // Asked between the two, it has been.
        assert_eq!(
            due("30 2 * * *", Some("Europe/Berlin"), "2026-10-25T01:10:00Z", 1),
            ["2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn what_runs_every_hour_runs_every_hour_whatever_the_clock_shows() {
        assert_eq!(
            due("30 * * * *", Some("Europe/Berlin"), "2026-10-24T23:45:00Z", 3),
            [
                "2026-10-25T00:30:00Z",
                "2026-10-25T01:30:00Z",
                "2026-10-25T02:30:00Z"
            ]
        );
        assert_eq!(
            due("30 * * * *", Some("Europe/Berlin"), "2026-03-29T00:00:00Z", 2),
            ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]
        );
    }

    #[test]
    fn a_day_that_never_comes_has_no_due_time() {
        let cron = Cron::parse("0 0 30 2 *", Some("UTC")).unwrap();
        assert_eq!(cron.next_after(at("2026-11-25T10:15:00Z")), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_column() {
        let wrong = |expression: &str| Cron::parse(expression, None).unwrap_err();
        let CronError::Expression { message, column } = wrong("0 25 * * *") else {
            panic!("the zone is well");
        };
        assert_eq!(column, 2);
        assert!(message.contains("must be in range 0..=23"), "{message}");
        let CronError::Expression { message, column } = wrong("* * * * * *") else {
            panic!("the zone is well");
        };
        assert_eq!(
            (message.as_str(), column),
            ("a cron expression has five fields, this one has 6", 10)
        );
        assert!(
            wrong("@often")
                .to_string()
                .starts_with("`@often` is none of @yearly")
        );
        assert!(matches!(wrong("* * *"), CronError::Expression { .. }));
        assert!(matches!(wrong(""), CronError::Expression { .. }));
        assert_eq!(
            Cron::parse("* * * * *", Some("Mars/Olympus")).unwrap_err(),
            CronError::UnknownTimezone("Mars/Olympus".to_owned())
        );
    }
}
