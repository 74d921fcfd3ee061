//! What tmux says, as output for the hub and events for the machine. What it means that it is gone stands in
//! `losses.rs`, who looks at its windows in `viewers.rs`, what the streams tell besides lines in `told.rs`.

use super::clock;
use super::core::Controller;
use super::leaving::Leave;
use super::left_over::LeftOver;
use super::refill;
use super::windows::{self, Asked};
use crate::diag::Diagnostic;
use crate::logs::Tone;
use crate::model::InstanceId;
use crate::supervisor::Event;
use crate::tmux::command::{Command, Opened};
use crate::tmux::server;
use crate::tmux::{ClientEvent, Gone, Greeting, Notification, PaneId, Reply, WindowId};

/// What the loop has to see to after a drain; output has been passed on already.
enum Said {
    Ready(Greeting),
    Reply(Reply),
    WindowClosed(WindowId),
    WindowRenamed,
    /// Somebody attached, left, or looks at another window.
    ViewersChanged,
    ConfigError(String),
    Gone(Gone),
}

impl Controller {
    /// Reads what tmux has said, a bounded amount, and acts on it.
    pub(super) fn on_tmux(&mut self) {
        self.read_lanes();
        if self.lanes.hold_control_back() {
            return;
        }
        let (now, at_ms) = (self.clock.now(), clock::epoch_ms());
        let mut said = Vec::new();
        let (client, panes, asked) = self.windows.reading();
        let Some(client) = client else { return };
        let instances = self.hosts.len();
        let (hub, lanes, hosts) = (&mut self.hub, &mut self.lanes, &mut self.hosts);
        let _more = client.drain(&mut |event| match event {
            ClientEvent::Output { pane, data } => {
                if lanes.on_output(now, pane, data.len())
                    && let Some(Some(instance)) = panes.get(pane.0 as usize)
                {
                    hub.feed(now, at_ms, *instance, data);
                }
            }
            ClientEvent::Ready(greeting) => said.push(Said::Ready(greeting)),
            ClientEvent::Reply(reply) => {
                if let Some(Asked::Column(instance)) = asked.get(&reply.number) {
                    hosts[instance.0 as usize].column = reply.first_line().trim().parse().unwrap_or(0);
                }
                if let Some(Asked::Scrollback(instance)) = asked.get(&reply.number)
                    && let host = &hosts[instance.0 as usize]
                    && let Some(pane) = host.shim.as_ref().and_then(|shim| shim.pane)
                {
                    let runs = host.run.as_ref().is_some_and(|run| run.ended.is_none());
                    let name = host.name();
                    let taken = refill::Taken {
                        found: host.found.then_some((name.as_str(), instances)),
                        now,
                        at_ms,
                        instance: *instance,
                        run: host.run.as_ref().map(|run| run.id),
                        runs,
                        open_at: (runs && host.column > 0).then_some(host.column),
                    };
                    if reply.ok {
                        refill::take_in(hub, taken, &reply.body);
                    }
                    if runs {
                        hub.taken_in_alive(*instance);
                    }
                    // What the pane prints from here on is not in it.
                    windows::bind(panes, pane, *instance);
                }
                if !lanes.on_reply(&reply) {
                    said.push(Said::Reply(reply));
                }
            }
            ClientEvent::Gone(gone) => said.push(Said::Gone(gone)),
            ClientEvent::Notice(notice) => {
                lanes.on_notice();
                said.extend(noticed(&notice));
            }
        });
        self.on_stream_events();
        for said in said {
            self.on_said(said);
        }
        self.advance_lanes();
    }

    fn on_said(&mut self, said: Said) {
        match said {
            Said::Ready(greeting) => self.on_ready(&greeting),
            Said::Reply(reply) => self.on_reply(&reply),
            Said::WindowClosed(window) => self.on_window_left(window),
            Said::WindowRenamed => {}
            Said::ViewersChanged => self.ask_who_looks(),
            Said::ConfigError(text) => {
                self.say_session(Tone::Alarm, &format!("tmux's configuration: {text}"));
            }
            Said::Gone(gone) => self.on_client_gone(&gone),
        }
    }

    fn on_ready(&mut self, greeting: &Greeting) {
        self.note_server(greeting.server_pid);
        if let Err(error) = crate::tmux::locate::check(&greeting.version, &self.windows.site.server.binary) {
            if self.adopted.begun {
                self.leave = Some(Leave::NoTmux(error));
            } else {
                self.leave_alone(error);
            }
            return;
        }
        if let Some(first) = self.windows.first.take() {
            self.on_opened(first, greeting.window, greeting.pane);
        }
        if self.windows.became_ready() {
            // A new client after the old one was lost: windows and panes are the same ones.
            self.lanes.on_new_client(&mut self.windows);
            self.release_all_held();
            if !self.windows.unopened.is_empty() || self.has_shim_without_window() {
                self.ask_for_panes();
            }
            self.refill_all();
            self.ask_who_looks();
        }
        // Also where the client that was greeted first has been let go since.
        self.configure_tmux();
    }

    fn on_reply(&mut self, reply: &Reply) {
        match self.windows.answered(reply.number) {
            Some(Asked::Window(instance)) => match Opened::from_reply(&reply.first_line()) {
                Some(opened) if reply.ok => self.on_opened(instance, opened.window, opened.pane),
                // It is there, and the reply that says where was cut.
                None if reply.ok => {
                    self.windows.unopened.push(instance);
                    self.ask_for_panes();
                }
                Some(_) | None => self.windows.refused(instance, reply.text()),
            },
            Some(Asked::Refused(instance)) => {
                if let Some(message) = self.windows.reason_of_refusal(instance, reply.ok) {
                    self.feed(Event::WindowFailed { instance, message });
                }
            }
            Some(Asked::Clients) => self.on_viewers(reply),
            Some(Asked::Left(instance, clients)) if reply.ok => self.on_left(instance, clients),
            // The scrollback itself has been taken in where it stood.
            Some(Asked::Scrollback(instance)) => self.on_marks_missed(instance),
            Some(Asked::Panes) => self.on_panes(reply),
            Some(Asked::WindowThere(instance)) if reply.ok => self.note_window_closed(instance, false),
            Some(Asked::WindowThere(instance)) => self.on_window_closed(instance),
            Some(Asked::Alive(instance)) => self.release_held(instance),
            // The window is gone as well: its end tells more.
            Some(Asked::Left(..) | Asked::Column(_)) | None => {}
        }
    }

    fn on_opened(&mut self, instance: InstanceId, window: WindowId, pane: PaneId) {
        // Its scrollback has what the pane prints until that is here.
        if !self.windows.is_asking(Asked::Scrollback(instance)) {
            self.windows.bind(pane, instance);
        }
        self.note_window(instance, window);
    }

    /// A window has left a session. It may have been the session of a view: tmux then says the same.
    fn on_window_left(&mut self, window: WindowId) {
        if let Some(instance) = self.owner_of(window) {
            self.note_window_closed(instance, true);
            let question = Command::look_for_window(window);
            self.windows.ask(&question, Asked::WindowThere(instance));
        }
    }

    /// A window is gone. Where its shim has spoken, its end tells more; where it never did, it never will.
    fn on_window_closed(&mut self, instance: InstanceId) {
        self.host_mut(instance).window = None;
        if self.host(instance).shim.is_none() && !self.is_reaping(instance) {
            let message = "its window closed before it could be used".to_owned();
            self.feed(Event::WindowFailed { instance, message });
        }
    }

    /// Opens the windows that the machine wants; not while it is unclear what became of the last server.
    pub(super) fn open_wanted_windows(&mut self) {
        if self.losses.is_open() {
            return;
        }
        let hosts = &self.hosts;
        if let Err(error) = self
            .windows
            .open_wanted(|id| hosts[id.0 as usize].spec.name.clone())
        {
            self.leave = Some(Leave::NoTmux(error));
        }
    }

    fn ask_for_panes(&mut self) {
        self.windows.ask_once(&Command::list_panes(), Asked::Panes);
    }

    /// Which of the windows that were asked for have been opened, where that was not told: the client was lost, or
    /// the reply was cut.
    fn on_panes(&mut self, reply: &Reply) {
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
                None => self.windows.want(instance),
            }
        }
        self.find_windows(&panes);
        self.open_wanted_windows();
    }

    /// The user's own tmux configuration, where one was asked for, before the windows are made.
    fn configure_tmux(&mut self) {
        let is_due = self.windows.held && !self.windows.configuring;
        let Some(file) = self.facts.tmux_config.clone().filter(|_| is_due) else {
            return;
        };
        self.windows.configuring = true;
        let server = self.windows.site.server.clone();
        let configured = self.inlets.configured.clone();
        tokio::spawn(async move {
            let patience = std::time::Duration::from_secs(5);
            let warnings = crate::tmux::setup::apply_user_file(&server, &file, patience).await;
            drop(configured.send(warnings));
        });
    }

    pub(super) fn on_tmux_configured(&mut self, warnings: &[Diagnostic]) {
        for warning in warnings {
            self.say_session(Tone::Alarm, &warning.to_string());
            // Where there is no console: to whoever waits for the start.
            let message: Vec<&str> = std::iter::once(&warning.message)
                .chain(&warning.causes)
                .map(String::as_str)
                .collect();
            let advice = warning.hints.first().map_or(GOES_WITHOUT, String::as_str);
            self.progress.warn(message.join(": "), advice.to_owned());
        }
        self.windows.held = false;
        self.windows.configuring = false;
        self.open_wanted_windows();
        self.note_progress();
    }
}

/// What is amiss in the user's tmux configuration is no reason not to start.
const GOES_WITHOUT: &str = "the session runs without what that would have set";

fn noticed(notice: &Notification<'_>) -> Option<Said> {
    match notice {
        Notification::WindowClosed(window) => Some(Said::WindowClosed(*window)),
        Notification::WindowRenamed { .. } => Some(Said::WindowRenamed),
        Notification::ClientSessionChanged { .. }
        | Notification::ClientDetached { .. }
        | Notification::SessionWindowChanged { .. }
        | Notification::SessionsChanged => Some(Said::ViewersChanged),
        Notification::ConfigError(text) => {
            Some(Said::ConfigError(String::from_utf8_lossy(text).into_owned()))
        }
        Notification::Output { .. }
        | Notification::Begin(_)
        | Notification::Body { .. }
        | Notification::End { .. }
        | Notification::Exit { .. }
        | Notification::WindowAdded(_)
        | Notification::LayoutChanged(_)
        | Notification::WindowPaneChanged { .. }
        | Notification::PaneModeChanged(_)
        | Notification::SessionChanged { .. }
        | Notification::SessionRenamed
        | Notification::Paused(_)
        | Notification::Continued(_)
        | Notification::Message(_) => None,
    }
}
