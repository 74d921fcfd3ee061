//! How failures are worded. Pure text.

pub(super) use crate::model::io_words as plain;
use crate::model::{clipped, time_text};

use std::io;
use std::time::Duration;

/// No reason is longer, whatever a service prints or answers.
const MOST_CHARS: usize = 200;

pub(super) fn no_answer(limit: Duration) -> String {
    format!("no answer within {}", time_text::duration(limit))
}

/// Why there is no connection to `place`.
pub(super) fn not_connected(place: &str, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("connection refused on {place}"),
        _ => format!("cannot connect to {place}: {}", plain(error)),
    }
}

/// `127.0.0.1:80`, `[::1]:80`.
pub(super) fn place(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// The last line with something on it, without colours and controls.
pub(super) fn last_line(output: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().map(clean);
    lines.rfind(|line| !line.is_empty())
}

/// Drops escape sequences of the usual form and all controls, and cuts what is too long.
fn clean(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        text.push_str(before);
        rest = match after.strip_prefix('[') {
            Some(sequence) => sequence
                .find(|c: char| ('@'..='~').contains(&c))
                .map_or("", |end| &sequence[end + 1..]),
            None => after,
        };
    }
    text.push_str(rest);
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    clipped(text.trim(), MOST_CHARS)
}

#[cfg(test)]
mod tests {
    use super::{last_line, place};

    #[test]
    fn the_last_line_that_says_something_is_taken_without_its_colours() {
        let line = |text: &str| last_line(text.as_bytes());
        assert_eq!(
            line("one\n\u{1b}[31mtwo\u{1b}[0m\r\n  \n"),
            Some("two".to_owned())
        );
        assert_eq!(line("a\u{7}b"), Some("ab".to_owned()));
        assert_eq!(line("cut \u{1b}[3"), Some("cut".to_owned()));
        assert_eq!(line(" \n\n"), None);
        let long = line(&"é".repeat(1000)).unwrap();
        assert_eq!(long.chars().count(), 201);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn an_address_of_version_six_stands_in_brackets() {
        assert_eq!(place("::1", 80), "[::1]:80");
        assert_eq!(place("[::1]", 80), "[::1]:80");
        assert_eq!(place("db.local", 5432), "db.local:5432");
    }
}
