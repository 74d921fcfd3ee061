//! Signals by name and number, as people write them: `TERM`, `SIGTERM`, `sigterm`, `15`.

use serde::{Deserialize, Serialize};
use signal_hook::consts as c;
use std::fmt;
use std::str::FromStr;

/// A signal's number on this platform (1–64).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Signal(i32);

/// Every signal with a name on both Linux and macOS, in the order that help texts list them.
const NAMES: &[(&str, i32)] = &[
    ("HUP", c::SIGHUP),
    ("INT", c::SIGINT),
    ("QUIT", c::SIGQUIT),
    ("ILL", c::SIGILL),
    ("TRAP", c::SIGTRAP),
    ("ABRT", c::SIGABRT),
    ("BUS", c::SIGBUS),
    ("FPE", c::SIGFPE),
    ("KILL", c::SIGKILL),
    ("USR1", c::SIGUSR1),
    ("SEGV", c::SIGSEGV),
    ("USR2", c::SIGUSR2),
    ("PIPE", c::SIGPIPE),
    ("ALRM", c::SIGALRM),
    ("TERM", c::SIGTERM),
    ("CHLD", c::SIGCHLD),
    ("CONT", c::SIGCONT),
    ("STOP", c::SIGSTOP),
    ("TSTP", c::SIGTSTP),
    ("TTIN", c::SIGTTIN),
    ("TTOU", c::SIGTTOU),
    ("URG", c::SIGURG),
    ("XCPU", c::SIGXCPU),
    ("XFSZ", c::SIGXFSZ),
    ("VTALRM", c::SIGVTALRM),
    ("PROF", c::SIGPROF),
    ("WINCH", c::SIGWINCH),
    ("IO", c::SIGIO),
    ("SYS", c::SIGSYS),
];

impl Signal {
    pub const HUP: Self = Self(c::SIGHUP);
    pub const INT: Self = Self(c::SIGINT);
    pub const TERM: Self = Self(c::SIGTERM);
    pub const KILL: Self = Self(c::SIGKILL);
    pub const CONT: Self = Self(c::SIGCONT);

    /// The signal with this number, if it can be one.
    pub fn from_number(number: i32) -> Option<Self> {
        (1..=64).contains(&number).then_some(Self(number))
    }

    pub fn number(self) -> i32 {
        self.0
    }

    /// The known names without `SIG`, for completion and error texts.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }
}

/// A word that names no signal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownSignal(pub String);

impl fmt::Display for UnknownSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no signal is called {:?}; use a name such as TERM, INT, HUP, or a number",
            self.0
        )
    }
}

impl std::error::Error for UnknownSignal {}

impl FromStr for Signal {
    type Err = UnknownSignal;

    fn from_str(text: &str) -> Result<Self, UnknownSignal> {
        let unknown = || UnknownSignal(text.to_owned());
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number).ok_or_else(unknown);
        }
        let upper = text.to_ascii_uppercase();
        let bare = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .find(|(name, _)| *name == bare)
            .map(|(_, number)| Self(*number))
            .ok_or_else(unknown)
    }
}

impl fmt::Display for Signal {
    /// `SIGTERM`; a signal without a name is `signal 40`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn signals_are_read_as_people_write_them() {
        for text in ["TERM", "SIGTERM", "term", "SigTerm", "15"] {
            assert_eq!(text.parse::<Signal>().unwrap(), Signal::TERM, "{text}");
        }
        for text in ["", "SIG", "TREM", "0", "-9", "65", "9x"] {
            assert!(text.parse::<Signal>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_named_signal_prints_and_reads_back() {
        for name in Signal::names() {
            let signal: Signal = name.parse().unwrap();
            assert_eq!(signal.to_string(), format!("SIG{name}"));
        }
        assert_eq!(Signal::from_number(40).unwrap().to_string(), "signal 40");
    }
}
