//! The Procfile parser: text to entries, with everything that is to be said about the text. Pure.
//!
//! The dialect is the union of what Foreman, Honcho, Goreman, Hivemind and Overmind accept: one entry a
//! line, `name: command`, blanks around both; `#` begins a comment line; the command goes to the shell as it
//! is, colons, quotes, `#` and all; there are no continuation lines. No line is skipped in silence: it is an
//! entry, a comment, blank, or a diagnostic points at it.

use super::Checked;
use super::source::{lines, span};
use crate::diag::{Diagnostic, Kind, Source, Span};
use crate::model::{NameError, ServiceName};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One service as a Procfile declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: ServiceName,
    /// Verbatim, without the blanks around it.
    pub command: String,
    /// Its place among the entries, from 0.
    pub position: u32,
    pub name_span: Span,
    pub command_span: Span,
}

impl Entry {
    /// The line it stands on, from 1.
    pub fn line(&self) -> usize {
        self.name_span.line
    }

    /// `Procfile:4`.
    pub fn origin(&self) -> String {
        format!("{}:{}", self.name_span.source.path.display(), self.line())
    }
}

/// Reads a Procfile. All errors and warnings are reported, in the order of the lines.
pub fn parse(source: &Arc<Source>) -> Checked<Vec<Entry>> {
    let mut parser = Parser {
        source,
        entries: Vec::new(),
        lines_of: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    for (start, line) in lines(&source.text) {
        parser.line(start, line);
    }
    let mut checked = Checked::new(parser.entries, parser.diagnostics);
    // Where every entry was refused, the refusals say enough.
    if checked.value.is_empty() && !checked.has_errors() {
        checked.diagnostics.push(no_entry(source));
    }
    checked
}

fn no_entry(source: &Source) -> Diagnostic {
    Diagnostic::error(
        Kind::Config,
        format!("{} declares no service", source.path.display()),
    )
    .hint("write a line for each service, such as\n    web: python3 -m http.server $PORT\n    worker: ./worker --verbose")
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    entries: Vec<Entry>,
    lines_of: BTreeMap<ServiceName, usize>,
    diagnostics: Vec<Diagnostic>,
}

impl Parser<'_> {
    /// Reads the line whose first byte is at `start`.
    fn line(&mut self, start: usize, line: &str) {
        let content = trimmed(line, start);
        let text = &self.source.text[content.clone()];
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        let Some(colon) = text.find(':') else {
            self.diagnostics.push(
                Diagnostic::warning(
                    Kind::Config,
                    "no colon in this line: it is no entry, and is ignored",
                )
                .at(span(self.source, content.start, content.end))
                .hint("write `name: command`, or `#` in front of a comment"),
            );
            return;
        };
        let name = trimmed(&text[..colon], content.start);
        let command = trimmed(&text[colon + 1..], content.start + colon + 1);
        self.entry(&name, &command, content.start..content.start + colon + 1);
    }

    fn entry(&mut self, name: &Range<usize>, command: &Range<usize>, head: Range<usize>) {
        let name_text = &self.source.text[name.clone()];
        let command_text = &self.source.text[command.clone()];
        let parsed = match name_text.parse::<ServiceName>() {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                self.diagnostics.push(self.bad_name(name, &head, &why));
                None
            }
        };
        if command_text.is_empty() {
            self.diagnostics.push(
                Diagnostic::error(Kind::Config, format!("{name_text:?} has no command"))
                    .at(span(self.source, head.start, head.end))
                    .hint(format!(
                        "write the command behind the colon: `{name_text}: command`"
                    )),
            );
            return;
        }
        if ends_in_a_continuation(command_text) {
            self.diagnostics.push(
                Diagnostic::warning(
                    Kind::Config,
                    "a Procfile has no continuation lines: the command ends with this backslash",
                )
                .at(span(self.source, command.end - 1, command.end))
                .hint("put the whole command on one line, or into a script"),
            );
        }
        let Some(parsed) = parsed else { return };
        let name_span = span(self.source, name.start, name.end);
        if let Some(first) = self.lines_of.get(&parsed) {
            self.diagnostics.push(
                Diagnostic::error(
                    Kind::Config,
                    format!(
                        "the name \"{parsed}\" is declared twice: in line {first} and in line {}",
                        name_span.line
                    ),
                )
                .at(name_span)
                .hint("give one of them another name; to run a service several times, use `-m name=2`"),
            );
            return;
        }
        self.lines_of.insert(parsed.clone(), name_span.line);
        self.entries.push(Entry {
            name: parsed,
            command: command_text.to_owned(),
            position: u32::try_from(self.entries.len()).expect("a file has fewer than 2^32 lines"),
            name_span,
            command_span: span(self.source, command.start, command.end),
        });
    }

    /// Points at the character that is not allowed, or at the whole name.
    fn bad_name(&self, name: &Range<usize>, head: &Range<usize>, why: &NameError) -> Diagnostic {
        let text = &self.source.text[name.clone()];
        let (start, end) = match why {
            NameError::Empty => (head.start, head.end),
            NameError::BadCharacter(bad) => {
                let at = name.start + text.find(*bad).unwrap_or(0);
                (at, at + bad.len_utf8())
            }
            NameError::TooLong | NameError::LeadingDash | NameError::Dots | NameError::Reserved => {
                (name.start, name.end)
            }
        };
        Diagnostic::error(Kind::Config, why.to_string()).at(span(self.source, start, end))
    }
}

/// The range of `part`, whose first byte is at `start`, without the blanks around it.
fn trimmed(part: &str, start: usize) -> Range<usize> {
    let content = part.trim();
    let leading = part.len() - part.trim_start().len();
    start + leading..start + leading + content.len()
}

/// An odd number of backslashes at the end: the last one escapes the line's end.
fn ends_in_a_continuation(command: &str) -> bool {
    let bare = command.trim_end_matches('\\');
    (command.len() - bare.len()) % 2 == 1
}

#[cfg(test)]
mod tests;
