//! What every reader of configuration returns: a value, and all that is to be said about the text it came
//! from. Nothing here prints or decides; the caller asks for a `Result` when it wants to stop at errors.

use crate::diag::{Diagnostic, Severity};

/// A value with everything that was found on the way to it: warnings and errors, in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T> {
    /// Made from the sound parts of the text; to be used only if there are no errors.
    pub value: T,
    pub diagnostics: Vec<Diagnostic>,
}

impl<T> Checked<T> {
    pub fn new(value: T, diagnostics: Vec<Diagnostic>) -> Self {
        Self { value, diagnostics }
    }

    /// Whether any diagnostic is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// The value and its warnings, or, if there is any error, every diagnostic.
    pub fn into_result(self) -> Result<(T, Vec<Diagnostic>), Vec<Diagnostic>> {
        if self.has_errors() {
            Err(self.diagnostics)
        } else {
            Ok((self.value, self.diagnostics))
        }
    }
}
