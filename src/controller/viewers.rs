//! Who looks at the windows in tmux, which the machine is told, and what the status line of a window says to whoever
//! does. What it says in words is `words.rs`'s.

use super::core::Controller;
use super::windows::Asked;
use super::words;
use crate::model::InstanceId;
use crate::supervisor::Event;
use crate::tmux::Reply;
use crate::tmux::command::Command;
use crate::tmux::server;

impl Controller {
    pub(super) fn ask_who_looks(&mut self) {
        self.windows.ask_once(&Command::list_clients(), Asked::Clients);
    }

    pub(super) fn on_viewers(&mut self, reply: &Reply) {
        let viewers = server::viewers(&reply.text());
        if viewers.is_none() && reply.ok {
            return self.ask_who_looks();
        }
        let viewers = viewers.unwrap_or_default();
        self.viewers = viewers.len();
        for instance in self.ids() {
            // A window that is gone took its viewers along: what it ran ends before their eyes, and they count until
            // that has been dealt with.
            let Some(window) = self.host(instance).window else {
                continue;
            };
            let count = viewers.iter().filter(|viewer| viewer.window == window).count();
            let clients = u32::try_from(count).unwrap_or(u32::MAX);
            let counted = self.host(instance).clients;
            if clients < counted {
                // tmux tells that they are gone before it tells that the window is.
                let question = Command::look_for_window(window);
                self.windows.ask(&question, Asked::Left(instance, clients));
            } else if clients > counted {
                self.note_viewers(instance, clients);
            }
        }
    }

    /// Who looked at this window does so no more, and the window is there.
    pub(super) fn on_left(&mut self, instance: InstanceId, clients: u32) {
        // One that has been closed since took the others along.
        if self.host(instance).window.is_some() {
            self.note_viewers(instance, clients);
        }
    }

    fn note_viewers(&mut self, instance: InstanceId, clients: u32) {
        self.host_mut(instance).clients = clients;
        self.note_change_of(instance);
        self.feed(Event::Attached { instance, clients });
    }

    /// Tells tmux what the status line of each window that somebody looks at should say now.
    pub(super) fn refresh_stale_status_lines(&mut self) {
        for instance in std::mem::take(&mut self.stale_status) {
            if self.host(instance).clients > 0 {
                self.refresh_status_line(instance);
            }
        }
    }

    pub(super) fn refresh_status_line(&mut self, instance: InstanceId) {
        let host = self.host(instance);
        let Some(window) = host.window else { return };
        let command = words::window_status(
            host,
            self.machine.state(instance),
            self.machine.word(instance),
            window,
        );
        let mut rendered = Vec::new();
        command.write_line(&mut rendered);
        if self.host(instance).shown != rendered {
            self.windows.tell(&command);
            self.host_mut(instance).shown = rendered;
        }
        if let Some(client) = self.windows.client() {
            client.flush();
        }
    }
}
