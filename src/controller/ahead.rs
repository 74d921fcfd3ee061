//! tmux, started before the rest of the session is made ready: it takes longer than all of that until it
//! answers. Only where an earlier session can have left nothing.

use super::doors::bind_shim_door;
use super::session::{Earlier, Setup, machine};
use super::windows::{Begun, Site, start_server};
use crate::model::{InstanceId, Moment};
use crate::supervisor::{Action, Event};
use crate::tmux::client::Drained;
use crate::tmux::command::Command;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::time::timeout;

/// A server that answers at all has ended within this.
const PATIENCE: Duration = Duration::from_secs(2);

/// A server on its way.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) begun: Begun,
    /// Where the shim of its first window calls: bound before, so that it finds somebody.
    pub(super) door: Option<UnixListener>,
}

impl Ahead {
    /// `None`: it is not the time for it, or something is wrong, which shows (and is told) when it is. Every signal must
    /// be heard of from before.
    pub(super) fn start(setup: &Setup, earlier: &Earlier, site: &Site, now: Moment) -> Option<Self> {
        let dir = setup.lock.dir();
        let may_be_left = site.server.may_be_there() || earlier.left.is_some();
        if earlier.fresh || may_be_left || dir.check_sockets().is_err() {
            return None;
        }
        let wanted = wanted_windows(setup, now);
        if wanted.is_empty() {
            return None;
        }
        let door = bind_shim_door(dir).ok()?;
        let held = setup.tmux_config.is_some();
        let named = |id: InstanceId| (id, setup.instances[id.0 as usize].name.to_string());
        let begun = start_server(site, held, wanted.into_iter().map(named)).ok()?;
        Some(Self {
            begun,
            door: Some(door),
        })
    }

    /// Ends it again: the session cannot be.
    pub(super) async fn end(mut self) {
        let client = &mut self.begun.client;
        client.send(&Command::kill_server());
        let gone = async {
            while client.drain(&mut |_| {}) != Drained::Gone {
                client.readable().await;
            }
        };
        // One that does not answer is left; the next start finds it.
        drop(timeout(PATIENCE, gone).await);
    }
}

/// The windows that the machine will ask for before any other.
fn wanted_windows(setup: &Setup, now: Moment) -> Vec<InstanceId> {
    let Ok(mut machine) = machine(&setup.instances, now) else {
        return Vec::new();
    };
    machine.handle(now, Event::Begin);
    let actions = std::iter::from_fn(|| machine.poll_action());
    let wanted = actions.filter_map(|action| match action {
        Action::OpenWindow { instance } => Some(instance),
        _ => None,
    });
    wanted.collect()
}
