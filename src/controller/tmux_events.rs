//! What tmux says, as output for the hub and events for the machine. What it means that it is gone stands in
//! `losses.rs`, how windows are opened in `opening.rs`, who looks at them in `viewers.rs`, what the streams tell besides lines in `told.rs`.

use super::clock;
use super::core::Controller;
use super::leaving::Leave;
use super::refill;
use super::windows::{self, Asked};
use crate::diag::{Diagnostic, Kind};
use crate::logs::Tone;
use crate::model::InstanceId;
use crate::supervisor::Event;
use crate::tmux::command::Command;
use crate::tmux::{ClientEvent, Gone, Greeting, Notification, Reply, WindowId};

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
        let server = self.info.tmux_pid;
        for said in said {
            self.on_said(said);
        }
        self.advance_lanes();
        self.windows.flush();
        // Behind what tmux has to do next: this writes files.
        if self.info.tmux_pid != server {
            self.write_info();
        }
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
        self.info.set_tmux(Some(greeting.server_pid));
        if let Err(error) = crate::tmux::locate::check(&greeting.version, &self.windows.site.server.binary) {
            if self.adopted.begun {
                self.leave = Some(Leave::NoTmux(error));
            } else {
                self.leave_alone(error);
            }
            return;
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
            Some(Asked::Window(instance)) => self.on_opened_alone(instance, reply),
            Some(Asked::Made) => self.on_made(),
            Some(Asked::MadeOnes) => self.on_made_ones(reply),
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
            Some(Asked::Aside) => self.windows.aside = None,
            // The window is gone as well: its end tells more.
            Some(Asked::Left(..) | Asked::Column(_)) | None => {}
        }
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
        if self.host(instance).shim.is_some() {
            // Its own, or a second one.
            self.ask_for_panes();
        } else if !self.is_reaping(instance) {
            let message = "its window closed before it could be used".to_owned();
            self.feed(Event::WindowFailed { instance, message });
        }
    }

    /// The user's own tmux configuration, where one was asked for, before the windows are made.
    fn configure_tmux(&mut self) {
        let is_due = self.windows.held && !self.windows.configuring;
        let Some(file) = self.facts.tmux_config.clone().filter(|_| is_due) else {
            return;
        };
        self.windows.configuring = true;
        let (server, setup) = (self.windows.site.server.clone(), self.windows.site.setup.clone());
        let configured = self.inlets.configured.clone();
        tokio::spawn(async move {
            let patience = std::time::Duration::from_secs(5);
            let warnings = crate::tmux::setup::apply_user_file(&server, &setup, &file, patience).await;
            drop(configured.send(warnings));
        });
    }

    /// tmux has ended while it read the user's file, and would with every server.
    pub(super) fn give_up_tmux_config(&mut self) {
        if let Some(file) = self.facts.tmux_config.take() {
            let text = format!("{}: tmux ended while it read this", file.display());
            self.windows.held = false;
            self.tell_of_tmux_config(&[Diagnostic::warning(Kind::Config, text)]);
        }
    }

    pub(super) fn on_tmux_configured(&mut self, warnings: &[Diagnostic]) {
        self.tell_of_tmux_config(warnings);
        self.windows.held = false;
        self.windows.configuring = false;
        self.open_wanted_windows();
        self.note_progress();
    }

    fn tell_of_tmux_config(&mut self, warnings: &[Diagnostic]) {
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
