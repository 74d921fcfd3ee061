//! What it means when a window, the control client or the tmux server is gone. A window that hangs up says
//! nothing about who closed it: it may have been a person, who ends that service, or the server's death, which
//! is nobody's end. So what follows a hang-up is held back until tmux has answered, or is known to be gone.

use super::core::{Controller, Leave};
use super::links::LinkEvent;
use super::windows::{Asked, Connection};
use crate::logs::Tone;
use crate::model::{InstanceId, Moment};
use crate::supervisor::Event;
use crate::tmux::Gone;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use crate::tmux::locate;
use crate::tmux::server::ServerProcess;
use std::collections::BTreeMap;
use std::time::Duration;

/// A shim hears at once that its terminal is gone; one that is stopped must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// Losses whose cause is not known yet.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// What the shims of windows that hung up have reported since.
    held: BTreeMap<InstanceId, Vec<LinkEvent>>,
    /// The server is gone; until then it is awaited which shims had a terminal to lose, and that its process
    /// has ended: a new one must not speak to it.
    server_gone: Option<Moment>,
    /// The process that is awaited.
    server: Option<u32>,
}

impl Losses {
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.server_gone
    }

    /// Whether the server is gone and it is not yet clear with what.
    pub(super) fn is_open(&self) -> bool {
        self.server_gone.is_some()
    }
}

impl Controller {
    /// Holds an event back if its instance's window has hung up.
    pub(super) fn hold_back(&mut self, instance: InstanceId, event: LinkEvent) -> Option<LinkEvent> {
        match self.losses.held.get_mut(&instance) {
            Some(held) => {
                held.push(event);
                None
            }
            None => Some(event),
        }
    }

    /// The instance's terminal is gone. Is tmux?
    pub(super) fn on_window_hung_up(&mut self, instance: InstanceId) {
        self.host_mut(instance).window = None;
        if self.windows.is_connected() || self.losses.is_open() {
            self.losses.held.entry(instance).or_default();
            let question = Command::display_message("");
            self.windows.ask(&question, Asked::Alive(instance));
        }
        self.look_at_losses();
    }

    /// tmux lives, so this window alone was closed.
    pub(super) fn release_held(&mut self, instance: InstanceId) {
        for event in self.losses.held.remove(&instance).into_iter().flatten() {
            self.on_link(event);
        }
    }

    pub(super) fn release_all_held(&mut self) {
        while let Some(instance) = self.losses.held.keys().next().copied() {
            self.release_held(instance);
        }
    }

    pub(super) fn on_client_gone(&mut self, gone: &Gone) {
        let was = std::mem::replace(&mut self.windows.connection, Connection::Down);
        let unopened = self.windows.lost_client();
        self.windows.unopened.extend(unopened);
        self.lanes.lost_client();
        if self.finished.is_some() {
            return self.release_all_held();
        }
        match was {
            Connection::Up(_) if gone.greeted => {
                // The client alone may be gone: it was detached by hand, or killed.
                self.windows.forget_panes();
                if let Ok(client) = Client::attach(&self.windows.site.server) {
                    self.windows.connection = Connection::Attaching(client);
                    return;
                }
            }
            Connection::Up(_) => {
                // A tmux that is too old may fail in any way.
                let too_old = locate::version_of(&self.windows.site.server.binary).err();
                self.leave = Some(Leave::NoTmux(too_old.unwrap_or_else(|| gone.diagnostic())));
                return;
            }
            Connection::Attaching(_) => {
                // A server without our session is of no use, and would keep its windows.
                let server = self.windows.site.server.clone();
                tokio::spawn(async move {
                    drop(server.run(&Command::kill_server().to_arguments(), PATIENCE).await);
                });
            }
            Connection::Down => {}
        }
        self.losses.server_gone = Some(self.clock.now() + PATIENCE);
        self.losses.server = self.info.tmux_pid.filter(|pid| self.watch_server(*pid));
        self.look_at_losses();
    }

    /// Has the end of the server's process reported; false if it has ended.
    fn watch_server(&self, pid: u32) -> bool {
        let Ok(process) = ServerProcess::open(pid) else {
            return false;
        };
        let ended = self.inlets.server_ended.clone();
        tokio::spawn(async move {
            process.gone().await;
            // Nobody listens any more when the session is over.
            ended.send(pid).ok();
        });
        true
    }

    pub(super) fn on_server_ended(&mut self, pid: u32) {
        if self.losses.server == Some(pid) {
            self.losses.server = None;
        }
        self.look_at_losses();
    }

    /// Once the server is gone: whether every shim has said that it lost its terminal, or is gone as well.
    pub(super) fn look_at_losses(&mut self) {
        let Some(deadline) = self.losses.server_gone else {
            return;
        };
        let is_clear = |id: InstanceId| {
            self.losses.held.contains_key(&id) || (self.host(id).shim.is_none() && !self.is_reaping(id))
        };
        let all_clear = self.losses.server.is_none() && self.ids().all(is_clear);
        if deadline <= self.clock.now() || all_clear {
            self.losses.server_gone = None;
            self.on_server_gone();
        }
    }

    /// A server ends with its last window, and that is no loss; a window that hung up or was being opened is.
    fn on_server_gone(&mut self) {
        let unopened = std::mem::take(&mut self.windows.unopened);
        let took_windows = !self.losses.held.is_empty()
            || !unopened.is_empty()
            || self.hosts.iter().any(|h| h.shim.is_some());
        self.windows.forget_panes();
        self.lanes.forget();
        self.windows.held = self.facts.tmux_config.is_some();
        for host in &mut self.hosts {
            host.window = None;
            host.clients = 0;
        }
        if took_windows {
            self.on_windows_lost();
        }
        self.release_all_held();
        self.open_wanted_windows();
    }

    fn on_windows_lost(&mut self) {
        let recover = self.facts.recover;
        let then = if recover {
            "starting it again with the services that ran"
        } else {
            "ending the session"
        };
        self.say_session(Tone::Alarm, &format!("the tmux server is gone; {then}"));
        // Those that are still wanted are asked for again.
        self.windows.forget_wanted();
        self.feed(Event::TmuxLost { recover });
        // Windows whose shim never spoke have nobody else to report their loss.
        for instance in self.ids() {
            if self.host(instance).shim.is_none() && !self.is_reaping(instance) {
                self.feed(Event::WindowLost { instance });
            }
        }
    }
}
