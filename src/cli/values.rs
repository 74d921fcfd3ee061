//! The values that settings take, as people write them: lists, `name=value` pairs, ports, lengths of time. Each
//! parser answers with the end of a sentence that begins with the text (`"http" is not a port`).

use super::settings::Selection;
use crate::model::Signal;
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn path(text: &str) -> Result<Option<PathBuf>, String> {
    if text.is_empty() {
        return Err("is not a path".to_owned());
    }
    Ok(Some(PathBuf::from(text)))
}

/// `Procfile` or `a.yaml,b.yaml`.
pub(super) fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    let paths: Vec<PathBuf> = items(text).map(PathBuf::from).collect();
    if paths.is_empty() {
        return Err("is not a path".to_owned());
    }
    Ok(paths)
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

pub(super) fn names(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = items(text).map(str::to_owned).collect();
    if names.is_empty() {
        return Err("names no service".to_owned());
    }
    Ok(names)
}

pub(super) fn selection(text: &str) -> Result<Selection, String> {
    let names = names(text)?;
    if names.iter().any(|name| name == "all") {
        return Ok(Selection::All);
    }
    Ok(Selection::Listed(names))
}

/// `name=value` items; a name that turns up twice is refused.
fn pairs<T>(
    text: &str,
    form: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<(String, T)>, String> {
    let mut pairs: Vec<(String, T)> = Vec::new();
    for item in items(text) {
        let Some((name, value)) = item.split_once('=') else {
            return Err(format!("has no `=` in {item:?}; write it as {form}"));
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(format!("has no name in {item:?}; write it as {form}"));
        }
        if pairs.iter().any(|(known, _)| known == name) {
            return Err(format!("names {name:?} twice"));
        }
        pairs.push((name.to_owned(), parse(value.trim())?));
    }
    Ok(pairs)
}

pub(super) fn counts(text: &str) -> Result<Vec<(String, u32)>, String> {
    pairs(text, "web=2,all=1", |value| {
        value
            .parse()
            .map_err(|_| format!("asks for {value:?} instances, which is no number"))
    })
}

pub(super) fn signals(text: &str) -> Result<Vec<(String, Signal)>, String> {
    pairs(text, "web=TERM,worker=QUIT", |value| {
        value
            .parse::<Signal>()
            .map_err(|error| format!("is refused: {error}"))
    })
}

pub(super) fn port(text: &str) -> Result<u16, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err("is not a port; a port is a number from 1 to 65535".to_owned()),
        Ok(port) => Ok(port),
    }
}

pub(super) fn number(text: &str) -> Result<u16, String> {
    text.trim()
        .parse()
        .map_err(|_| "is not a number from 0 to 65535".to_owned())
}

pub(super) fn colors(text: &str) -> Result<Vec<u8>, String> {
    items(text)
        .map(|item| {
            item.parse()
                .map_err(|_| format!("holds {item:?}; a colour is a number from 0 to 255"))
        })
        .collect()
}

pub(super) fn boolean(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "y" | "yes" | "on" => Ok(true),
        "0" | "f" | "false" | "n" | "no" | "off" => Ok(false),
        _ => Err("is neither yes nor no; write 1 or 0, true or false".to_owned()),
    }
}

/// `off`, or a number of bytes with `K`, `M` or `G`; less than 1 MiB is not worth a file.
pub(super) fn room(text: &str) -> Result<Option<u64>, String> {
    let text = text.trim().to_ascii_uppercase();
    if matches!(text.as_str(), "OFF" | "NO" | "NONE" | "FALSE" | "0") {
        return Ok(None);
    }
    let text = text.trim_end_matches('B').trim_end_matches('I');
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let factor = match &text[digits.len()..] {
        "" => Some(1_u64),
        "K" => Some(1 << 10),
        "M" => Some(1 << 20),
        "G" => Some(1 << 30),
        _ => None,
    };
    let number = digits.trim().parse::<u64>().ok();
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .filter(|bytes| *bytes >= 1 << 20)
        .map(Some)
        .ok_or_else(|| "is no size; write 100M, 2G (at least 1M), or off".to_owned())
}

/// Seconds (`5`, `2.5`), or a number with `ms`, `s`, `m` or `h`; at most a day.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => -1.0,
    };
    let plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
    let seconds = digits
        .parse::<f64>()
        .ok()
        .filter(|_| plain)
        .map(|n| n * factor)
        .filter(|seconds| (0.0..=86_400.0).contains(seconds));
    match seconds {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err("is no length of time; write seconds (5), or 500ms, 1m".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{boolean, counts, duration, port, room, selection, signals};
    use crate::cli::settings::Selection;
    use crate::model::Signal;
    use std::time::Duration;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, millis) in [
            ("5", 5000),
            ("2.5", 2500),
            ("500ms", 500),
            ("3s", 3000),
            ("1m", 60_000),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1", "5x", "1e3", "inf", "NaN", "25h", "1 2", "+5"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn room_is_a_size_or_none_at_all() {
        for (text, bytes) in [
            ("512M", 512 << 20),
            ("1GiB", 1 << 30),
            ("2gb", 2 << 30),
            ("2097152", 2 << 20),
        ] {
            assert_eq!(room(text), Ok(Some(bytes)), "{text}");
        }
        assert_eq!((room("off"), room("0")), (Ok(None), Ok(None)));
        for text in ["", "M", "512", "1000K", "-1M", "1T", "99999999999G", "1.5G"] {
            assert!(room(text).is_err(), "{text}");
        }
    }

    #[test]
    fn all_stands_for_every_service() {
        let listed = selection("web, db").unwrap();
        assert!(listed.covers("db") && !listed.covers("worker"));
        assert_eq!(selection("web,all"), Ok(Selection::All));
        assert!(Selection::All.covers("anything"));
        assert!(selection(" , ").is_err());
    }

    #[test]
    fn pairs_are_checked_one_by_one() {
        assert_eq!(
            signals("web=TERM, db=sigquit").unwrap(),
            [
                ("web".to_owned(), Signal::TERM),
                ("db".to_owned(), "QUIT".parse().unwrap())
            ]
        );
        assert_eq!(counts("web=0").unwrap(), [("web".to_owned(), 0)]);
        for text in ["web=two", "=2", "web", "web=-1", "web=1,web=2"] {
            assert!(counts(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ports_and_switches_are_strict() {
        assert_eq!(port("65535"), Ok(65535));
        for text in ["0", "65536", "-1", "http", ""] {
            assert!(port(text).is_err(), "{text}");
        }
        assert_eq!((boolean("YES"), boolean("off")), (Ok(true), Ok(false)));
        assert!(boolean("2").is_err());
    }
}
