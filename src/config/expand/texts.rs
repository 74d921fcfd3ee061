//! Rendering the texts of one instance, and pointing at what is wrong in them.

use super::super::environment::{Assignment, Origin};
use super::super::project::Located;
use super::super::source;
use super::super::template::{self, Fault, Unknown, Variables};
use super::super::yaml;
use crate::diag::{Diagnostic, Kind, Span};
use std::collections::BTreeMap;

/// What `${NAME}` can name besides what was known when the file was read: what the configuration itself sets.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Known {
    values: BTreeMap<String, String>,
    /// Nothing is filled in.
    closed: bool,
}

impl Known {
    /// Of a name that is there twice the last value counts.
    pub(in crate::config) fn new<'a>(assignments: impl IntoIterator<Item = &'a Assignment>) -> Self {
        let mut known = Self::default();
        for assignment in assignments {
            known.set(&assignment.name, &assignment.value);
        }
        known
    }

    /// For texts that are to stay as they are written.
    pub(in crate::config) fn closed() -> Self {
        Self {
            closed: true,
            ..Self::default()
        }
    }

    pub(in crate::config) fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    /// The text with the values of all that is known, as it is used.
    pub(in crate::config) fn settle(&self, text: String) -> String {
        yaml::settled(self.fill_in(text))
    }

    /// The text with the values of what is known by now.
    pub(in crate::config) fn fill_in(&self, text: String) -> String {
        if self.closed || self.values.is_empty() || !text.contains('$') {
            return text;
        }
        yaml::fill_in(&text, &|name| self.values.get(name).cloned())
    }
}

/// The variables of an instance's templates and values, and what was found wrong on the way.
pub(in crate::config) struct Texts {
    variables: Variables,
    known: Known,
    pub(in crate::config) diagnostics: Vec<Diagnostic>,
}

impl Texts {
    pub(in crate::config) fn new(variables: Variables, known: Known) -> Self {
        Self {
            variables,
            known,
            diagnostics: Vec::new(),
        }
    }

    /// Makes one more variable known.
    pub(super) fn tell(&mut self, name: &str, value: &str) {
        self.known.set(name, value);
    }

    /// A command without its templates. Its `$` are the shell's.
    pub(super) fn command(&mut self, text: &Located<String>) -> String {
        yaml::settled(self.render_at(&text.value, &text.span, Unknown::Keep))
    }

    /// A value, without templates, and with the values of what it names.
    pub(super) fn value(&mut self, text: &Located<String>) -> String {
        yaml::settled(self.open_value(text))
    }

    /// The same of one that may name what is known only later, when it is to be settled.
    pub(super) fn open_value(&mut self, text: &Located<String>) -> String {
        let rendered = self.render_at(&text.value, &text.span, Unknown::Refuse);
        self.known.fill_in(rendered)
    }

    /// One word of a command that no shell gets: what only a shell could fill in is filled in here. To be settled.
    pub(super) fn word(&mut self, text: &Located<String>) -> String {
        let rendered = self.render_at(&text.value, &text.span, Unknown::Keep);
        self.known.fill_in(rendered)
    }

    /// A text that a program is to print, braces and all. To be settled.
    pub(super) fn line(&self, text: &Located<String>) -> String {
        self.known.fill_in(text.value.clone())
    }

    /// Variables with their values rendered, to be settled. Each is known to those behind it, and to all that comes later.
    pub(in crate::config) fn assignments(&mut self, assignments: &[Assignment]) -> Vec<Assignment> {
        let mut rendered = Vec::new();
        for assignment in assignments {
            let value = match &assignment.origin {
                Origin::At(span) => self.render_at(&assignment.value, span, Unknown::Refuse),
                Origin::Caller | Origin::Ovr => assignment.value.clone(),
            };
            let value = self.known.fill_in(value);
            self.known.set(&assignment.name, &value);
            rendered.push(Assignment {
                value,
                ..assignment.clone()
            });
        }
        rendered
    }

    /// The text without its templates; as it is where it cannot be rendered.
    fn render_at(&mut self, text: &str, span: &Span, unknown: Unknown) -> String {
        match template::render(text, &self.variables, unknown) {
            Ok(rendered) => {
                for doubt in rendered.doubts {
                    let told = told(
                        Diagnostic::warning(Kind::Config, doubt.message.clone()),
                        text,
                        span,
                        doubt,
                    );
                    self.diagnostics
                        .push(told.hint("it is left as it is, for the program that gets it"));
                }
                rendered.text.into_owned()
            }
            Err(fault) => {
                let error = Diagnostic::error(Kind::Config, fault.message.clone());
                self.diagnostics.push(told(error, text, span, fault));
                text.to_owned()
            }
        }
    }

    pub(super) fn error(&mut self, span: &Span, message: impl Into<String>) -> &mut Diagnostic {
        let error = Diagnostic::error(Kind::Config, message).at(span.clone());
        self.diagnostics.push(error);
        self.diagnostics.last_mut().expect("one was just pushed")
    }
}

fn told(diagnostic: Diagnostic, text: &str, span: &Span, fault: Fault) -> Diagnostic {
    let action = text.get(fault.at).unwrap_or_default();
    let diagnostic = diagnostic.at(source::within(span, action));
    match fault.hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}
