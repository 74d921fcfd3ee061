//! The tree of a YAML text, every part of which knows its place. Making it is `parse.rs`'s work, giving it a
//! meaning `read/`'s.

use crate::diag::Span;
use std::sync::Arc;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub value: Value,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar as text. What it means is decided by the key it is the value of, so that `version: 1.10` is a text
/// and `port: "80"` a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub text: String,
    /// Written without quotes, in one of the forms that may be something else than a text.
    pub plain: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub key: Key,
    pub value: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub text: String,
    pub span: Span,
}

impl Node {
    pub(super) fn text(text: impl Into<String>, span: Span) -> Self {
        let text = text.into();
        Self {
            value: Value::Scalar(Scalar { text, plain: false }),
            span,
        }
    }

    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            Value::Scalar(_) | Value::Map(_) => None,
        }
    }

    pub(super) fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            Value::Scalar(_) | Value::List(_) => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.map()?.iter().find(|entry| entry.key.text == key)
    }

    /// Nothing, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        self.scalar().is_some_and(Scalar::is_null)
    }

    /// What it is, for "expected …, found …".
    pub(super) fn what(&self) -> String {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing".to_owned(),
            Value::Scalar(scalar) => {
                let first = scalar.text.lines().next().unwrap_or_default();
                let shown: String = first.chars().take(40).collect();
                let cut = shown.len() < scalar.text.trim_end().len();
                format!("`{shown}{}`", if cut { "…" } else { "" })
            }
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }

    /// The place of `length` characters of a scalar's text, from the `offset`th on; the whole scalar's where
    /// the text does not stand in the file as it is (escapes, folded lines, an alias's substitution).
    pub(super) fn part(&self, offset: usize, length: usize) -> Span {
        let Some(scalar) = self.scalar() else {
            return self.span.clone();
        };
        let before: String = scalar.text.chars().take(offset).collect();
        let wanted: String = scalar.text.chars().skip(offset).take(length).collect();
        let first = wanted.lines().next().unwrap_or_default();
        let line_number = before.matches('\n').count();
        let text_line = scalar.text.split('\n').nth(line_number).unwrap_or_default();
        let in_line = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let source = &self.span.source;
        // On the scalar's own line behind its quote if there is one, or in a line of its block.
        let own = source.line(self.span.line).and_then(|line| {
            let quoted = line
                .chars()
                .nth(self.span.column - 1)
                .is_some_and(|c| c == '"' || c == '\'');
            (line_number == 0).then_some((self.span.line, self.span.column - 1 + usize::from(quoted)))
        });
        let block = |line: usize| {
            let text = source.line(line)?;
            let at = text.find(text_line).filter(|_| !text_line.is_empty())?;
            Some((line, text[..at].chars().count()))
        };
        let here = self.span.line + line_number;
        let candidates = [own, block(here), block(here + 1)];
        for (line, start) in candidates.into_iter().flatten() {
            let column = start + in_line;
            let text = source.line(line).unwrap_or_default().chars();
            let there = text.skip(column).take(first.chars().count());
            if !first.is_empty() && there.eq(first.chars()) {
                return Span {
                    source: Arc::clone(&self.span.source),
                    line,
                    column: column + 1,
                    length: first.chars().count(),
                };
            }
        }
        self.span.clone()
    }
}

impl Scalar {
    pub(super) fn is_null(&self) -> bool {
        self.plain && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}
