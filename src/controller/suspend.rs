//! Ctrl-Z and `fg`: the control client is let go before the controller stops, because a client that does not
//! read makes tmux stop reading the panes, and the services would block. Afterwards a new one attaches, and
//! what was printed meanwhile is found in the scrollback.

use super::clock;
use super::core::Controller;
use super::windows::Connection;
use crate::logs::Tone;
use crate::tmux::ClientEvent;
use crate::tmux::client::Client;

impl Controller {
    /// SIGTSTP: lets tmux go, then stops this process (and nobody else: services have terminals of their own).
    pub(super) async fn suspend(&mut self) {
        self.say_session(Tone::Quiet, "suspended; the services run on (fg comes back)");
        self.lanes.close_all(&mut self.windows);
        if let Connection::Up(client) = std::mem::replace(&mut self.windows.connection, Connection::Down) {
            let (now, at_ms) = (self.clock.now(), clock::epoch_ms());
            let panes = self.windows.panes().to_vec();
            let (hub, lanes) = (&mut self.hub, &mut self.lanes);
            client
                .detach(&mut |event| {
                    if let ClientEvent::Output { pane, data } = event
                        && lanes.on_output(now, pane, data.len())
                        && let Some(Some(instance)) = panes.get(pane.0 as usize)
                    {
                        hub.feed(now, at_ms, *instance, data);
                    }
                })
                .await;
            lanes.finish(|instance, bytes| hub.feed(now, at_ms, instance, bytes));
            self.windows.lost_client();
            self.windows.suspended = true;
        }
        self.flush_output();
        if let Some(console) = &self.console {
            console.flush().await;
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
}
