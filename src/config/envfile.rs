//! The parser of env files (`.env`): statements, their quotes and their comments. Pure; `value.rs` decodes
//! what stands between the quotes. The grammar, and why it is ours, is in `docs/design/env-files.md`.
//!
//! A line that cannot be read is an error that points at it, and the reader goes on behind it: a file is
//! never dropped for one bad line, and all bad lines are told at once.

mod value;

use super::Checked;
use super::source::span;
use crate::diag::{Diagnostic, Kind, Source, Span};
use std::collections::BTreeMap;
use std::sync::Arc;
use value::{Decoder, Fault, Mode};

/// One assignment of an env file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub name: String,
    pub value: String,
    /// Where the name stands.
    pub span: Span,
}

/// Reads an env file. `outer` answers for variables that the file itself has not assigned yet.
///
/// Assignments are in the order of the file; a name assigned twice is there twice, and the last one counts.
pub fn parse(source: &Arc<Source>, outer: &dyn Fn(&str) -> Option<String>) -> Checked<Vec<Variable>> {
    let mut parser = Parser {
        source,
        outer,
        variables: Vec::new(),
        known: BTreeMap::new(),
        diagnostics: Vec::new(),
    };
    let mut at = 0;
    while at < source.text.len() {
        at = parser.statement(at);
    }
    Checked::new(parser.variables, parser.diagnostics)
}

struct Parser<'a> {
    source: &'a Arc<Source>,
    outer: &'a dyn Fn(&str) -> Option<String>,
    variables: Vec<Variable>,
    /// The last value of each name so far, as an index into `variables`.
    known: BTreeMap<String, usize>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn text(&self) -> &'a str {
        &self.source.text
    }

    /// Where the line that holds `at` ends, and where the next one begins.
    fn line_end(&self, at: usize) -> (usize, usize) {
        let rest = &self.text()[at..];
        match rest.find('\n') {
            Some(newline) => {
                let carriage = usize::from(rest[..newline].ends_with('\r'));
                (at + newline - carriage, at + newline + 1)
            }
            None => (self.text().len(), self.text().len()),
        }
    }

    /// Reads the statement that begins in the line at `start`; returns where the next one begins.
    fn statement(&mut self, start: usize) -> usize {
        let (end, next) = self.line_end(start);
        let line = &self.text()[start..end];
        let content = line.trim();
        // `---` is a document mark: other tools take such a file for YAML.
        if content.is_empty() || content.starts_with('#') || content == "---" {
            return next;
        }
        let first = start + (line.len() - line.trim_start().len());
        let Some(separator) = line.find(['=', ':']).map(|at| start + at) else {
            self.fault(
                &Fault::new(
                    first..first + content.len(),
                    "no `=` in this line: it is no assignment",
                )
                .hint("write `NAME=value`, or `#` in front of a comment"),
            );
            return next;
        };
        let (name_start, name_end) = self.name(first, separator);
        if let Err(fault) = check_name(self.text(), name_start, name_end, separator) {
            self.fault(&fault);
            // A quoted value that spans lines belongs to the refused name: its lines are no statements.
            return self.quoted_end(separator + 1, end).unwrap_or(next);
        }
        let read = self.value(separator + 1, end, next);
        let (value, next) = match read {
            Ok(read) => read,
            Err((fault, next)) => {
                self.fault(&fault);
                return next;
            }
        };
        let name = self.text()[name_start..name_end].to_owned();
        self.known.insert(name.clone(), self.variables.len());
        self.variables.push(Variable {
            name,
            value,
            span: span(self.source, name_start, name_end),
        });
        next
    }

    /// The bounds of the name in front of the separator, without `export`.
    fn name(&self, first: usize, separator: usize) -> (usize, usize) {
        let head = self.text()[first..separator].trim_end();
        let end = first + head.len();
        let bare = head
            .strip_prefix("export")
            .filter(|rest| rest.starts_with(char::is_whitespace))
            .map_or(head, str::trim_start);
        (end - bare.len(), end)
    }

    /// The value behind the separator, and where the next statement begins; or what is wrong with it, and
    /// where to go on.
    fn value(&self, after: usize, end: usize, next: usize) -> Result<(String, usize), (Fault, usize)> {
        let raw = &self.text()[after..end];
        let open = after + (raw.len() - raw.trim_start().len());
        let failed = |fault| (fault, next);
        match self.text()[open..end].chars().next() {
            Some(quote @ ('"' | '\'')) => self.quoted(open, quote, next),
            Some('#') if open > after => Ok((String::new(), next)),
            _ => {
                let close = self.unquoted_end(open, end);
                let value = self.decode(open, close, Mode::Unquoted).map_err(failed)?;
                Ok((value, next))
            }
        }
    }

    /// Where an unquoted value ends: at a `#` behind a blank or at the line's end, without blanks before it.
    fn unquoted_end(&self, open: usize, end: usize) -> usize {
        let raw = &self.text()[open..end];
        let mut after_blank = false;
        let comment = raw.char_indices().find(|(_, c)| {
            let begins = *c == '#' && after_blank;
            after_blank = c.is_whitespace();
            begins
        });
        let kept = comment.map_or(raw, |(at, _)| &raw[..at]);
        open + kept.trim_end().len()
    }

    fn quoted(&self, open: usize, quote: char, next: usize) -> Result<(String, usize), (Fault, usize)> {
        let Some(close) = self.closing_quote(open, quote) else {
            let (line_end, _) = self.line_end(open);
            let fault = Fault::new(open..line_end, format!("this {quote} is never closed"))
                .hint("close it, or write the value without quotes");
            return Err((fault, next));
        };
        let (line_end, after) = self.line_end(close);
        let rest = &self.text()[close + 1..line_end];
        let trailing = rest.trim();
        if !trailing.is_empty() && !trailing.starts_with('#') {
            if self.text()[open..close].contains('\n') {
                // More likely the opening quote was never meant to reach that far.
                let (first_line_end, _) = self.line_end(open);
                let place = span(self.source, close, close + 1);
                let fault = Fault::new(
                    open..first_line_end,
                    format!(
                        "this {quote} is closed only in line {}, with text behind it",
                        place.line
                    ),
                )
                .hint("close it where the value ends");
                return Err((fault, next));
            }
            let at = close + 1 + (rest.len() - rest.trim_start().len());
            let fault = Fault::new(at..at + trailing.len(), "text behind the closing quote")
                .hint("put all of the value between the quotes, or `#` in front of a comment");
            return Err((fault, after));
        }
        let mode = if quote == '"' { Mode::Double } else { Mode::Single };
        match self.decode(open + 1, close, mode) {
            Ok(value) => Ok((value, after)),
            Err(fault) => Err((fault, after)),
        }
    }

    /// The quote that ends the value opened at `open`. A backslash escapes a double quote, and a single one
    /// too unless the value would end with it anyway (`'C:\dir\'`).
    fn closing_quote(&self, open: usize, quote: char) -> Option<usize> {
        let mut chars = self.text()[open + 1..].char_indices();
        while let Some((at, c)) = chars.next() {
            let here = open + 1 + at;
            if c == quote {
                return Some(here);
            }
            if c == '\\' {
                let escaped = self.text()[here + 1..].chars().next();
                if quote == '"' || (escaped == Some(quote) && !self.only_comment_follows(here + 2)) {
                    chars.next();
                }
            }
        }
        None
    }

    /// Whether the rest of the line at `at` is blank or a comment.
    fn only_comment_follows(&self, at: usize) -> bool {
        let (end, _) = self.line_end(at);
        let rest = self.text()[at..end].trim_start();
        rest.is_empty() || rest.starts_with('#')
    }

    /// The start of the line behind a value that is quoted and spans lines; `None` if there is no such value.
    fn quoted_end(&self, after: usize, end: usize) -> Option<usize> {
        let raw = &self.text()[after..end];
        let open = after + (raw.len() - raw.trim_start().len());
        let quote = self.text()[open..end]
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''))?;
        let close = self.closing_quote(open, quote)?;
        self.only_comment_follows(close + 1)
            .then(|| self.line_end(close).1)
    }

    fn decode(&self, start: usize, end: usize, mode: Mode) -> Result<String, Fault> {
        let lookup = |name: &str| match self.known.get(name) {
            Some(index) => Some(self.variables[*index].value.clone()),
            None => (self.outer)(name),
        };
        Decoder::new(self.text(), mode, &lookup).decode(start, end)
    }

    fn fault(&mut self, fault: &Fault) {
        let mut diagnostic = Diagnostic::error(Kind::Config, fault.message.clone()).at(span(
            self.source,
            fault.range.start,
            fault.range.end,
        ));
        diagnostic.hints.extend(fault.hint.clone());
        self.diagnostics.push(diagnostic);
    }
}

/// A variable's name consists of letters, digits, `_` and `.`.
fn check_name(text: &str, start: usize, end: usize, separator: usize) -> Result<(), Fault> {
    let name = &text[start..end];
    if name.is_empty() {
        return Err(Fault::new(
            separator..separator + 1,
            format!("no name in front of `{}`", &text[separator..=separator]),
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let Some((at, bad)) = name.char_indices().find(|(_, c)| !allowed(*c)) else {
        return Ok(());
    };
    let message = if bad.is_whitespace() {
        "a variable's name cannot contain white space".to_owned()
    } else {
        format!("a variable's name cannot contain {bad:?}")
    };
    Err(Fault::new(start + at..start + at + bad.len_utf8(), message).hint("use letters, digits and `_`"))
}

#[cfg(test)]
mod tests;
