//! What a command that has ended left: code, standard output, standard error.

use super::sandbox::Sandbox;
use std::fmt;
use std::sync::Arc;

/// A finished command.
pub(crate) struct Output {
    /// The command line, for messages.
    pub(crate) command: String,
    /// The exit code, or 128 + the number of the signal that ended it.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Tells the rest of the story when an assertion fails.
    pub(super) sandbox: Arc<Sandbox>,
}

impl Output {
    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn code(&self, expected: u8) -> &Self {
        assert!(
            self.code == i32::from(expected),
            "expected exit code {expected}: {self}"
        );
        self
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn success(&self) -> &Self {
        self.code(0)
    }

    /// Asserts an exit code other than 0.
    /// A session has answered, however its services are: what `status` and `why` exit with then.
    #[track_caller]
    pub(crate) fn answered(&self) -> &Self {
        assert!(matches!(self.code, 0 | 74 | 76), "no answer: {self}");
        self
    }

    #[track_caller]
    pub(crate) fn failure(&self) -> &Self {
        assert!(self.code != 0, "expected a failure: {self}");
        self
    }

    /// Asserts that standard output or standard error contains every one of these texts.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.stdout.contains(text) || self.stderr.contains(text),
                "expected to read {text:?}: {self}"
            );
        }
        self
    }

    /// Asserts that neither stream contains any of these texts.
    #[track_caller]
    pub(crate) fn never_says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                !self.stdout.contains(text) && !self.stderr.contains(text),
                "did not expect to read {text:?}: {self}"
            );
        }
        self
    }

    /// Standard output as JSON and nothing besides.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("standard output is not JSON ({error}): {self}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` ended with {}\n── stdout\n{}\n── stderr\n{}\n{}",
            self.command,
            self.code,
            self.stdout,
            self.stderr,
            self.sandbox.report()
        )
    }
}
