//! Taking over what an earlier controller of this session left running.

use super::clock;
use super::core::Controller;
use super::windows::Connection;
use crate::logs::Tone;
use crate::model::InstanceId;
use crate::supervisor::Event;
use crate::tmux::client::Client;
use crate::tmux::command::Command;
use crate::tmux::server::{self, Pane, ServerProcess};
use std::time::Duration;

/// A shim answers within milliseconds; one that is stopped must not hold up the others for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Adopted {
    /// Alive, and taken over.
    pub(super) taken: Vec<InstanceId>,
    /// Ended while nobody looked.
    pub(super) ended: Vec<InstanceId>,
    /// Alive with another command or environment than the configuration has now.
    pub(super) changed: Vec<InstanceId>,
    pub(super) begun: bool,
}

impl Controller {
    /// Looks for a tmux server that an earlier controller left, and adopts what lives in it; else starts anew.
    pub(super) async fn adopt_or_begin(&mut self) {
        let panes = self.left_panes().await;
        if self.facts.fresh || panes.is_empty() {
            self.end_left_over(&panes).await;
            self.begin();
            return;
        }
        match Client::attach(&self.windows.site.server) {
            Ok(client) => {
                self.windows.connection = Connection::Attaching(client);
                // This server has read the user's configuration when it was started.
                self.windows.held = false;
            }
            Err(_) => {
                self.end_left_over(&panes).await;
                self.begin();
                return;
            }
        }
        for pane in &panes {
            if self.is_our_shim(pane) && signal_shim(pane.pid) {
                self.expected_shims.insert(pane.pid);
                self.found_panes.push((pane.pid, pane.window));
            }
        }
        self.adoption_deadline = Some(self.clock.now() + PATIENCE);
        self.begin_when_adopted();
    }

    /// The panes of a server that answers on our socket.
    async fn left_panes(&self) -> Vec<Pane> {
        let server = &self.windows.site.server;
        if !server.socket.exists() && self.left_server_pid().is_none() {
            return Vec::new();
        }
        if let Some(pid) = self.left_server_pid()
            && !server.socket.exists()
        {
            // Somebody removed the socket; the server makes it again.
            drop(server.recreate_socket(pid, PATIENCE).await);
        }
        match server.run(&Command::list_panes().to_arguments(), PATIENCE).await {
            Ok(output) if output.ok => server::panes(&output.text),
            Ok(_) | Err(_) => Vec::new(),
        }
    }

    /// Ends what is left: each shim by its own stop plan, then the server.
    async fn end_left_over(&mut self, panes: &[Pane]) {
        if panes.is_empty() {
            return;
        }
        self.say_session(Tone::Normal, "ending what an earlier session left running");
        for pane in panes {
            if self.is_our_shim(pane)
                && let Some(pid) = pid_of(pane.pid)
            {
                // SIGTERM is a shim's order to stop what it runs and end.
                // One that has just ended needs no signal.
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
                if let Ok(process) = ServerProcess::open(pane.pid) {
                    process.gone().await;
                }
            }
        }
        let server = &self.windows.site.server;
        drop(server.run(&Command::kill_server().to_arguments(), PATIENCE).await);
    }

    fn is_our_shim(&self, pane: &Pane) -> bool {
        let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", pane.pid)) else {
            return pane.command.contains(" shim ");
        };
        let mut words = line.split(|b| *b == 0).skip(1);
        words.next() == Some(b"shim") && words.next() == Some(self.windows.site.shim_socket.as_bytes())
    }

    fn left_server_pid(&self) -> Option<u32> {
        self.left_tmux_pid.filter(|pid| is_tmux(*pid))
    }

    /// Starts what should run, once every shim that was told of us has spoken.
    pub(super) fn begin_when_adopted(&mut self) {
        if !self.adopted.begun && self.expected_shims.is_empty() {
            self.adoption_deadline = None;
            self.report_adoption();
            self.begin();
        }
    }

    fn begin(&mut self) {
        self.adopted.begun = true;
        self.progress.begin();
        self.check_all_ports();
        self.feed(Event::Begin);
        self.note_progress();
    }

    fn report_adoption(&mut self) {
        // In the order of the file, not in that of the answers.
        self.adopted.taken.sort_unstable();
        self.adopted.ended.sort_unstable();
        let names = |instances: &[InstanceId]| {
            instances
                .iter()
                .map(|id| self.host(*id).name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let adopted = &self.adopted;
        let mut said = Vec::new();
        if !adopted.taken.is_empty() {
            said.push((
                Tone::Normal,
                format!("adopted {}: still running, not restarted", names(&adopted.taken)),
            ));
        }
        for instance in &adopted.ended {
            let host = self.host(*instance);
            if let Some(end) = host.last_exit() {
                let ago = crate::model::time_text::ago(end.at, clock::wall());
                said.push((
                    Tone::Alarm,
                    format!("{} ended meanwhile: {}, {ago}", host.name(), end.exit),
                ));
            }
        }
        for instance in &adopted.changed {
            let name = self.host(*instance).name();
            let text =
                format!("{name} runs with an older configuration · ovr restart {name} applies the new one");
            said.push((Tone::Normal, text));
        }
        for (tone, text) in said {
            self.say_session(tone, &text);
        }
    }
}

fn pid_of(pid: u32) -> Option<rustix::process::Pid> {
    rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)
}

/// "A controller is at the socket again."
fn signal_shim(pid: u32) -> bool {
    pid_of(pid).is_some_and(|pid| rustix::process::kill_process(pid, rustix::process::Signal::USR1).is_ok())
}

fn is_tmux(pid: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => name.starts_with("tmux"),
        Err(_) => false,
    }
}
