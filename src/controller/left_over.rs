//! What a session without a controller has left running: its tmux server and the shims in it, and how to end
//! them. Taking them over instead is `adopt.rs`.

use crate::diag::{Diagnostic, Kind};
use crate::platform::processes;
use crate::shim;
use crate::tmux::PaneId;
use crate::tmux::command::{Command, sequence};
use crate::tmux::hold;
use crate::tmux::opening::Aside;
use crate::tmux::panes::{self, Pane};
use crate::tmux::server::{self, Server, ServerProcess};
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// A server that answers at all answers within this.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often it is asked when its answers come cut.
const ATTEMPTS: usize = 5;

/// A tmux server that nobody controls, with what runs in it.
#[derive(Debug)]
pub struct LeftOver {
    server: Server,
    /// As the server itself says; of a silent one, as the session's file has it.
    pid: Option<u32>,
    panes: Vec<Pane>,
    trouble: Option<Trouble>,
    shim_socket: String,
}

/// Why nobody knows what runs in it.
#[derive(Debug)]
enum Trouble {
    /// It is there and does not answer.
    Silent,
    /// It is there, and its socket is gone for good.
    Lost(String),
    /// It cannot be asked.
    Unasked(String),
}

impl LeftOver {
    /// Looks for it. `pid` is the server's as the session's file has it: where the socket was removed, it is
    /// asked to make it again. On the runtime.
    pub async fn find(server: &Server, shim_socket: &str, pid: Option<u32>) -> Self {
        let mut left = Self {
            server: server.clone(),
            pid: None,
            panes: Vec::new(),
            trouble: None,
            shim_socket: shim_socket.to_owned(),
        };
        // A controller may have been killed in the midst of its start.
        left.trouble = match server.started(PATIENCE).await {
            Ok(true) => None,
            Ok(false) => Some(Trouble::Silent),
            Err(error) => Some(Trouble::Unasked(error.to_string())),
        };
        if left.trouble.is_some() {
            return left;
        }
        if !server.socket.exists() {
            let Some(pid) = pid.filter(|pid| is_tmux(*pid)) else {
                return left;
            };
            left.pid = Some(pid);
            if let Err(error) = server.recreate_socket(pid, PATIENCE).await {
                left.trouble = is_tmux(pid).then(|| Trouble::Lost(error.to_string()));
                return left;
            }
        }
        let questions = sequence(&[Command::display_message("#{pid}"), Command::list_panes()]);
        for _ in 0..ATTEMPTS {
            left.trouble = match server.run(&questions, PATIENCE).await {
                Ok(output) => {
                    let (first, panes) = output.text.split_once('\n').unwrap_or_default();
                    left.pid = first.parse().ok();
                    match (left.pid, panes::panes(panes)) {
                        (Some(_), Some(panes)) if output.ok => {
                            left.panes = panes;
                            None
                        }
                        // A server without our session.
                        (Some(_), _) if !output.ok => None,
                        // Its answers come cut.
                        (_, _) if output.ok => {
                            let cut = Trouble::Unasked("its answers come cut short".to_owned());
                            left.trouble = Some(cut);
                            continue;
                        }
                        // No server, unless it was the asking that failed.
                        _ if is_refused(server) => None,
                        _ => Some(Trouble::Unasked(output.errors)),
                    }
                }
                // One that is stopped, or that a busy machine gives no time, is not one that is not there.
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    left.pid = pid.filter(|pid| is_tmux(*pid));
                    Some(Trouble::Silent)
                }
                Err(_) if is_refused(server) => None,
                Err(error) => Some(Trouble::Unasked(error.to_string())),
            };
            break;
        }
        left
    }

    /// The server's pid, as far as it is known.
    pub(super) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// What to say where nobody knows what runs in it, so that nothing may take its place. `may_end`: one that does
    /// not answer is to be ended.
    pub fn refusal(&self, may_end: bool) -> Option<Diagnostic> {
        let whose = match self.pid {
            Some(pid) => format!("the tmux server of this session (pid {pid})"),
            None => "the tmux server of this session".to_owned(),
        };
        match self.trouble.as_ref()? {
            Trouble::Silent | Trouble::Lost(_) if may_end => None,
            Trouble::Lost(why) => {
                Some(Diagnostic::error(Kind::Tmux, format!("{whose} has lost its socket")).cause(why.clone()))
            }
            Trouble::Silent => Some(Diagnostic::error(Kind::Tmux, format!("{whose} does not answer"))),
            Trouble::Unasked(why) => {
                let error = Diagnostic::error(Kind::Tmux, format!("{whose} cannot be asked"));
                Some(if why.is_empty() {
                    error
                } else {
                    error.cause(why.clone())
                })
            }
        }
    }

    /// Ends the control client of the controller before, where that does not die with it: one whose reader is gone
    /// while it had more to say makes the server stop reading the panes.
    pub(super) async fn end_client(&self) {
        let question = Command::list_control_clients().to_arguments();
        let Ok(output) = self.server.run(&question, PATIENCE).await else {
            return;
        };
        for pid in server::control_clients(&output.text) {
            if let Ok(client) = ServerProcess::open(pid) {
                // One that is not ours to end is no controller's.
                drop(client.kill().await);
            }
        }
    }

    /// Whether there is no window left.
    pub fn is_empty(&self) -> bool {
        self.panes.is_empty()
    }

    /// The panes that a shim of this session runs in.
    pub fn shims(&self) -> impl Iterator<Item = &Pane> {
        self.panes
            .iter()
            .filter(|pane| Self::shim_in(pane, &self.shim_socket).is_some())
    }

    /// The window that others are made in, if its controller did not come to close it.
    pub(super) fn aside(&self) -> Option<Aside> {
        let holds = |pane: &&Pane| {
            let words = words_of(pane);
            matches!(words.as_slice(), [.., hold, socket] if hold == hold::SUBCOMMAND && *socket == self.shim_socket)
        };
        self.panes.iter().find(holds).map(|pane| Aside {
            window: pane.window,
            pane: pane.pane,
        })
    }

    /// The panes in which no program has begun.
    pub(super) fn empty(&self) -> impl Iterator<Item = PaneId> {
        self.panes
            .iter()
            .filter(|pane| pane.pid == 0)
            .map(|pane| pane.pane)
    }

    /// The names of the instances that have a window.
    pub fn names(&self) -> Vec<String> {
        let name = |pane| Self::shim_in(pane, &self.shim_socket);
        self.panes.iter().filter_map(name).collect()
    }

    /// Ends all of it: each shim carries out the stop plan of its service, all at once; then the server.
    pub async fn end(&self) {
        // The usual start: nothing is there, and asking would cost the time of a process.
        if self.pid.is_none() && !self.server.socket.exists() {
            return;
        }
        let mut ending = Vec::new();
        for pane in self.shims() {
            let Ok(process) = ServerProcess::open(pane.pid) else {
                continue;
            };
            // SIGTERM is a shim's order to stop what it runs and end. One that has just ended needs no signal.
            if let Some(pid) = super::adopt::pid_of(pane.pid) {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
            }
            ending.push(process);
        }
        for process in ending {
            process.gone().await;
        }
        let server = self.pid.and_then(|pid| ServerProcess::open(pid).ok());
        // It may have ended with its last window, or never have been there.
        drop(
            self.server
                .run(&Command::kill_server().to_arguments(), PATIENCE)
                .await,
        );
        if let Some(server) = server {
            // A server that is stuck must not stay in the way of the next one.
            drop(server.end(&self.server, PATIENCE).await);
        }
    }

    /// The instance whose shim of this session runs in the pane; `None` if another program does.
    pub(super) fn shim_in(pane: &Pane, shim_socket: &str) -> Option<String> {
        let words = words_of(pane);
        let [.., shim, socket, name] = words.as_slice() else {
            return None;
        };
        (socket == shim_socket && shim == shim::SUBCOMMAND).then(|| name.clone())
    }
}

/// What runs in the pane. As long as the process there has not loaded its program, the system shows it as tmux, or with no
/// words at all; then, and of one that the system does not show, tmux knows how the pane was begun.
fn words_of(pane: &Pane) -> Vec<String> {
    // In this order: what is no longer tmux has words of its own.
    let is_to_load = is_tmux(pane.pid);
    let shown = processes::arguments(pane.pid).filter(|_| !is_to_load);
    match shown {
        Some(words) if !words.is_empty() || processes::one(pane.pid).is_none() => words,
        Some(_) | None => pane.words(),
    }
}

/// What is wrong, as told by one that therefore leaves alone what an earlier session has left.
pub(super) fn left_alone(error: Diagnostic) -> Diagnostic {
    error
        .cause("its services may be running: they are left alone")
        .hint("try again, or end it with all that runs in it: ovr quit")
}

/// Whether nobody listens at the server's socket, for certain.
fn is_refused(server: &Server) -> bool {
    let refused =
        |error: std::io::Error| matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound);
    UnixStream::connect(&server.socket).is_err_and(refused)
}

/// The pid may have been used again, so the name counts as well.
pub(super) fn is_tmux(pid: u32) -> bool {
    processes::name(pid).is_some_and(|name| name.starts_with("tmux"))
}
