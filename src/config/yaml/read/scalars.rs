//! Scalars by the kind of their key: texts, flags, numbers, times, sizes, words, signals. What is expected is
//! said where it is not met.

use super::super::keys::{Key, Kind, MEANT, One};
use super::super::node::{Entry, Node};
use super::super::substitute::settled;
use super::{Fields, no_such_word};
use crate::config::project::{Located, PortDef};
use crate::diag::Span;
use crate::model::{Signal, suggest};
use std::time::Duration;

/// Longer than anybody waits: 30 years.
const LONGEST: f64 = 1e9;

impl Fields<'_> {
    /// The text of a scalar, which `what` is the name of.
    pub(super) fn one_text(&mut self, what: &str, node: &Node) -> Option<Located<String>> {
        let Some(scalar) = node.scalar() else {
            self.error(format!("{what} takes one text, not {}", node.what()), &node.span);
            return None;
        };
        let value = if scalar.is_null() {
            String::new()
        } else {
            scalar.text.clone()
        };
        Some(Located {
            value,
            span: node.span.clone(),
        })
    }

    fn scalar(&mut self, name: &str) -> Option<(&'static Key, Located<String>)> {
        let (key, Entry { value, .. }) = self.get(name)?;
        Some((key, self.one_text(&format!("`{name}`"), value)?))
    }

    /// The scalar that is the value of `name`, as `read` has it; what is expected if it has nothing.
    fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<Located<T>> {
        let (_, text) = self.scalar(name)?;
        let value = read(text.value.trim());
        if value.is_none() {
            let shown = settled(text.value.chars().take(60).collect());
            self.error(format!("`{name}` takes {expected}, not `{shown}`"), &text.span);
        }
        Some(Located {
            value: value?,
            span: text.span,
        })
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Located<String>> {
        let (key, text) = self.scalar(name)?;
        debug_assert!(matches!(key.kind, Kind::One(One::Text | One::Command)), "{name}");
        Some(text)
    }

    /// A text in which nothing more is filled in.
    pub(super) fn settled(&mut self, name: &str) -> Option<Located<String>> {
        let text = self.text(name)?;
        Some(Located {
            value: settled(text.value),
            span: text.span,
        })
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<Located<String>> {
        let items = self.get(name).and_then(|(_, entry)| entry.value.list());
        let items = items.unwrap_or_default().iter();
        items
            .filter_map(|item| self.one_text(&format!("`{name}`"), item))
            .collect()
    }

    pub(super) fn codes(&mut self, name: &str) -> Vec<i32> {
        let mut codes = Vec::new();
        for text in self.texts(name) {
            match text.value.trim().parse::<u8>() {
                Ok(code) => codes.push(i32::from(code)),
                Err(_) => self.error(
                    format!("an exit code is a number from 0 to 255, not `{}`", text.value),
                    &text.span,
                ),
            }
        }
        codes
    }

    pub(super) fn flag(&mut self, name: &str) -> Option<bool> {
        Some(self.read(name, "`true` or `false`", flag)?.value)
    }

    pub(super) fn set(&mut self, name: &str) -> bool {
        self.flag(name).unwrap_or(false)
    }

    pub(super) fn located_whole<T: TryFrom<i64>>(&mut self, name: &str) -> Option<Located<T>> {
        let (key, _) = self.get(name)?;
        let Kind::One(One::Whole(low, high)) = key.kind else {
            debug_assert!(false, "`{name}` is no number");
            return None;
        };
        let expected = match (low, high) {
            (low, i64::MAX) => format!("a whole number from {low} on"),
            (low, high) => format!("a whole number from {low} to {high}"),
        };
        self.read(name, &expected, |text| {
            let number = text.parse::<i64>().ok()?;
            T::try_from(number)
                .ok()
                .filter(|_| (low..=high).contains(&number))
        })
    }

    pub(super) fn whole<T: TryFrom<i64>>(&mut self, name: &str) -> Option<T> {
        Some(self.located_whole(name)?.value)
    }

    pub(super) fn time(&mut self, name: &str) -> Option<Duration> {
        let expected = "a number of seconds or a text such as `500ms`, `10s` or `1m30s`";
        Some(self.read(name, expected, time)?.value)
    }

    pub(super) fn word(&mut self, name: &str) -> Option<Located<&'static str>> {
        let (key, text) = self.scalar(name)?;
        let Kind::One(One::Word(words)) = key.kind else {
            debug_assert!(false, "`{name}` is no word");
            return None;
        };
        let written = text.value.trim();
        if let Some(word) = words.iter().find(|word| **word == written) {
            return Some(Located {
                value: word,
                span: text.span,
            });
        }
        let lower = written.to_lowercase().replace('-', "_");
        let foreign = MEANT.iter().filter(|(_, word)| words.contains(word));
        let foreign = foreign
            .into_iter()
            .find(|(other, _)| *other == lower)
            .map(|(_, word)| *word);
        let meant = foreign.or_else(|| suggest(&lower, words.iter().copied()));
        if let Some(taken) = taken_for(name, &lower, words)
            && self.report.is_foreign(&text.span)
        {
            let message = format!("`{written}` is read as `{taken}`");
            self.report
                .ours(message, &text.span, Some(format!("write `{taken}`")));
            return Some(Located {
                value: taken,
                span: text.span,
            });
        }
        let mut error = no_such_word(&format!("`{name}`"), written, words, meant, &text.span);
        if name == "restart" && lower == "exit_on_end" {
            error.hints = vec!["write `exit_on_end: true`, which is a key beside `restart`".to_owned()];
        }
        self.report.push(error);
        None
    }

    pub(super) fn signal(&mut self, name: &str) -> Option<Signal> {
        let (_, text) = self.scalar(name)?;
        match text.value.trim().parse() {
            Ok(signal) => Some(signal),
            Err(why) => {
                let why: crate::model::UnknownSignal = why;
                self.error(why.to_string(), &text.span);
                None
            }
        }
    }

    pub(super) fn port(&mut self, name: &str) -> Option<Located<PortDef>> {
        self.read(name, "a port from 1 to 65535, or `auto`", |text| match text {
            "auto" => Some(PortDef::Rule),
            text => Some(PortDef::Fixed(text.parse().ok().filter(|port| *port > 0)?)),
        })
    }

    pub(super) fn port_text(&mut self, name: &str) -> Option<Located<String>> {
        self.read(
            name,
            "a port from 1 to 65535, or what becomes one, such as `${PORT}`",
            |text| {
                let template = text.contains("{{") || text.contains("${");
                let port = text.parse::<u16>().is_ok_and(|port| port > 0);
                (template || port).then(|| text.to_owned())
            },
        )
    }

    pub(super) fn bytes(&mut self, name: &str) -> Option<Located<u64>> {
        self.read(name, "a number of bytes, or a size such as `512M` or `2G`", bytes)
    }

    pub(super) fn processors(&mut self, name: &str) -> Option<Located<u32>> {
        self.read(name, "a number of processors such as `1.5`", |text| {
            hundredths(text).filter(|hundredths| *hundredths > 0)
        })
    }

    /// What is typed, its escapes read.
    pub(super) fn keys(&mut self, name: &str) -> Option<String> {
        let (_, Entry { value, .. }) = self.get(name)?;
        let text = value.scalar()?.text.clone();
        match unescape(&text) {
            Ok(keys) => Some(keys),
            Err((offset, length)) => {
                let span: Span = value.part(offset, length);
                self.error(
                    "this escape means nothing; there are \\n \\r \\t \\b \\f \\v \\a \\e \\0 \\xHH and \\\\",
                    &span,
                );
                None
            }
        }
    }
}

/// What a word means that Process Compose's own documents used to have.
fn taken_for(name: &str, word: &str, words: &'static [&'static str]) -> Option<&'static str> {
    let is_old = name == "condition" && word == "process_running";
    words
        .iter()
        .find(|word| is_old && **word == "process_started")
        .copied()
}

pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Seconds, or numbers with units one after the other, as Go writes them.
pub(super) fn time(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    loop {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        let behind = &rest[digits..];
        let end = behind
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(behind.len());
        seconds += number
            * match behind[..end].trim() {
                "" if digits == text.len() => 1.0,
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &behind[end..];
        if rest.is_empty() {
            break;
        }
    }
    (seconds <= LONGEST).then(|| Duration::from_secs_f64(seconds))
}

/// A number with a unit of 1024s: `512M`, `1.5G`, `64KiB`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let unit = text[digits..].trim().to_lowercase();
    let unit = unit.strip_suffix('b').unwrap_or(&unit);
    let factor: u64 = match unit.strip_suffix('i').unwrap_or(unit) {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    let hundredths = u64::from(hundredths(&text[..digits])?);
    let size = hundredths.checked_mul(factor)? / 100;
    (size > 0).then_some(size)
}

/// A decimal number in hundredths.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let part: u32 = part.parse::<u32>().ok()? * if part.len() == 1 { 10 } else { 1 };
    whole.parse::<u32>().ok()?.checked_mul(100)?.checked_add(part)
}

/// The place of an escape that is none is the error.
fn unescape(text: &str) -> Result<String, (usize, usize)> {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        if chars[at] != '\\' {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let (c, used) = match chars.get(at + 1) {
            Some('n') => ('\n', 2),
            Some('r') => ('\r', 2),
            Some('t') => ('\t', 2),
            Some('b') => ('\u{8}', 2),
            Some('f') => ('\u{c}', 2),
            Some('v') => ('\u{b}', 2),
            Some('a') => ('\u{7}', 2),
            Some('e') => ('\u{1b}', 2),
            Some('0') => ('\0', 2),
            Some('\\') => ('\\', 2),
            Some('x') => {
                let digits: String = chars[at + 2..].iter().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                (char::from(byte.ok_or((at, 2))?), 4)
            }
            Some(_) => return Err((at, 2)),
            None => return Err((at, 1)),
        };
        out.push(c);
        at += used;
    }
    Ok(out)
}

#[cfg(test)]
mod tests;
