//! What it means when a window, the control client or the tmux server is gone. A window that hangs up says
//! nothing about who closed it: it may have been a person, who ends that service, or the server's death, which
//! is nobody's end. So what follows a hang-up is held back until tmux has answered, or is known to be gone.

use super::core::Controller;
use super::leaving::Leave;
use super::left_over::is_tmux;
use super::links::LinkEvent;
use super::windows::{Asked, Connection};
use crate::diag::Diagnostic;
use crate::logs::Tone;
use crate::model::{InstanceId, Moment};
use crate::supervisor::Event;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use crate::tmux::locate;
use crate::tmux::server::ServerProcess;
use crate::tmux::{Gone, WindowId};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A shim hears at once that its terminal is gone; one that is stopped must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_secs(1);

/// A server that lives no longer is no better than the one before it.
const SHORT_LIFE: Duration = Duration::from_secs(1);

/// So many servers that live no longer, one after the other, and no further one is started.
const MOST_SHORT_LIVES: u32 = 5;

/// Losses whose cause is not known yet.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// What the shims of windows that hung up have reported since.
    held: BTreeMap<InstanceId, Held>,
    /// The server is gone; until then it is awaited which shims had a terminal to lose, and that its process
    /// has ended: a new one must not speak to it.
    server_gone: Option<Moment>,
    /// The process that is awaited.
    server: Option<u32>,
    /// Whose windows tmux said that it closed.
    closed: BTreeSet<InstanceId>,
    /// The server ended because its last window was closed.
    last_window_closed: bool,
    /// When a server was last lost with its windows.
    lost_at: Option<Moment>,
    /// How many were lost within [`SHORT_LIFE`] of the one before, up to now.
    short_lives: u32,
}

/// A window that hung up, until it is known why.
#[derive(Debug, Default)]
struct Held {
    window: Option<WindowId>,
    events: Vec<LinkEvent>,
}

impl Losses {
    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.server_gone
    }

    /// A server was lost with its windows. Whether another one may live longer.
    fn note_server_lost(&mut self, now: Moment) -> bool {
        let lost_before = self.lost_at.replace(now);
        let is_short = lost_before.is_some_and(|before| now.since(before) < SHORT_LIFE);
        self.short_lives = if is_short { self.short_lives + 1 } else { 0 };
        self.short_lives < MOST_SHORT_LIVES
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
                held.events.push(event);
                None
            }
            None => Some(event),
        }
    }

    /// The instance's terminal is gone. Is tmux?
    pub(super) fn on_window_hung_up(&mut self, instance: InstanceId) {
        // Of a tmux that was told to end.
        if self.kill_sent {
            return;
        }
        let window = self.host_mut(instance).window.take();
        if self.windows.is_connected() || self.losses.is_open() {
            self.losses.held.entry(instance).or_default().window = window;
            let question = Command::display_message("");
            self.windows.ask(&question, Asked::Alive(instance));
        }
        self.look_at_losses();
    }

    /// tmux lives, so this window alone was closed.
    pub(super) fn release_held(&mut self, instance: InstanceId) {
        let Some(held) = self.losses.held.remove(&instance) else {
            return;
        };
        self.host_mut(instance).window_closed = true;
        self.feed(Event::WindowClosing { instance });
        for event in held.events {
            self.on_link(event);
        }
    }

    pub(super) fn release_all_held(&mut self) {
        while let Some(instance) = self.losses.held.keys().next().copied() {
            self.release_held(instance);
        }
    }

    pub(super) fn on_client_gone(&mut self, gone: &Gone) {
        if gone.session_ended && self.finished.is_none() {
            self.losses.last_window_closed = self.had_one_window();
        }
        let was = std::mem::replace(&mut self.windows.connection, Connection::Down);
        let unopened = self.windows.lost_client();
        self.windows.unopened.extend(unopened);
        self.lanes.lost_client();
        if self.finished.is_some() {
            return self.release_all_held();
        }
        if std::mem::take(&mut self.windows.configuring) {
            self.give_up_tmux_config();
        }
        let mut is_useless = false;
        match was {
            Connection::Up(_) => {
                if let Some(error) = self.never_came_up(gone) {
                    self.leave = Some(Leave::NoTmux(error));
                    return;
                }
                // The client alone may be gone: it was detached by hand, or killed.
                self.windows.forget_panes();
                if let Ok(client) = Client::attach(&self.windows.site.server) {
                    self.windows.connection = Connection::Attaching(client);
                    return;
                }
                is_useless = true;
            }
            // It was there a moment ago, with what is to be taken over.
            Connection::Attaching(_) if !self.adopted.begun && self.left_tmux_pid.is_some_and(is_tmux) => {
                return self.leave_alone(gone.diagnostic());
            }
            // A server without our session would keep its windows.
            Connection::Attaching(_) => is_useless = true,
            Connection::Down => {}
        }
        self.losses.server_gone = Some(self.clock.now() + PATIENCE);
        self.losses.server = self
            .info
            .tmux_pid
            .filter(|pid| self.watch_server(*pid, is_useless));
        self.look_at_losses();
    }

    /// What to say where the client that started the server has ended before there was a session.
    fn never_came_up(&self, gone: &Gone) -> Option<Diagnostic> {
        if gone.greeted {
            return None;
        }
        // A tmux that is too old may fail in any way.
        let too_old = locate::version_of(&self.windows.site.server.binary).err();
        too_old.or_else(|| (!gone.begun).then(|| gone.diagnostic()))
    }

    /// Has the end of the server's process reported; false if it has ended. It is asked to end by its process, if
    /// it is to: at its socket the next one may be listening by then.
    fn watch_server(&self, pid: u32, is_to_end: bool) -> bool {
        let Ok(process) = ServerProcess::open(pid) else {
            return false;
        };
        if is_to_end && is_tmux(pid) {
            // If it is not ours to end, nobody else is here to do it.
            process.ask_to_end().ok();
        }
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

    /// Whether the session was down to one window when it ended, so that the end was that window's. (tmux does
    /// not tell it from an order to the server; a person who gives that to one window means the window as well.)
    fn had_one_window(&self) -> bool {
        let had_window = |id: &InstanceId| {
            let host = self.host(*id);
            let was_there = host.shim.is_some() || host.window.is_some();
            (was_there && !self.losses.closed.contains(id)) || self.windows.is_opening(*id)
        };
        self.ids().filter(had_window).count() <= 1
    }

    /// tmux said that it closed this window; or it was a session's that looked at it, and the window is there.
    pub(super) fn note_window_closed(&mut self, instance: InstanceId, is_closed: bool) {
        if is_closed {
            self.losses.closed.insert(instance);
        } else {
            self.losses.closed.remove(&instance);
        }
    }

    /// Whose window this is or was.
    pub(super) fn owner_of(&self, window: WindowId) -> Option<InstanceId> {
        let held = |id: &InstanceId| self.losses.held.get(id).and_then(|held| held.window);
        self.ids()
            .find(|id| self.host(*id).window.or_else(|| held(id)) == Some(window))
    }

    /// A server ends with its last window, and that is no loss; a window that hung up or was being opened is.
    fn on_server_gone(&mut self) {
        let unopened = std::mem::take(&mut self.windows.unopened);
        let closed_by_hand = std::mem::take(&mut self.losses.last_window_closed);
        let took_windows = !closed_by_hand
            && (!self.losses.held.is_empty()
                || !unopened.is_empty()
                || self.hosts.iter().any(|h| h.shim.is_some()));
        self.losses.closed.clear();
        self.windows.forget_panes();
        self.windows.aside = None;
        self.lanes.forget();
        self.windows.held = self.facts.tmux_config.is_some();
        for host in &mut self.hosts {
            host.window = None;
            host.clients = 0;
            // Panes are counted anew: this number is another's from here on.
            if let Some(shim) = &mut host.shim {
                shim.pane = None;
            }
        }
        if took_windows {
            self.on_windows_lost();
        } else {
            // Asked of a server that was about to end.
            for instance in unopened {
                self.windows.want(instance);
            }
        }
        self.release_all_held();
        self.open_wanted_windows();
    }

    fn on_windows_lost(&mut self) {
        let may_last = self.losses.note_server_lost(self.clock.now());
        let recover = self.facts.recover && may_last;
        let then = if recover {
            "starting it again with the services that ran"
        } else if self.facts.recover {
            "it ends as soon as it is started: ending the session"
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
