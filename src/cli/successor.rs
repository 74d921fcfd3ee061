//! Who answers for a session when its controller is gone: on this machine the one that adopts its services, which is
//! seen to come; elsewhere whoever listens at the same address, which can only be tried. Prints nothing.

use super::session;
use crate::api::Peer;
use crate::api::client::{Client, is_cut};
use crate::diag::{Diagnostic, Kind};
use crate::model::time_text;
use crate::workspace::revive;
use crate::workspace::session::SessionEntry;
use std::thread;
use std::time::Duration;

/// How long a session on TCP may have no controller before it is given up.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long one that was brought to its end may be on its way into the background.
const HANDOVER: Duration = Duration::from_secs(3);
/// The first pause between two tries; each is twice as long as the one before, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How an answer that was to go on came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With the word that the session is over.
    Over,
    /// It was brought to its end without that: the session goes on in the background, most likely.
    Told,
    /// It broke off: the controller was killed, or the connection was lost.
    Cut,
}

impl End {
    /// The end that an error in the middle of an answer means.
    pub(super) fn of(error: &Diagnostic) -> Self {
        if is_cut(error) { Self::Cut } else { Self::Told }
    }
}

/// Where the next controller is to be looked for.
#[derive(Clone, Debug)]
pub(super) enum Successor {
    Here(Box<SessionEntry>),
    At(String),
}

impl Successor {
    /// Of the session on this machine, or of that which `client` talks to.
    pub(super) fn of(entry: Option<SessionEntry>, client: &Client) -> Self {
        match (entry, client.peer()) {
            (Some(entry), _) => Self::Here(Box::new(entry)),
            (None, Peer::Tcp(remote)) => Self::At(remote.address.clone()),
            (None, peer @ Peer::Unix(_)) => Self::At(peer.to_string()),
        }
    }

    /// What the controller that takes over answers; `None` where the session has ended.
    pub(super) fn ask<T>(
        &self,
        end: End,
        mut ask: impl FnMut() -> Result<T, Diagnostic>,
    ) -> Result<Option<T>, Diagnostic> {
        match (self, end) {
            (Self::Here(entry), _) => {
                while revive::next_controller(&entry.dir)? {
                    match ask() {
                        // One that is just dying seems to answer for a moment: the one after it is waited for.
                        Err(error) if error.kind == Kind::NotRunning => {}
                        answer => return answer.map(Some),
                    }
                }
                Ok(None)
            }
            (Self::At(_), End::Over) => Ok(None),
            (Self::At(_), End::Told) => try_for(HANDOVER, &mut ask),
            (Self::At(address), End::Cut) => match try_for(PATIENCE, &mut ask)? {
                Some(answer) => Ok(Some(answer)),
                None => Err(given_up(address)),
            },
        }
    }
}

/// A client for a session that was met before.
pub(super) fn client(successor: &Successor, peer: Peer) -> Client {
    match successor {
        Successor::Here(entry) => session::client(entry),
        Successor::At(_) => Client::of(peer),
    }
}

/// Asks until there is an answer; `None` when the time is over.
fn try_for<T>(
    patience: Duration,
    ask: &mut impl FnMut() -> Result<T, Diagnostic>,
) -> Result<Option<T>, Diagnostic> {
    for pause in pauses(patience) {
        match ask() {
            Err(error) if may_pass(&error) => thread::sleep(pause),
            answer => return answer.map(Some),
        }
    }
    Ok(None)
}

/// Whether what failed may succeed a moment later: nobody listens, or the way there is broken.
fn may_pass(error: &Diagnostic) -> bool {
    matches!(error.kind, Kind::NotRunning | Kind::System)
}

/// From try to try.
fn pauses(patience: Duration) -> impl Iterator<Item = Duration> {
    let mut left = patience;
    let mut next = FIRST_PAUSE;
    std::iter::from_fn(move || {
        let pause = next.min(left);
        left -= pause;
        next = (next * 2).min(LONGEST_PAUSE);
        (!pause.is_zero()).then_some(pause)
    })
}

fn given_up(address: &str) -> Diagnostic {
    let patience = time_text::duration(PATIENCE);
    Diagnostic::error(
        Kind::NotRunning,
        "the session's controller is gone, and no other one has come",
    )
    .cause(format!("nobody has answered at {address} for {patience}"))
    .hint("its services may still run; `ovr start` on that machine adopts them")
}

#[cfg(test)]
mod tests {
    use super::{End, LONGEST_PAUSE, PATIENCE, Successor, pauses};
    use crate::diag::{Diagnostic, Kind};
    use std::time::Duration;

    #[test]
    fn tries_are_frequent_at_first_seldom_later_and_come_to_an_end() {
        let pauses: Vec<Duration> = pauses(PATIENCE).collect();
        assert_eq!(pauses[0], Duration::from_millis(20));
        assert!(pauses.iter().all(|pause| *pause <= LONGEST_PAUSE));
        assert!(pauses.len() < 50, "{}", pauses.len());
        assert_eq!(pauses.iter().sum::<Duration>(), PATIENCE);
    }

    #[test]
    fn an_answer_that_ended_or_broke_off_is_asked_for_again_until_somebody_answers() {
        let there = Successor::At("127.0.0.1:4321".to_owned());
        let mut tries = 0;
        let mut third = || {
            tries += 1;
            match tries {
                3 => Ok(tries),
                _ => Err(Diagnostic::error(Kind::NotRunning, "nobody is there")),
            }
        };
        assert_eq!(there.ask(End::Told, &mut third).unwrap(), Some(3));
        let nobody = there.ask(End::Over, || -> Result<(), Diagnostic> {
            panic!("a session that is over is not asked for")
        });
        assert_eq!(nobody.unwrap(), None);
        let refused = there.ask(End::Cut, || {
            Err::<(), _>(Diagnostic::error(Kind::NotAllowed, "another token"))
        });
        assert_eq!(refused.unwrap_err().kind, Kind::NotAllowed);
        assert_eq!(super::try_for(Duration::ZERO, &mut third).unwrap(), None);
    }
}
