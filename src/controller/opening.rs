//! How the wanted windows are opened: of a server that has just begun many at once, later ones one by one. What the
//! machine wants stands in `windows.rs`, what tmux answers comes by `tmux_events.rs`.

use super::core::Controller;
use super::leaving::Leave;
use super::left_over::LeftOver;
use super::windows::{Asked, Connection, Windows, new_window, shim_arguments, start_server};
use crate::diag::Diagnostic;
use crate::model::InstanceId;
use crate::tmux::command::Command;
use crate::tmux::opening::{Aside, New, Opened};
use crate::tmux::panes::{Pane, named_panes, panes};
use crate::tmux::setup::Setup;
use crate::tmux::{PaneId, Reply, WindowId};

/// So many are made at most before tmux sees to anything else.
const AT_ONCE: usize = 128;

impl Windows {
    /// Opens the wanted windows, as far as it is time for them. A server is started where there is none.
    fn open_wanted(&mut self, name: impl Fn(InstanceId) -> String) -> Result<(), Diagnostic> {
        if !self.wanted.is_empty() && matches!(self.connection, Connection::Down) {
            let wanted = self.wanted.iter().map(|instance| (*instance, name(*instance)));
            let begun = start_server(&self.site, self.held, wanted)?;
            self.begun(begun);
        }
        if self.held || (self.wanted.is_empty() && self.making.is_empty()) {
            return Ok(());
        }
        match self.aside {
            Some(aside) if !self.makes_none && !self.is_asking(Asked::Aside) => self.make(aside, name),
            Some(_) | None => {
                while let Some(instance) = self.wanted.pop_front() {
                    self.open_alone(instance, &name(instance));
                }
            }
        }
        self.flush();
        Ok(())
    }

    /// Makes the next of the wanted ones together, in their order, so one step waits for the one before.
    fn make(&mut self, aside: Aside, name: impl Fn(InstanceId) -> String) {
        if self.is_asking(Asked::Made) || self.is_asking(Asked::MadeOnes) {
            return;
        }
        let windows = self.next_ones(name);
        if !windows.is_empty() {
            let [hook, run] = aside.make(&windows, self.site.setup.size);
            self.tell(&hook);
            self.ask(&run, Asked::Made);
        } else if !self.making.is_empty() {
            self.ask(&Command::list_named_panes(), Asked::MadeOnes);
        }
    }

    /// The next of the wanted ones, to be made together. One whose name is not for that is opened alone before them, or
    /// stays where it is.
    fn next_ones(&mut self, name: impl Fn(InstanceId) -> String) -> Vec<New> {
        let mut windows = Vec::new();
        while let Some(instance) = self.wanted.front().copied()
            && windows.len() < AT_ONCE
        {
            let name = name(instance);
            match new_window(&self.site, &name) {
                Some(new) => {
                    windows.push(new);
                    self.making.push(instance);
                }
                None if windows.is_empty() => self.open_alone(instance, &name),
                None => break,
            }
            self.wanted.pop_front();
        }
        windows
    }

    /// A window with its program, in one.
    fn open_alone(&mut self, instance: InstanceId, name: &str) {
        let command = Command::new_window(name, &self.site.program, &shim_arguments(&self.site, name));
        self.ask(&command, Asked::Window(instance));
    }
}

impl Controller {
    /// Opens the windows that the machine wants; not while it is unclear what became of the last server.
    pub(super) fn open_wanted_windows(&mut self) {
        if self.losses.is_open() {
            return;
        }
        let hosts = &self.hosts;
        if let Err(error) = self.windows.open_wanted(|id| hosts[id.0 as usize].name()) {
            self.leave = Some(Leave::NoTmux(error));
        }
    }

    /// tmux has made the windows when it answers again.
    pub(super) fn on_made(&mut self) {
        self.open_wanted_windows();
        if !self.windows.is_asking(Asked::Made) {
            self.windows.ask(&Command::list_named_panes(), Asked::MadeOnes);
            self.windows.flush();
        }
    }

    /// Which of those that were made together are there, with a program. Whether that is the shim is not to be seen yet:
    /// the system shows a process that is about to load its program as another.
    pub(super) fn on_made_ones(&mut self, reply: &Reply) {
        let named = named_panes(&reply.text());
        if named.is_none() && reply.ok {
            return self.windows.ask(&Command::list_named_panes(), Asked::MadeOnes);
        }
        let named = named.unwrap_or_default();
        self.look_for_aside(&named);
        for instance in std::mem::take(&mut self.windows.making) {
            let name = self.host(instance).name();
            let found = named.iter().find(|(pane, of)| *of == name && pane.pid != 0);
            let is_there = self.take_pane(instance, found.map(|(pane, _)| pane));
            self.windows.makes_none |= !is_there;
        }
        let panes: Vec<Pane> = named.into_iter().map(|(pane, _)| pane).collect();
        self.on_listed(&panes);
    }

    /// Where tmux refused a step of its beginning, no window stands aside, and its number is another's.
    fn look_for_aside(&mut self, named: &[(Pane, String)]) {
        let Some(aside) = self.windows.aside else { return };
        let found = named.iter().find(|(pane, _)| pane.pane == aside.pane);
        if found.is_some_and(|(pane, _)| pane.window == aside.window) {
            return;
        }
        self.windows.aside = None;
        if let Some((pane, _)) = found.filter(|(pane, _)| pane.pid == 0) {
            self.windows.tell(&Command::kill_pane(pane.pane));
        }
    }

    pub(super) fn on_opened_alone(&mut self, instance: InstanceId, reply: &Reply) {
        match Opened::from_reply(&reply.first_line()) {
            Some(opened) if reply.ok => self.on_opened(instance, opened.window, opened.pane),
            // It is there, and the reply that says where was cut.
            None if reply.ok => {
                self.windows.unopened.push(instance);
                self.ask_for_panes();
            }
            Some(_) | None => self.windows.refused(instance, reply.text()),
        }
    }

    fn on_opened(&mut self, instance: InstanceId, window: WindowId, pane: PaneId) {
        // Its scrollback has what the pane prints until that is here.
        if !self.windows.is_asking(Asked::Scrollback(instance)) {
            self.windows.bind(pane, instance);
        }
        self.note_window(instance, window);
    }

    pub(super) fn ask_for_panes(&mut self) {
        self.windows.ask_once(&Command::list_panes(), Asked::Panes);
    }

    /// Which of the windows that were asked for have been opened, where that was not told: the client was lost, or
    /// the reply was cut.
    pub(super) fn on_panes(&mut self, reply: &Reply) {
        let panes = panes(&reply.text());
        if panes.is_none() && reply.ok {
            return self.ask_for_panes();
        }
        let panes = panes.unwrap_or_default();
        for instance in std::mem::take(&mut self.windows.unopened) {
            let name = Some(self.host(instance).name());
            let socket = &self.windows.site.shim_socket;
            let pane = panes.iter().find(|pane| LeftOver::shim_in(pane, socket) == name);
            self.take_pane(instance, pane);
        }
        self.on_listed(&panes);
    }

    fn on_listed(&mut self, panes: &[Pane]) {
        self.close_empty(panes);
        self.find_windows(panes);
        self.open_wanted_windows();
    }

    /// The pane is the instance's; without one the instance still wants a window, unless it has had one. Whether it has.
    fn take_pane(&mut self, instance: InstanceId, pane: Option<&Pane>) -> bool {
        if let Some(pane) = pane {
            self.on_opened(instance, pane.window, pane.pane);
            return true;
        }
        // Its shim has spoken, and its window is closed by now: its end tells more.
        let was_there = self.host(instance).shim.is_some();
        if !was_there {
            // If it was made, it is empty.
            self.host_mut(instance).window = None;
            self.windows.want(instance);
        }
        was_there
    }

    /// Panes that were made for an instance that has got another. Where none are made any more, an empty one is a person's.
    fn close_empty(&mut self, panes: &[Pane]) {
        let Some(aside) = self.windows.aside else { return };
        for pane in panes.iter().filter(|pane| pane.pid == 0) {
            if pane.pane != aside.pane {
                self.windows.tell(&Command::kill_pane(pane.pane));
            }
        }
    }

    /// The window that others are made in goes once what was begun in them runs: tmux takes its time for that. It is gone
    /// when tmux has answered; a client that is lost before may have taken the order with it.
    pub(super) fn close_aside(&mut self) {
        let Some(aside) = self.windows.aside else { return };
        let is_wanted = self.windows.held || self.windows.is_opening_any();
        let is_closing = self.windows.is_asking(Asked::Aside);
        if self.adopted.begun && self.windows.is_up() && !is_wanted && !is_closing && !self.is_starting_any()
        {
            let [selected, closed] = aside.close();
            self.windows.tell(&selected);
            self.windows.ask(&closed, Asked::Aside);
            for command in Setup::session_commands() {
                self.windows.tell(&command);
            }
            self.windows.flush();
        }
    }
}
