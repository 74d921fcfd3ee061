//! One attempt to give a pane a lane, from the question whether somebody pipes it to the pipe in hand. Pure but
//! for the pipe that it keeps: told what tmux says, it says what to do next.

use crate::model::InstanceId;
use crate::tmux::lane::Boundary;
use crate::tmux::{CommandNumber, PaneId, Reply};
use tokio::net::UnixStream;

/// A helper that has not come while the panes printed this much more is not coming. tmux keeps for it what its pane
/// prints, and others may be waiting for their turn.
const HELPER_LATE: usize = 16 * 1024 * 1024;

/// What is to be done for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Wait,
    /// Ask whether somebody pipes the pane.
    Ask,
    /// Open the pipe.
    Open,
    /// Ask for an answer behind everything that may spoil the boundary.
    Confirm,
    /// The pipe has all that follows; its first `after` bytes are known.
    Use,
    /// `close` the pipe; let the pane `rest` before it is tried again.
    GiveUp {
        close: bool,
        rest: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Begun,
    Asked(Option<CommandNumber>),
    Free,
    Opening(Option<CommandNumber>),
    Opened,
    Confirming(Option<CommandNumber>),
    Confirmed,
    Failed { close: bool, rest: bool },
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) pane: PaneId,
    pub(super) instance: InstanceId,
    /// The pipe, once a helper has brought it.
    pub(super) stream: Option<UnixStream>,
    /// What control mode has brought of what the pipe has as well.
    pub(super) after: usize,
    /// What control mode has brought of any pane since the boundary.
    waited: usize,
    token: u64,
    step: Step,
    boundary: Boundary,
}

impl Attempt {
    pub(super) fn new(pane: PaneId, instance: InstanceId, token: u64) -> Self {
        Self {
            pane,
            instance,
            stream: None,
            after: 0,
            waited: 0,
            token,
            step: Step::Begun,
            boundary: Boundary::default(),
        }
    }

    /// What the helper's pipe is known by.
    pub(super) fn token(&self) -> u64 {
        self.token
    }

    pub(super) fn may_have_pipe(&self) -> bool {
        match self.step {
            Step::Begun | Step::Asked(_) | Step::Free => false,
            Step::Opening(_) | Step::Opened | Step::Confirming(_) | Step::Confirmed => true,
            Step::Failed { close, .. } => close,
        }
    }

    pub(super) fn next(&self) -> Next {
        match self.step {
            Step::Begun => Next::Ask,
            Step::Free => Next::Open,
            Step::Opened => Next::Confirm,
            Step::Confirmed if self.stream.is_some() => Next::Use,
            Step::Confirmed if self.waited > HELPER_LATE => Next::GiveUp {
                close: true,
                rest: true,
            },
            Step::Failed { close, rest } => Next::GiveUp { close, rest },
            Step::Asked(_) | Step::Opening(_) | Step::Confirming(_) | Step::Confirmed => Next::Wait,
        }
    }

    pub(super) fn asked(&mut self, number: Option<CommandNumber>) {
        self.step = Step::Asked(number);
    }

    pub(super) fn opening(&mut self, number: Option<CommandNumber>) {
        self.step = Step::Opening(number);
        self.boundary = Boundary::default();
    }

    pub(super) fn confirming(&mut self, number: Option<CommandNumber>) {
        self.step = Step::Confirming(number);
    }

    /// Output of some pane, in its place among the replies.
    pub(super) fn on_output(&mut self, pane: PaneId, length: usize) {
        let own = pane == self.pane;
        match self.step {
            Step::Opening(_) => self.boundary.on_output(own),
            Step::Opened | Step::Confirming(_) | Step::Confirmed => {
                self.waited += length;
                self.after += if own { length } else { 0 };
            }
            Step::Begun | Step::Asked(_) | Step::Free | Step::Failed { .. } => {}
        }
    }

    pub(super) fn spoil(&mut self) {
        self.boundary.spoil();
    }

    /// Whether the reply was one that this waits for.
    pub(super) fn on_reply(&mut self, reply: &Reply) -> bool {
        let number = Some(reply.number);
        let failed = |close, rest| Step::Failed { close, rest };
        self.step = match self.step {
            Step::Asked(awaited) if awaited == number => {
                if reply.ok && reply.first_line() == "0" {
                    Step::Free
                } else {
                    failed(false, true)
                }
            }
            Step::Opening(awaited) if awaited == number => match (reply.ok, self.boundary.is_exact()) {
                (true, true) => Step::Opened,
                (true, false) => failed(true, false),
                (false, _) => failed(false, true),
            },
            Step::Confirming(awaited) if awaited == number => {
                if self.boundary.is_exact() {
                    Step::Confirmed
                } else {
                    failed(true, false)
                }
            }
            Step::Begun
            | Step::Asked(_)
            | Step::Free
            | Step::Opening(_)
            | Step::Opened
            | Step::Confirming(_)
            | Step::Confirmed
            | Step::Failed { .. } => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, HELPER_LATE, Next};
    use crate::model::InstanceId;
    use crate::tmux::{CommandNumber, PaneId, Reply};
    use tokio::net::UnixStream;

    const OWN: PaneId = PaneId(1);
    const OTHER: PaneId = PaneId(2);

    fn reply(number: u64, body: &str) -> Reply {
        Reply {
            number: CommandNumber(number),
            ok: true,
            body: body.into(),
            cut: false,
        }
    }

    /// An attempt that has sent its `pipe-pane` as command 2.
    fn opening() -> Attempt {
        let mut attempt = Attempt::new(OWN, InstanceId(0), 1);
        assert_eq!(attempt.next(), Next::Ask);
        attempt.asked(Some(CommandNumber(1)));
        assert!(!attempt.on_reply(&reply(9, "1\n")));
        assert!(attempt.on_reply(&reply(1, "0\n")));
        assert_eq!(attempt.next(), Next::Open);
        attempt.opening(Some(CommandNumber(2)));
        attempt
    }

    fn confirmed(attempt: &mut Attempt) {
        assert!(attempt.on_reply(&reply(2, "")));
        assert_eq!(attempt.next(), Next::Confirm);
        attempt.confirming(Some(CommandNumber(3)));
        assert_eq!(attempt.next(), Next::Wait);
        assert!(attempt.on_reply(&reply(3, "\n")));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_control_mode_brings_behind_the_boundary_is_counted_until_the_pipe_is_there() {
        let mut attempt = opening();
        attempt.on_output(OWN, 100);
        confirmed(&mut attempt);
        attempt.on_output(OTHER, 7);
        attempt.on_output(OWN, 30);
        assert_eq!(attempt.next(), Next::Wait);
        attempt.stream = Some(UnixStream::pair().unwrap().0);
        assert_eq!((attempt.next(), attempt.after), (Next::Use, 30));
    }

    #[test]
    fn a_pane_that_somebody_pipes_is_left_alone() {
        let mut attempt = Attempt::new(OWN, InstanceId(0), 1);
        attempt.asked(Some(CommandNumber(1)));
        attempt.on_reply(&reply(1, "1\n"));
        let left_alone = Next::GiveUp {
            close: false,
            rest: true,
        };
        assert_eq!(attempt.next(), left_alone);
    }

    #[test]
    fn a_boundary_that_is_not_sure_is_tried_again() {
        let again = Next::GiveUp {
            close: true,
            rest: false,
        };
        let mut attempt = opening();
        attempt.on_output(OWN, 1);
        attempt.on_output(OTHER, 1);
        attempt.on_reply(&reply(2, ""));
        assert_eq!(attempt.next(), again);

        // A pane that ends takes its waiting output with it; that is told behind the reply.
        let mut attempt = opening();
        attempt.on_reply(&reply(2, ""));
        attempt.confirming(Some(CommandNumber(3)));
        attempt.spoil();
        attempt.on_reply(&reply(3, "\n"));
        assert_eq!(attempt.next(), again);
    }

    #[test]
    fn a_helper_that_never_comes_costs_nothing_but_the_attempt() {
        let mut attempt = opening();
        confirmed(&mut attempt);
        attempt.on_output(OWN, HELPER_LATE + 1);
        let given_up = Next::GiveUp {
            close: true,
            rest: true,
        };
        assert_eq!(attempt.next(), given_up);
    }

    #[test]
    fn a_helper_that_never_comes_does_not_keep_other_panes_from_their_turn_for_ever() {
        let mut attempt = opening();
        confirmed(&mut attempt);
        // Its own pane has fallen silent, or is gone.
        attempt.on_output(OTHER, HELPER_LATE + 1);
        let given_up = Next::GiveUp {
            close: true,
            rest: true,
        };
        assert_eq!((attempt.next(), attempt.after), (given_up, 0));
    }
}
