//! How the wanted windows are opened: of a server that has just begun in groups, empty first and then with their
//! programs; later ones one by one. What the machine wants stands in `windows.rs`, what tmux answers comes by
//! `tmux_events.rs`.

use super::core::Controller;
use super::leaving::Leave;
use super::left_over::LeftOver;
use super::windows::{Asked, Connection, Windows, shim_arguments, start_server};
use crate::diag::Diagnostic;
use crate::model::InstanceId;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use crate::tmux::opening::{self, Aside, Opened, Placed};
use crate::tmux::server::{self, Pane};
use crate::tmux::setup::Setup;
use crate::tmux::{PaneId, Reply, WindowId};

/// The first group is small: what runs in it begins while tmux makes the others.
const FIRST_GROUP: usize = 2;

impl Windows {
    /// Opens the wanted windows, as far as it is time for them. A server is started where there is none.
    fn open_wanted(&mut self, name: impl Fn(InstanceId) -> String) -> Result<(), Diagnostic> {
        if self.wanted.is_empty() {
            return Ok(());
        }
        if matches!(self.connection, Connection::Down) {
            let client = start_server(&self.site)?;
            self.begun(client);
        }
        if self.held {
            return Ok(());
        }
        match self.aside {
            Some(aside) => self.place(aside, name),
            None => {
                while let Some(instance) = self.wanted.pop_front() {
                    self.open_alone(instance, &name(instance));
                }
            }
        }
        self.flush();
        Ok(())
    }

    /// A server has been started.
    pub(super) fn begun(&mut self, client: Client) {
        self.connection = Connection::Up(client);
        self.aside = Some(Aside::FIRST);
        self.placed = false;
    }

    /// Empty windows, in groups, and the programs of each group before the next: tmux is never without something to do.
    fn place(&mut self, aside: Aside, name: impl Fn(InstanceId) -> String) {
        let size = self.site.setup.size;
        while !self.wanted.is_empty() {
            let room = if self.placed {
                Aside::room(size)
            } else {
                FIRST_GROUP
            };
            self.placed = true;
            let count = self.wanted.len().min(room);
            let group: Vec<_> = self.wanted.drain(..count).map(|id| (id, name(id))).collect();
            for command in aside.empty_panes(count, size) {
                self.tell(&command);
            }
            for (instance, name) in &group {
                self.ask(&aside.move_out(name), Asked::Place(*instance));
            }
            for (instance, name) in &group {
                if let Some(target) = opening::target(name) {
                    self.begin(*instance, name, &target);
                }
            }
        }
    }

    /// The program of the empty window at this target begins.
    fn begin(&mut self, instance: InstanceId, name: &str, target: &str) {
        let arguments = shim_arguments(&self.site, name);
        let begun = opening::begin(target, &self.site.program, &arguments);
        self.ask(&begun, Asked::Program(instance));
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

    /// What tmux answered to an order that gives the instance a window.
    pub(super) fn on_placed(&mut self, instance: InstanceId, reply: &Reply) {
        let name = self.host(instance).name();
        // Its program has been told to begin where it can be found by its name.
        let is_told = opening::target(&name).is_some();
        match Placed::from_reply(&reply.first_line()) {
            Some(placed) if reply.ok => {
                self.on_opened(instance, placed.window, placed.pane);
                if !is_told {
                    self.windows.begin(instance, &name, &placed.pane.to_string());
                }
            }
            // It is there, and the reply that says where was cut.
            _ if reply.ok => {
                if is_told {
                    self.windows.unopened.push(instance);
                } else {
                    self.windows.open_alone(instance, &name);
                }
                self.ask_for_panes();
            }
            // That the program does not begin either comes next.
            _ if is_told => drop(self.windows.unplaced.insert(instance)),
            _ => self.windows.open_alone(instance, &name),
        }
    }

    /// What tmux answered to the order that the program of a window begins.
    pub(super) fn on_program(&mut self, instance: InstanceId, reply: &Reply) {
        if reply.ok {
            return;
        }
        let window = self.host_mut(instance).window.take();
        // Else it has been closed since, and that is told already.
        if self.windows.unplaced.remove(&instance) || window.is_some() {
            // First the other, so that there is never none.
            self.windows.open_alone(instance, &self.host(instance).name());
        }
        if let Some(window) = window {
            self.windows.close(window);
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
        let panes = server::panes(&reply.text());
        if panes.is_none() && reply.ok {
            return self.ask_for_panes();
        }
        let panes = panes.unwrap_or_default();
        for instance in std::mem::take(&mut self.windows.unopened) {
            let name = self.host(instance).name();
            let opened = panes
                .iter()
                .find(|pane| LeftOver::shim_in(pane, &self.windows.site.shim_socket).as_ref() == Some(&name));
            match opened {
                Some(pane) => self.on_opened(instance, pane.window, pane.pane),
                // It has spoken, and its window is closed by now: its end tells more.
                None if self.host(instance).shim.is_some() => {}
                None => {
                    // If it was made, it is empty.
                    self.host_mut(instance).window = None;
                    self.windows.want(instance);
                }
            }
        }
        self.close_empty(&panes);
        self.find_windows(&panes);
        self.open_wanted_windows();
    }

    /// Windows that were made for an instance that has got another.
    fn close_empty(&mut self, panes: &[Pane]) {
        for pane in panes.iter().filter(|pane| pane.pid == 0) {
            let is_aside = self.windows.aside.is_some_and(|a| a.window == pane.window);
            if !is_aside && self.owner_of(pane.window).is_none() {
                self.windows.close(pane.window);
            }
        }
    }

    /// The window that others are made in goes once what was begun in them runs: tmux takes its time for that.
    pub(super) fn close_aside(&mut self) {
        let Some(aside) = self.windows.aside else { return };
        let is_wanted = self.windows.held || self.windows.is_opening_any();
        if self.adopted.begun && self.windows.is_up() && !is_wanted && !self.is_starting_any() {
            self.windows.aside = None;
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
