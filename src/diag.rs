//! What went wrong, where, and what to do: the one shape every error takes on its way to the user, and the
//! exit codes that go with it. Rooms build a [`Diagnostic`]; only `cli` prints one.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use unicode_width::UnicodeWidthChar;

/// What is told to whoever asks a session that is over.
pub const SESSION_ENDED: &str = "the session has ended";

/// The documented exit codes of `ovr` (`docs/exit-codes.md`). A service's own code passes through unchanged.
pub mod exit_code {
    /// Everything went as asked.
    pub const OK: u8 = 0;
    /// Something failed that has no code of its own.
    pub const FAILURE: u8 = 1;
    /// The command line does not make sense: unknown flag, missing argument.
    pub const USAGE: u8 = 64;
    /// A name that no service of this project has.
    pub const NO_SUCH_SERVICE: u8 = 65;
    /// Nothing to work with: no Procfile or other configuration here or above.
    pub const NO_CONFIG: u8 = 66;
    /// The command needs a running session and there is none.
    pub const NOT_RUNNING: u8 = 69;
    /// A fault of the machine below: a socket, file or process that could not be made.
    pub const SYSTEM: u8 = 71;
    /// tmux is missing, or older than `ovr` supports.
    pub const TMUX: u8 = 72;
    /// A session of this project is already running.
    pub const ALREADY_RUNNING: u8 = 73;
    /// The command was carried out, but at least one service did not do as it should.
    pub const SERVICE_FAILED: u8 = 74;
    /// `connect` and its like need a terminal, and there is none.
    pub const NO_TERMINAL: u8 = 75;
    /// A session on TCP did not accept the token, or there was none.
    pub const NOT_ALLOWED: u8 = 77;
    /// Of `status`: nothing has failed, and not everything is up and ready yet.
    pub const NOT_READY: u8 = 76;
    /// The configuration has errors.
    pub const CONFIG: u8 = 78;
    /// Of `wait`, as `timeout` has it: the time was up.
    pub const TIMEOUT: u8 = 124;
    /// Of `run`, as a shell has it: the command was found and cannot be run.
    pub const CANNOT_RUN_COMMAND: u8 = 126;
    /// Of `run`, as a shell has it: there is no such command.
    pub const COMMAND_NOT_FOUND: u8 = 127;
    /// Ended by Ctrl-C (128 + SIGINT).
    pub const INTERRUPTED: u8 = 130;
    /// Ended by SIGTERM (128 + SIGTERM).
    pub const TERMINATED: u8 = 143;
}

/// How bad a [`Diagnostic`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The work goes on.
    Warning,
    /// The work does not go on.
    Error,
}

/// The kind of an error: decides the exit code, and the stable code that scripts and the API see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Usage,
    NoSuchService,
    NoConfig,
    Config,
    NotRunning,
    AlreadyRunning,
    Tmux,
    NoTerminal,
    ServiceFailed,
    NotAllowed,
    Timeout,
    System,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 12] = [
        Self::Usage,
        Self::NoSuchService,
        Self::NoConfig,
        Self::Config,
        Self::NotRunning,
        Self::AlreadyRunning,
        Self::Tmux,
        Self::NoTerminal,
        Self::ServiceFailed,
        Self::NotAllowed,
        Self::Timeout,
        Self::System,
    ];

    /// The exit code of a command that ends with this error.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => exit_code::USAGE,
            Self::NoSuchService => exit_code::NO_SUCH_SERVICE,
            Self::NoConfig => exit_code::NO_CONFIG,
            Self::Config => exit_code::CONFIG,
            Self::NotRunning => exit_code::NOT_RUNNING,
            Self::AlreadyRunning => exit_code::ALREADY_RUNNING,
            Self::Tmux => exit_code::TMUX,
            Self::NoTerminal => exit_code::NO_TERMINAL,
            Self::ServiceFailed => exit_code::SERVICE_FAILED,
            Self::NotAllowed => exit_code::NOT_ALLOWED,
            Self::Timeout => exit_code::TIMEOUT,
            Self::System => exit_code::SYSTEM,
        }
    }

    /// The kind that a command's exit code tells of.
    pub fn from_exit_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.exit_code() == code)
    }

    /// The stable word for this kind, as the API and `--json` outputs spell it. Never renamed.
    pub fn code(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NoSuchService => "no_such_service",
            Self::NoConfig => "no_config",
            Self::Config => "config",
            Self::NotRunning => "not_running",
            Self::AlreadyRunning => "already_running",
            Self::Tmux => "tmux",
            Self::NoTerminal => "no_terminal",
            Self::ServiceFailed => "service_failed",
            Self::NotAllowed => "not_allowed",
            Self::Timeout => "timeout",
            Self::System => "system",
        }
    }

    /// The kind that `code` names; unknown words (from a newer peer) are `System`.
    pub fn from_code(code: &str) -> Self {
        match code {
            "usage" => Self::Usage,
            "no_such_service" => Self::NoSuchService,
            "no_config" => Self::NoConfig,
            "config" => Self::Config,
            "not_running" => Self::NotRunning,
            "already_running" => Self::AlreadyRunning,
            "tmux" => Self::Tmux,
            "no_terminal" => Self::NoTerminal,
            "service_failed" => Self::ServiceFailed,
            "not_allowed" => Self::NotAllowed,
            "timeout" => Self::Timeout,
            _ => Self::System,
        }
    }
}

/// A text that errors point into: a file and its contents.
#[derive(Debug)]
pub struct Source {
    pub path: PathBuf,
    pub text: String,
    /// Where each line begins, found out when it is first asked for: a file has as many places as it has values.
    starts: OnceLock<Vec<usize>>,
}

impl Source {
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
            starts: OnceLock::new(),
        }
    }

    fn starts(&self) -> &[usize] {
        self.starts.get_or_init(|| {
            let behind = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(behind).collect()
        })
    }

    /// The number of the line that this byte is in, counted from 1, and where that line begins.
    pub fn line_at(&self, offset: usize) -> (usize, usize) {
        let number = self.starts().partition_point(|start| *start <= offset);
        (number, self.starts()[number - 1])
    }

    /// Where the line with this number begins, or the text ends.
    pub fn line_start(&self, number: usize) -> usize {
        let start = self.starts().get(number.saturating_sub(1));
        start.copied().unwrap_or(self.text.len())
    }

    /// The line with this number, without its end.
    pub fn line(&self, number: usize) -> Option<&str> {
        let start = *self.starts().get(number.checked_sub(1)?)?;
        self.text[start..].split('\n').next()
    }
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.text == other.text
    }
}

impl Eq for Source {}

/// A place in a [`Source`]. Lines and columns count from 1; columns and the length count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    pub source: Arc<Source>,
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

impl fmt::Display for Span {
    /// `path:line:column`, the form that editors understand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.path.display(), self.line, self.column)
    }
}

/// One thing to tell the user: what happened, where, why, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub kind: Kind,
    pub message: String,
    pub span: Option<Span>,
    /// Why it happened, outermost first.
    pub causes: Vec<String>,
    /// What to do; each hint is a sentence or a command to paste.
    pub hints: Vec<String>,
}

impl Diagnostic {
    pub fn error(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            kind,
            message: message.into(),
            span: None,
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    pub fn warning(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(kind, message)
        }
    }

    pub fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// Plain text without colour: place, message, source line with caret, causes, hints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{heading}: ")?;
        if let Some(span) = &self.span {
            write!(f, "{span}: ")?;
        }
        write!(f, "{}", self.message)?;
        if let Some(span) = &self.span {
            write!(f, "\n{}", caret(span))?;
        }
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        for hint in &self.hints {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// The source line of `span` with a line of carets under the words it means.
fn caret(span: &Span) -> String {
    let line = span.source.line(span.line).unwrap_or("");
    let line = line.trim_end_matches('\r');
    let number = span.line.to_string();
    let gutter = " ".repeat(number.len());
    // The file may be anybody's, and a terminal would carry out what stands in it.
    let shown: String = line
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    let before = span.column.saturating_sub(1);
    // Tabs are kept in the padding, so that the caret stands below its word in every tab width.
    let padding: String = shown
        .chars()
        .take(before)
        .map(|c| {
            if c == '\t' {
                "\t".to_owned()
            } else {
                " ".repeat(c.width().unwrap_or(0))
            }
        })
        .collect();
    let meant = shown.chars().skip(before).take(span.length);
    let columns: usize = meant.map(|c| c.width().unwrap_or(1)).sum();
    let carets = "^".repeat(columns.max(1));
    format!("  {gutter} |\n  {number} | {shown}\n  {gutter} | {padding}{carets}")
}

#[cfg(test)]
mod tests {
    use super::{Diagnostic, Kind, Source, Span};
    use std::sync::Arc;

    #[test]
    fn a_diagnostic_shows_place_line_caret_and_hint() {
        let source = Arc::new(Source::new("Procfile", "web: run\nworkr\n"));
        let diagnostic = Diagnostic::error(Kind::Config, "no colon in this line")
            .at(Span {
                source,
                line: 2,
                column: 1,
                length: 5,
            })
            .hint("write `name: command`");
        assert_eq!(
            diagnostic.to_string(),
            "error: Procfile:2:1: no colon in this line\n    |\n  2 | workr\n    | ^^^^^\n  hint: write `name: command`"
        );
    }

    #[test]
    fn a_caret_stands_below_its_word_behind_wide_characters_and_no_control_reaches_the_terminal() {
        let source = Arc::new(Source::new("Procfile", "日本\u{1b}]0;title\u{7}: 数据\n"));
        let at = |column, length| {
            let source = Arc::clone(&source);
            let span = Span {
                source,
                line: 1,
                column,
                length,
            };
            Diagnostic::error(Kind::Config, "wrong").at(span).to_string()
        };
        let line = "  1 | 日本\u{fffd}]0;title\u{fffd}: 数据\n";
        assert!(at(3, 1).ends_with(&format!("{line}    |     ^")), "{}", at(3, 1));
        let behind = at(15, 2);
        assert!(
            behind.ends_with(&format!("{line}    | {}^^^^", " ".repeat(16))),
            "{behind}"
        );
    }

    #[test]
    fn every_kind_keeps_its_code_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(Kind::from_code(kind.code()), kind);
            assert_eq!(Kind::from_exit_code(kind.exit_code()), Some(kind));
        }
    }
}
