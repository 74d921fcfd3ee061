//! What stands between the quotes of an env file's value, or without any: escapes and `$NAME`. Knows nothing
//! of lines and statements.

use std::ops::Range;

/// Something that cannot be read, by its place in the text.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn new(range: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            range,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// How a value is quoted: decides which escapes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// `\$` is a dollar; every other backslash is itself.
    Unquoted,
    /// `\n`, `\r`, `\t`; a backslash before any other letter or digit is itself, before the rest it goes away.
    Double,
    /// Nothing is expanded; `\'` is a quote.
    Single,
}

/// Turns the raw text of a value into the value.
pub(super) struct Decoder<'a> {
    text: &'a str,
    mode: Mode,
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(text: &'a str, mode: Mode, lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { text, mode, lookup }
    }

    /// The value of `text[start..end]`. Line ends become LF.
    pub(super) fn decode(&self, start: usize, end: usize) -> Result<String, Fault> {
        let mut out = String::with_capacity(end - start);
        let mut at = start;
        while let Some(c) = self.text[at..end].chars().next() {
            match c {
                '\\' => at = self.escape(at, end, &mut out),
                '$' if self.mode != Mode::Single => at = self.dollar(at, end, &mut out)?,
                '\r' if self.text[at..end].starts_with("\r\n") => at += 1,
                _ => {
                    out.push(c);
                    at += c.len_utf8();
                }
            }
        }
        Ok(out)
    }

    /// Reads the backslash at `at` with what it escapes; returns where to go on.
    fn escape(&self, at: usize, end: usize, out: &mut String) -> usize {
        let next = self.text[at + 1..end].chars().next();
        let meant = match (self.mode, next) {
            (Mode::Unquoted, Some('$')) => Some('$'),
            (Mode::Single, Some('\'')) => Some('\''),
            (Mode::Double, Some('n')) => Some('\n'),
            (Mode::Double, Some('r')) => Some('\r'),
            (Mode::Double, Some('t')) => Some('\t'),
            (Mode::Double, Some('\r')) if self.text[at + 1..end].starts_with("\r\n") => return at + 1,
            (Mode::Double, Some(c)) if !c.is_alphanumeric() => Some(c),
            _ => None,
        };
        if let (Some(meant), Some(next)) = (meant, next) {
            out.push(meant);
            return at + 1 + next.len_utf8();
        }
        out.push('\\');
        at + 1
    }

    /// Reads the `$` at `at` with the name behind it; a `$` without a name is itself.
    fn dollar(&self, at: usize, end: usize, out: &mut String) -> Result<usize, Fault> {
        let braced = self.text[at + 1..end].starts_with('{');
        let start = at + 1 + usize::from(braced);
        let Some(name) = variable_name(&self.text[start..end]) else {
            out.push('$');
            return Ok(at + 1);
        };
        let after = start + name.len();
        if !braced {
            out.push_str(&(self.lookup)(name).unwrap_or_default());
            return Ok(after);
        }
        let Some(close) = closing_brace(self.text, after, end) else {
            return Err(Fault::new(at..end, format!("`${{{name}` has no closing brace")).hint(LITERAL));
        };
        let operator = &self.text[after..close];
        let value = (self.lookup)(name);
        if operator.is_empty() {
            out.push_str(&value.unwrap_or_default());
        } else if operator.starts_with(":-") {
            match value.filter(|value| !value.is_empty()) {
                Some(value) => out.push_str(&value),
                None => out.push_str(&self.decode(after + 2, close)?),
            }
        } else if operator.starts_with('-') {
            match value {
                Some(value) => out.push_str(&value),
                None => out.push_str(&self.decode(after + 1, close)?),
            }
        } else {
            let message = format!("only ${{{name}}} and ${{{name}:-default}} are expanded here");
            return Err(Fault::new(at..close + 1, message).hint(LITERAL));
        }
        Ok(close + 1)
    }
}

const LITERAL: &str = "for a literal dollar write `\\$`, or put the value between single quotes";

/// The name of a variable to expand at the start of `text`: capitals, digits and `_`, not a digit first.
/// Anything else, such as `pa$word`, `$1`, `${level}`, is no name, and stays as it is.
fn variable_name(text: &str) -> Option<&str> {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let name = &text[..end];
    let begins = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
    (begins && !name.contains(|c: char| c.is_ascii_lowercase())).then_some(name)
}

/// The `}` that belongs to the `${` whose name ends at `from`.
fn closing_brace(text: &str, from: usize, end: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text[from..end].char_indices() {
        match c {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(from + at),
            '}' => depth -= 1,
            _ => {}
        }
        before = c;
    }
    None
}
