//! Rendering the texts of one instance, and pointing at what is wrong in them.

use super::super::environment::{Assignment, Origin};
use super::super::project::Located;
use super::super::source;
use super::super::template::{self, Fault, Unknown, Variables};
use crate::diag::{Diagnostic, Kind, Span};

/// The variables of an instance's templates, and what was found wrong on the way.
pub(in crate::config) struct Texts {
    variables: Variables,
    pub(in crate::config) diagnostics: Vec<Diagnostic>,
}

impl Texts {
    pub(in crate::config) fn new(variables: Variables) -> Self {
        Self {
            variables,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn render(&mut self, text: &Located<String>, unknown: Unknown) -> String {
        self.render_at(&text.value, &text.span, unknown)
    }

    /// A variable with its value rendered.
    pub(in crate::config) fn assignment(&mut self, assignment: &Assignment) -> Assignment {
        Assignment {
            value: match &assignment.origin {
                Origin::At(span) => self.render_at(&assignment.value, span, Unknown::Refuse),
                Origin::Caller | Origin::Ovr => assignment.value.clone(),
            },
            ..assignment.clone()
        }
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
