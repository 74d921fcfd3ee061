//! What is said over the WebSocket of a command that is run on the session's machine, besides the bytes of its input
//! and output.

use super::ErrorDetail;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A client sends no more input than this beyond what the session says that the command has taken.
pub const INPUT_WINDOW: usize = 64 * 1024;

/// No text message from a client is longer.
pub const MAX_ORDER: usize = 1 << 20;

/// Whether a terminal's type may be called so. It is looked up as a file.
pub fn is_terminal_type(name: &str) -> bool {
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(harmless)
}

/// The first byte of a binary message from the session: whether the rest is standard output (the terminal's, where
/// there is one) or standard error.
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;

/// What a client sends as a text message. The first one is `run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum RunOrder {
    /// Run this.
    Run(RunRequest),
    /// The client's screen has another size now.
    Resize { cols: u16, rows: u16 },
    /// There is no more input.
    EndOfInput {},
    /// Send this to the command's process group: `INT`, or a number.
    Signal { signal: String },
}

/// A command, and what it is run in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// Program and arguments; no shell looks at them.
    pub command: Vec<String>,
    /// A service or instance whose environment it gets; none means what all services share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The terminal that it gets; without one it has pipes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terminal: Option<RunTerminal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunTerminal {
    #[schema(minimum = 1, maximum = 2000)]
    pub cols: u16,
    #[schema(minimum = 1, maximum = 2000)]
    pub rows: u16,
    /// The client's `TERM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

/// What the session sends as a text message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunNews {
    /// The command runs.
    Started { pid: u32 },
    /// So many bytes of input were taken since this was said last.
    Took { bytes: usize },
    /// It is over, and all that it printed has been sent. One of the two is set.
    Ended {
        exit_code: Option<i32>,
        exit_signal: Option<String>,
    },
    /// It was not run.
    Refused {
        error: ErrorDetail,
        /// 127 for a program that is not there, 126 for one that cannot be run, as shells have it.
        exit_code: Option<u8>,
    },
}

#[cfg(test)]
mod tests {
    use super::is_terminal_type;

    #[test]
    fn a_terminal_type_is_a_name_and_no_path() {
        for name in ["xterm-256color", "screen.xterm", "rxvt+pcfkeys", "vt100"] {
            assert!(is_terminal_type(name), "{name}");
        }
        for name in ["", "a/b", "x y", "a\n", "\u{e9}", &"x".repeat(65)] {
            assert!(!is_terminal_type(name), "{name:?}");
        }
    }
}
