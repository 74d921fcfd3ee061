//! tmux, started before the rest of the session is made ready: it takes longer than all of that until it
//! answers. Only where an earlier session can have left nothing.

use super::session::{Earlier, Setup, machine};
use super::windows::{Site, start_server};
use crate::model::Moment;
use crate::supervisor::{Action, Event};
use crate::tmux::client::{Client, Drained};
use crate::tmux::command::Command;
use std::time::Duration;
use tokio::time::timeout;

/// A server that answers at all has ended within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server on its way.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) client: Client,
}

impl Ahead {
    /// `None`: it is not the time for it, or something is wrong, which shows (and is told) when it is. Every signal must
    /// be heard of from before.
    pub(super) fn start(setup: &Setup, earlier: &Earlier, site: &Site, now: Moment) -> Option<Self> {
        let dir = setup.lock.dir();
        let may_be_left = site.server.socket.exists() || earlier.left.is_some();
        if earlier.fresh || may_be_left || dir.check_sockets().is_err() {
            return None;
        }
        if !wants_a_window(setup, now) {
            return None;
        }
        let client = start_server(site).ok()?;
        Some(Self { client })
    }

    /// Ends it again: the session cannot be.
    pub(super) async fn end(mut self) {
        self.client.send(&Command::kill_server());
        let gone = async {
            while self.client.drain(&mut |_| {}) != Drained::Gone {
                self.client.readable().await;
            }
        };
        // One that does not answer is left; the next start finds it.
        drop(timeout(PATIENCE, gone).await);
    }
}

/// Whether the machine will ask for any.
fn wants_a_window(setup: &Setup, now: Moment) -> bool {
    let Ok(mut machine) = machine(&setup.instances, now) else {
        return false;
    };
    machine.handle(now, Event::Begin);
    std::iter::from_fn(|| machine.poll_action()).any(|action| matches!(action, Action::OpenWindow { .. }))
}
