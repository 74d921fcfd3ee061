//! How a process ended: by its own code, or by a signal. The two are never mixed.

use super::Signal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It called `exit` with this code (0–255).
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
}

impl Exit {
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code a shell would report: the code itself, or 128 + the signal's number.
    pub fn shell_code(self) -> u8 {
        let code = match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal.number(),
        };
        u8::try_from(code & 0xff).expect("masked to eight bits")
    }
}

impl fmt::Display for Exit {
    /// `code 3` or `SIGKILL`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Signal(signal) => signal.fmt(f),
        }
    }
}
