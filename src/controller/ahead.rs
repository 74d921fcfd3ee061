//! tmux, started before the rest of the session is made ready: it takes longer than all of that until its first window
//! is there. Only where an earlier session can have left nothing. Which window that is, the machine says.

use super::doors::bind_shim_door;
use super::session::{Earlier, Setup, machine};
use super::windows::{Site, start_server};
use crate::model::{InstanceId, Moment};
use crate::supervisor::{Action, Event};
use crate::tmux::client::{Client, Drained};
use crate::tmux::command::Command;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::time::timeout;

/// A server that answers at all has ended within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server on its way.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) client: Client,
    /// The instance whose window it begins with.
    pub(super) first: InstanceId,
    /// Where that window's shim calls: bound before, so that it finds somebody.
    pub(super) door: Option<UnixListener>,
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
        let first = first_window(setup, now)?;
        let door = bind_shim_door(dir).ok()?;
        let name = setup.instances.get(first.0 as usize)?.name.to_string();
        let client = start_server(site, &name).ok()?;
        Some(Self {
            client,
            first,
            door: Some(door),
        })
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

/// The window that the machine will ask for before any other.
fn first_window(setup: &Setup, now: Moment) -> Option<InstanceId> {
    let mut machine = machine(&setup.instances, now).ok()?;
    machine.handle(now, Event::Begin);
    std::iter::from_fn(|| machine.poll_action()).find_map(|action| match action {
        Action::OpenWindow { instance } => Some(instance),
        _ => None,
    })
}
