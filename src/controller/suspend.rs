//! Ctrl-Z and `fg`: the control client is let go before the controller stops, because a client that does not
//! read makes tmux stop reading the panes, and the services would block. Afterwards a new one attaches; what was
//! printed meanwhile is found in the scrollback, and windows of which the one before had not told yet in the list.

use super::clock;
use super::core::Controller;
use super::windows::Connection;
use crate::logs::Tone;
use crate::model::InstanceId;
use crate::tmux::client::Client;
use crate::tmux::panes::Pane;
use crate::tmux::{ClientEvent, WindowId};
use std::time::Duration;

/// A tmux that works lets a client go within milliseconds; one that does not must not keep Ctrl-Z waiting, and with it
/// all else.
const PATIENCE: Duration = Duration::from_secs(2);

impl Controller {
    /// SIGTSTP: lets tmux go, then stops this process (and nobody else: services have terminals of their own).
    pub(super) async fn suspend(&mut self) {
        self.say_session(Tone::Quiet, "suspended; the services run on (fg comes back)");
        self.lanes.close_all(&mut self.windows);
        if let Connection::Up(client) | Connection::Attaching(client) =
            std::mem::replace(&mut self.windows.connection, Connection::Down)
        {
            let (now, at_ms) = (self.clock.now(), clock::epoch_ms());
            let panes = self.windows.panes().to_vec();
            let (hub, lanes) = (&mut self.hub, &mut self.lanes);
            let mut hear = |event: ClientEvent<'_>| {
                if let ClientEvent::Output { pane, data } = event
                    && lanes.on_output(now, pane, data.len())
                    && let Some(Some(instance)) = panes.get(pane.0 as usize)
                {
                    hub.feed(now, at_ms, *instance, data);
                }
            };
            // One that tmux does not let go of is ended.
            drop(tokio::time::timeout(PATIENCE, client.detach(&mut hear)).await);
            lanes.finish(|instance, bytes| hub.feed(now, at_ms, instance, bytes));
            // What it was asked for and has not told, the next one finds out.
            let unopened = self.windows.lost_client();
            self.windows.unopened.extend(unopened);
            self.windows.suspended = true;
        }
        self.flush_output();
        if let Some(console) = &self.console {
            // What a terminal that is stopped does not take now is written after `fg`.
            drop(tokio::time::timeout(PATIENCE, console.flush()).await);
        }
        // The whole job stops, as it would without us in the way. It goes on behind this line.
        if let Err(error) = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP) {
            self.say_alarm(&format!("cannot suspend: {error}"));
        }
        self.resume();
    }

    /// Back in the foreground (or the background, running): attach again.
    fn resume(&mut self) {
        if !std::mem::take(&mut self.windows.suspended) {
            return;
        }
        match Client::attach(&self.windows.site.server) {
            Ok(client) => self.windows.connection = Connection::Attaching(client),
            Err(error) => self.say_alarm(&error.to_string()),
        }
    }

    /// Whether a shim has spoken from a window that tmux has not told of: its client went before it did.
    pub(super) fn has_shim_without_window(&self) -> bool {
        (self.hosts.iter()).any(|host| host.shim.is_some() && host.window.is_none())
    }

    /// The windows of such shims are among these.
    pub(super) fn find_windows(&mut self, panes: &[Pane]) {
        for instance in self.ids() {
            let host = self.host(instance);
            let shim = host.shim.as_ref().filter(|_| host.window.is_none());
            let found = shim.and_then(|shim| panes.iter().find(|found| Some(found.pane) == shim.pane));
            if let Some(found) = found {
                self.note_window(instance, found.window);
            }
        }
    }

    /// The instance's window is there; whoever waits for its number is told.
    pub(super) fn note_window(&mut self, instance: InstanceId, window: WindowId) {
        self.host_mut(instance).window = Some(window);
        self.note_window_closed(instance, false);
        self.note_change_of(instance);
        for (name, reply) in std::mem::take(&mut self.window_calls) {
            self.answer_window(name, reply);
        }
    }
}
