//! What can be asked of services, by a person, a program or the machine's own rules.

use super::Signal;

/// What can be asked of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Bring it up; nothing to do if it runs.
    Start,
    /// Stop by plan; sticks until somebody starts it.
    Stop,
    /// Stop if it runs, then start.
    Restart,
    /// SIGKILL to the tree; sticks like a stop.
    Kill,
    /// Deliver a signal; changes no intent.
    Signal(Signal),
}

impl Verb {
    /// The word in commands, routes and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Kill => "kill",
            Self::Signal(_) => "signal",
        }
    }
}
